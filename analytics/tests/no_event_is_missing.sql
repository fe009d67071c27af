-- Every event of the lake is in stg_events. What this finds arrived more than `lookback_days` before the newest day
-- that an earlier run had seen: build once with --full-refresh.
select load_date, lower(event_id) || ':' || cast(event_fingerprint as varchar) as event_key
from {{ source('lake', 'events') }}
where
    {{ utc('processed_at') }} <= (select max(processed_at) from {{ ref('stg_batches') }})
    and lower(event_id) || ':' || cast(event_fingerprint as varchar) not in (
        select event_key from {{ ref('stg_events') }}
    )
