{{ config(materialized='view') }}

select
    event_key,
    order_id,
    session_key,
    customer_id,
    happened_at as refunded_at,
    currency,
    order_value as refunded_value,
    refund_reason
from {{ ref('stg_events') }}
where event_name = 'refund'
