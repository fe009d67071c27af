select
    product_id,
    currency,
    sum(orders) as orders,
    sum(units_sold) as units_sold,
    sum(revenue) as revenue
from {{ ref('product_days') }}
where units_sold > 0
group by product_id, currency
