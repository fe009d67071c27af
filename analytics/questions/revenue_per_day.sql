-- What was sold per day? One row per day (UTC, when it happened) and currency.
-- An order is its transaction_id: if a purchase was reported twice, the report that arrived first counts.
with reports as (
    select
        event_date,
        ecommerce.currency as currency,
        ecommerce.value as order_value,
        row_number() over (
            partition by ecommerce.transaction_id
            order by received_at, kafka_topic_id, kafka_partition, kafka_offset
        ) as report_number
    from events
    where event_name = 'purchase'
)

select
    event_date,
    currency,
    count(*) as orders,
    sum(order_value) as revenue,
    min(order_value) as smallest_order,
    max(order_value) as largest_order
from reports
where report_number = 1
group by event_date, currency
order by event_date, currency
