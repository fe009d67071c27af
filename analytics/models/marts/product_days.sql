{{ config(
    materialized='incremental', incremental_strategy='merge',
    unique_key=['product_id', 'load_date', 'currency']
) }}

-- By day of arrival: what arrives late adds to its own day of arrival, and older days never change.
with items as (

    select
        *,
        -- ISO 4217 for "no currency": a product in a list has none.
        coalesce(currency, 'XXX') as item_currency,
        -- A second purchase event of the same order sells nothing.
        event_name = 'purchase' and event_key in (select event_key from {{ ref('orders') }}) as is_sold
    from {{ ref('stg_event_items') }}
    {% if is_incremental() %}
    where load_date >= {{ first_arrival_date('load_date') }}
    {% endif %}

)

select
    product_id,
    load_date,
    item_currency as currency,
    max(product_name) as product_name,
    max(brand) as brand,
    max(category) as category,
    count(*) filter (where event_name = 'view_item') as item_views,
    count(*) filter (where event_name = 'add_to_cart') as cart_additions,
    count(distinct case when is_sold then order_id end) as orders,
    cast(coalesce(sum(quantity) filter (where is_sold), 0) as bigint) as units_sold,
    coalesce(sum(item_value) filter (where is_sold), 0) as revenue
from items
group by product_id, load_date, item_currency
