with waits as (

    select
        batch_id,
        processed_at,
        avg({{ dbt.datediff('received_at', 'processed_at', 'second') }}) as average_wait_seconds,
        max({{ dbt.datediff('received_at', 'processed_at', 'second') }}) as longest_wait_seconds
    from {{ ref('stg_events') }}
    group by batch_id, processed_at

)

select
    batches.batch_key,
    batches.batch_id,
    batches.processed_at,
    batches.records_in,
    batches.accepted_records,
    batches.dead_records,
    batches.duplicate_records,
    batches.late_records,
    batches.duration_seconds,
    batches.records_in / nullif(batches.duration_seconds, 0) as records_per_second,
    waits.average_wait_seconds,
    waits.longest_wait_seconds,
    batches.pipeline_version
from {{ ref('stg_batches') }} as batches
left join waits
    on batches.batch_id = waits.batch_id
    and batches.processed_at = waits.processed_at
