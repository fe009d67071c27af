"""What comes after the stream: dbt models over the lake's tables, and a page of charts from them."""
