{{ config(materialized='incremental', incremental_strategy='merge', unique_key='event_key') }}

with accepted as (

    select
        lower(event_id) || ':' || cast(event_fingerprint as varchar) as event_key,
        lower(event_id) as event_id,
        event_name,
        {{ utc('derived_at') }} as happened_at,
        {{ utc('received_at') }} as received_at,
        {{ utc('processed_at') }} as processed_at,
        event_date,
        load_date,
        is_late,
        cast(lateness_ms as double) / 1000 as lateness_seconds,

        -- A slash of the visitor's own must not end it: a/b and c are not a and b/c.
        replace(replace(anonymous_id, '~', '~0'), '/', '~1') || '/' || session_id as session_key,
        anonymous_id,
        session_id,
        coalesce(user_pseudonym, user_id) as customer_id,

        platform,
        device_class,
        os,
        browser,
        is_bot,
        geo.country as country,
        page_path,
        referrer_medium,
        utm_source,
        utm_medium,
        utm_campaign,

        ecommerce.transaction_id as order_id,
        ecommerce.currency as currency,
        ecommerce.value as order_value,
        ecommerce.tax as tax,
        ecommerce.shipping as shipping,
        ecommerce.coupon as coupon,
        ecommerce.payment_type as payment_type,
        ecommerce.search_term as search_term,
        ecommerce.refund_reason as refund_reason,
        items,
        catalog_items,

        {{ array_size('warnings') }} as warning_count,
        batch_id,
        kafka_topic_id,
        kafka_partition,
        kafka_offset
    from {{ source('lake', 'events') }}
    {% if is_incremental() %}
    where load_date >= {{ first_arrival_date('load_date') }}
    {% endif %}

),

delivered as (

    select *
    from accepted
    where processed_at <= (select max(processed_at) from {{ ref('stg_batches') }})

),

numbered as (

    select
        *,
        row_number() over (
            partition by event_key
            order by received_at, kafka_topic_id, kafka_partition, kafka_offset
        ) as arrival_number
    from delivered

)

select
    event_key,
    event_id,
    event_name,
    happened_at,
    received_at,
    processed_at,
    event_date,
    load_date,
    is_late,
    lateness_seconds,
    session_key,
    anonymous_id,
    session_id,
    customer_id,
    platform,
    device_class,
    os,
    browser,
    is_bot,
    country,
    page_path,
    referrer_medium,
    utm_source,
    utm_medium,
    utm_campaign,
    order_id,
    currency,
    order_value,
    tax,
    shipping,
    coupon,
    payment_type,
    search_term,
    refund_reason,
    items,
    catalog_items,
    warning_count,
    batch_id,
    kafka_topic_id,
    kafka_partition,
    kafka_offset
from numbered
where
    arrival_number = 1
    {% if is_incremental() %}
    -- A re-send beyond the job's horizon is a row of its own in the lake: the first one that arrived stays.
    and event_key not in (
        select event_key from {{ this }} where load_date < {{ first_arrival_date('load_date') }}
    )
    {% endif %}
