-- As no_event_is_missing, for dead letters: as many as the batches counted, less those that retention took away.
select dlq_date, kafka_partition, kafka_offset
from {{ source('lake', 'dead_letters') }} as lake
where
    {{ utc('failed_at') }} <= (select max(processed_at) from {{ ref('stg_batches') }})
    and not exists (
        select 1
        from {{ ref('stg_dead_letters') }} as models
        where
            models.kafka_topic_id = lake.kafka_topic_id
            and models.kafka_partition = lake.kafka_partition
            and models.kafka_offset = lake.kafka_offset
    )
