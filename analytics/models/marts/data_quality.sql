{{ config(
    materialized='incremental', incremental_strategy='merge',
    unique_key=['dlq_date', 'failure_type', 'failure_stage']
) }}

select
    dlq_date,
    failure_type,
    failure_stage,
    count(*) as dead_letters,
    sum(payload_bytes) as payload_bytes,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from {{ ref('stg_dead_letters') }}
{% if is_incremental() %}
where dlq_date >= {{ first_arrival_date('dlq_date') }}
{% endif %}
group by dlq_date, failure_type, failure_stage
