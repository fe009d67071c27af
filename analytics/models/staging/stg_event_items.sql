{{ config(materialized='view') }}

select
    event_key || '#' || cast(position as varchar) as event_item_key,
    event_key,
    position as item_position,
    event_name,
    event_date,
    load_date,
    order_id,
    currency,
    coalesce(element.item_id, element.item_name) as product_id,
    coalesce(catalog_items[position].name, element.item_name, element.item_id) as product_name,
    coalesce(catalog_items[position].brand, element.item_brand) as brand,
    coalesce(catalog_items[position].category, element.item_category) as category,
    element.price as price,
    coalesce(element.quantity, 1) as quantity,
    element.price * coalesce(element.quantity, 1) as item_value
from {{ per_element(ref('stg_events'), 'items') }}
