select
    product_id,
    {{ newest('product_name', "cast(load_date as varchar) || currency") }} as product_name,
    {{ newest('brand', "cast(load_date as varchar) || currency") }} as brand,
    {{ newest('category', "cast(load_date as varchar) || currency") }} as category,
    cast(sum(item_views) as bigint) as item_views,
    cast(sum(cart_additions) as bigint) as cart_additions,
    cast(sum(orders) as bigint) as orders,
    cast(sum(units_sold) as bigint) as units_sold
from {{ ref('product_days') }}
group by product_id
