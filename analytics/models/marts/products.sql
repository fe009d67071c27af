select
    product_id,
    max_by(product_name, load_date) as product_name,
    max_by(brand, load_date) as brand,
    max_by(category, load_date) as category,
    sum(item_views) as item_views,
    sum(cart_additions) as cart_additions,
    sum(orders) as orders,
    sum(units_sold) as units_sold
from {{ ref('product_days') }}
group by product_id
