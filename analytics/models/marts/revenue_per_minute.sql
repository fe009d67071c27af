-- From orders, not from events: small enough to be built anew, so a late order finds its minute.
select
    purchased_minute as minute,
    currency,
    count(*) as orders,
    count(*) filter (where is_late) as late_orders,
    sum(order_value) as revenue,
    sum(refunded_value) as refunded_value
from {{ ref('orders') }}
group by purchased_minute, currency
