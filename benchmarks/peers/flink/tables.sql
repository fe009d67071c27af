-- What both forms share: the raw topic as it is, and the three sinks.

CREATE TABLE raw_events (
  record_key BYTES,
  raw_value BYTES,
  received_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
) WITH (
  'connector' = 'kafka',
  'topic' = '${RAW_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BOOTSTRAP_SERVERS}',
  'properties.group.id' = 'flink',
  ${CONSUMER}
  'scan.startup.mode' = 'earliest-offset',
  ${BOUNDED}
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
);

CREATE TABLE enriched (
  record_key BYTES,
  ${EVENT_COLUMNS},
  event_time STRING,
  enrichment ROW<${ENRICHMENT_COLUMNS}>
) WITH (
  'connector' = 'kafka',
  'topic' = '${ENRICHED_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BOOTSTRAP_SERVERS}',
  'properties.compression.type' = 'lz4',
  'properties.acks' = 'all',
  'properties.enable.idempotence' = 'true',
  ${PRODUCER}
  'sink.delivery-guarantee' = 'at-least-once',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'json',
  'value.json.encode.ignore-null-fields' = 'true',
  'value.json.encode.decimal-as-plain-number' = 'true',
  'value.fields-include' = 'EXCEPT_KEY'
);

CREATE TABLE dead_letters (
  record_key BYTES,
  raw_value BYTES,
  headers MAP<STRING, BYTES> METADATA
) WITH (
  'connector' = 'kafka',
  'topic' = '${DEAD_LETTER_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BOOTSTRAP_SERVERS}',
  'properties.compression.type' = 'lz4',
  'properties.acks' = 'all',
  'properties.enable.idempotence' = 'true',
  'sink.delivery-guarantee' = 'at-least-once',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
);

-- Files are committed by checkpoints: exactly once. No table log: Flink's Delta connector does not run on Flink 2.
CREATE TABLE events (
  ${EVENT_COLUMNS},
  event_time TIMESTAMP_LTZ(6),
  ${LAKE_COLUMNS}
) WITH (
  'connector' = 'filesystem',
  'path' = '${LAKE_URI}/events',
  'format' = 'parquet',
  'parquet.compression' = 'ZSTD',
  'parquet.utc-timezone' = 'true',
  'parquet.write.int64.timestamp' = 'true',
  'parquet.timestamp.time.unit' = 'micros'
);
