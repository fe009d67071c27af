{{ config(
    materialized='incremental', incremental_strategy='merge',
    unique_key=['kafka_topic_id', 'kafka_partition', 'kafka_offset']
) }}

-- Value, key and headers stay in the lake: they are what was sent, personal data included.
with dead_letters as (

    select
        dlq_id as dead_letter_id,
        failure_type,
        failure_stage,
        failure_errors,
        {{ utc('failed_at') }} as failed_at,
        {{ utc('kafka_timestamp') }} as received_at,
        dlq_date,
        attempts,
        event_name,
        payload_bytes,
        payload_truncated as is_payload_truncated,
        batch_id,
        kafka_topic_id,
        kafka_partition,
        kafka_offset
    from {{ source('lake', 'dead_letters') }}
    {% if is_incremental() %}
    where dlq_date >= {{ first_arrival_date('dlq_date') }}
    {% endif %}

)

select *
from dead_letters
where failed_at <= (select max(processed_at) from {{ ref('stg_batches') }})
