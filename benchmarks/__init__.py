"""What choices cost: peers side by side, on the machine at hand."""
