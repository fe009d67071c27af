-- What both forms begin with: one parse per record, in Flink's own data structures (ParseEvent.java).

CREATE FUNCTION parse_event AS 'ParseEvent' LANGUAGE JAVA;

-- Two sinks read `parsed` and two read `complete`: with reuse-optimize-block-with-digest-enabled each is computed once.
CREATE VIEW parsed AS
SELECT record_key, raw_value, parse_event(raw_value, received_at) AS e
FROM raw_events;

CREATE VIEW dead AS
SELECT record_key, raw_value, e.reason AS reason
FROM parsed
WHERE e.reason IS NOT NULL;
