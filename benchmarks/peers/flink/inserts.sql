-- Each workload takes those it needs: W2 no lake, W3 no enriched topic.

INSERT INTO dead_letters
SELECT record_key, raw_value, MAP['reason', ENCODE(reason, 'UTF-8')]
FROM dead;

INSERT INTO enriched
SELECT record_key, ${EVENT_NAMES_OF_COLUMNS}, event_time, ROW(${ENRICHMENT_NAMES})
FROM complete;

INSERT INTO events
SELECT ${EVENT_NAMES_OF_COLUMNS}, event_at, ${ENRICHMENT_NAMES}
FROM complete;
