-- A table, not a view: all other models count the batches that are listed here, and no others, so that figures
-- agree while the job goes on writing.
select
    generation || ':' || cast(batch_id as varchar) as batch_key,
    generation,
    batch_id,
    {{ utc('processed_at') }} as processed_at,
    kafka_topic,
    records_in,
    accepted as accepted_records,
    dead as dead_records,
    duplicate as duplicate_records,
    late as late_records,
    cast({{ sum_of_values('seconds') }} as double) as duration_seconds,
    pipeline_version,
    ruleset
from {{ source('lake', 'batch_audit') }}
where coalesce(kind, 'batch') = 'batch'
