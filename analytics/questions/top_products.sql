-- Which ten products earn most? One row per product and currency: units and revenue of its order lines (price × quantity).
-- Engines spell one line differently, the one that makes a row of each order line: take yours.
with reports as (
    select
        items,
        ecommerce.currency as currency,
        row_number() over (
            partition by ecommerce.transaction_id
            order by received_at, kafka_topic_id, kafka_partition, kafka_offset
        ) as report_number
    from events
    where event_name = 'purchase'
),

order_lines as (
    select
        currency,
        coalesce(item.item_id, item.item_name) as product,
        item.item_name as product_name,
        coalesce(item.quantity, 1) as quantity,
        coalesce(item.price, 0) * coalesce(item.quantity, 1) as revenue
    from reports
    cross join unnest(items) as line (item) -- DuckDB
    -- cross join unnest(transform(items, i -> row(i))) as line (item) -- Trino, Athena
    -- lateral view explode(items) line as item -- Spark
    where report_number = 1
)

select
    product,
    currency,
    max(product_name) as product_name,
    sum(quantity) as units,
    sum(revenue) as revenue
from order_lines
group by product, currency
order by revenue desc, product, currency
limit 10
