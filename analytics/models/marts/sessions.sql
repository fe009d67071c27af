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

)

select
    session_key,
    anonymous_id,
    session_id,
    -- A visitor who logs in on the way is that customer.
    max_by(customer_id, happened_at) filter (where customer_id is not null) as customer_id,
    min(happened_at) as started_at,
    max(happened_at) as ended_at,
    cast(min(happened_at) as date) as started_date,
    {{ dbt.datediff('min(happened_at)', 'max(happened_at)', 'second') }} as duration_seconds,
    min_by(device_class, happened_at) as device_class,
    min_by(country, happened_at) as country,
    min_by(referrer_medium, happened_at) as referrer_medium,
    min_by(utm_source, happened_at) as utm_source,
    min_by(utm_campaign, happened_at) as utm_campaign,
    bool_or(coalesce(is_bot, false)) as is_bot,
    count(*) as events,
    count(*) filter (where is_late) as late_events,
    count(*) filter (where event_name = 'view_item') as item_views,
    count(*) filter (where event_name = 'add_to_cart') as cart_additions,
    count(*) filter (where event_name = 'begin_checkout') as checkouts,
    count(*) filter (where event_name = 'purchase') as purchases,
    max(load_date) as last_load_date
from events
group by session_key, anonymous_id, session_id
