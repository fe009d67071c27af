{{ config(materialized='incremental', incremental_strategy='merge', unique_key='session_key') }}

-- An event that arrives late changes its session: sessions with anything new are computed anew, from all their events.
with events as (

    select *
    from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where session_key in (
        select session_key
        from {{ ref('stg_events') }}
        where load_date >= {{ first_arrival_date('last_load_date') }}
    )
    {% endif %}

),

-- What happened at the same moment is told apart by its place in Kafka: else two runs could differ.
numbered as (

    select
        *,
        row_number() over (
            partition by session_key
            order by happened_at, received_at, kafka_topic_id, kafka_partition, kafka_offset
        ) as event_number,
        row_number() over (
            partition by session_key
            order by
                case when customer_id is null then 1 else 0 end,
                happened_at desc, received_at desc, kafka_topic_id desc, kafka_partition desc, kafka_offset desc
        ) as customer_number
    from events

)

select
    session_key,
    anonymous_id,
    session_id,
    -- A visitor who logs in on the way is that customer.
    max(case when customer_number = 1 then customer_id end) as customer_id,
    min(happened_at) as started_at,
    max(happened_at) as ended_at,
    cast(min(happened_at) as date) as started_date,
    {{ dbt.datediff('min(happened_at)', 'max(happened_at)', 'second') }} as duration_seconds,
    {% for column in ['device_class', 'country', 'referrer_medium', 'utm_source', 'utm_campaign'] %}
    max(case when event_number = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    bool_or(coalesce(is_bot, false)) as is_bot,
    count(*) as events,
    count(*) filter (where is_late) as late_events,
    count(*) filter (where event_name = 'view_item') as item_views,
    count(*) filter (where event_name = 'add_to_cart') as cart_additions,
    count(*) filter (where event_name = 'begin_checkout') as checkouts,
    count(*) filter (where event_name = 'purchase') as purchases,
    max(load_date) as last_load_date
from numbered
group by session_key, anonymous_id, session_id
