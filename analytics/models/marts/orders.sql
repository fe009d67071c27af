{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id') }}

-- Both kinds of event may arrive late: orders with anything new are computed anew, from all their events.
with events as (

    select *
    from {{ ref('stg_events') }}
    where
        event_name in ('purchase', 'refund')
        {% if is_incremental() %}
        and order_id in (
            select order_id
            from {{ ref('stg_events') }}
            where
                event_name in ('purchase', 'refund')
                and load_date >= {{ first_arrival_date('last_load_date') }}
        )
        {% endif %}

),

purchases as (

    select
        *,
        row_number() over (
            partition by order_id
            order by received_at, kafka_topic_id, kafka_partition, kafka_offset
        ) as arrival_number,
        count(*) over (partition by order_id) as purchase_events
    from events
    where event_name = 'purchase'

),

refunds as (

    select
        order_id,
        currency,
        sum(order_value) as refunded_value,
        max(happened_at) as last_refunded_at
    from events
    where event_name = 'refund'
    group by order_id, currency

),

arrivals as (

    select order_id, max(load_date) as last_load_date
    from events
    group by order_id

)

select
    purchases.order_id,
    purchases.event_key,
    purchases.session_key,
    purchases.customer_id,
    purchases.happened_at as purchased_at,
    cast(purchases.happened_at as date) as purchased_date,
    {{ dbt.date_trunc('minute', 'purchases.happened_at') }} as purchased_minute,
    purchases.country,
    purchases.device_class,
    purchases.payment_type,
    purchases.coupon,
    {{ array_size('purchases.items') }} as order_lines,
    purchases.currency,
    purchases.order_value,
    purchases.tax,
    purchases.shipping,
    coalesce(refunds.refunded_value, 0) as refunded_value,
    purchases.order_value - coalesce(refunds.refunded_value, 0) as net_value,
    refunds.last_refunded_at,
    case
        when refunds.refunded_value is null then 'placed'
        when refunds.refunded_value < purchases.order_value then 'partly_refunded'
        else 'refunded'
    end as status,
    purchases.is_late,
    purchases.purchase_events,
    arrivals.last_load_date
from purchases
inner join arrivals on purchases.order_id = arrivals.order_id
left join refunds
    on purchases.order_id = refunds.order_id
    and purchases.currency = refunds.currency
where purchases.arrival_number = 1
