select
    product_id,
    currency,
    cast(sum(orders) as bigint) as orders,
    cast(sum(units_sold) as bigint) as units_sold,
    sum(revenue) as revenue
from {{ ref('product_days') }}
where units_sold > 0
group by product_id, currency
