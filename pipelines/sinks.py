"""What the stream writes: Delta tables and Kafka records. Every Delta write is idempotent per batch."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from delta.tables import DeltaTable
from deltalake import CommitProperties, Transaction, WriterProperties, write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from pipelines import schemas
from pipelines.clients import KafkaSettings, S3Settings
from pipelines.delta_tables import open_table
from pipelines.lake import BATCH_AUDIT, DEAD_LETTERS, DUPLICATES, EVENTS, Lake
from pipelines.ledger import Commit
from pipelines.starting import Gap
from pipelines.transforms.vocabulary import sink_record_bytes

# Kafka's default of buffer.memory.
_BUFFER_BYTES = 32 * 1024 * 1024
_LINEAGE = "kafka_partition,kafka_offset,batch_id"
# (columns, partition column, columns with statistics). Statistics on every leaf would halve the write's speed.
_LAYOUT: dict[str, tuple[T.StructType, str | None, str]] = {
    EVENTS: (schemas.EVENTS, "load_date", f"event_name,event_time,derived_at,received_at,{_LINEAGE}"),
    DEAD_LETTERS: (schemas.DEAD_LETTERS, "dlq_date", f"failure_type,failed_at,{_LINEAGE}"),
    DUPLICATES: (schemas.DUPLICATES, None, _LINEAGE),
    BATCH_AUDIT: (schemas.BATCH_AUDIT, None, "generation,batch_id,processed_at"),
}


def ensure_tables(spark: SparkSession, lake: Lake) -> None:
    """Create the tables that are missing, and add columns that a new release brings; never change one."""
    for table, (columns, partition_column, statistics) in _LAYOUT.items():
        path = lake.path(table)
        builder = DeltaTable.createIfNotExists(spark).location(path).addColumns(columns)
        if partition_column:
            builder = builder.partitionedBy(partition_column)
        # A plain protocol, which Athena, Trino, DuckDB, Polars and delta-rs read.
        builder = builder.property("delta.enableDeletionVectors", "false")
        existing = builder.property("delta.dataSkippingStatsColumns", statistics).execute().toDF().schema
        if not set(columns.names) <= set(existing.names):
            empty = spark.createDataFrame([], columns)  # all of them: Delta wants the partition column
            empty.write.format("delta").mode("append").option("mergeSchema", "true").save(path)


def append(frame: DataFrame, lake: Lake, table: str, commit: Commit, *, once: bool = True) -> int:
    """Append a batch's rows to a table; returns the table's version after the write.

    The commit's metadata names generation, batch and offsets, so that a table tells by itself what it holds. With
    `once` Delta itself refuses the same (generation, topic id, batch) again, should a driver that is thought dead still
    write; the rest of a batch of which the table has a part is written without.
    """
    writer = frame.write.format("delta").mode("append").option("userMetadata", json.dumps(commit.as_metadata()))
    if once and commit.batch_id is not None:
        writer = writer.option("txnAppId", _writer(commit))
        writer = writer.option("txnVersion", commit.batch_id)
    writer.save(lake.path(table))
    return _last_version(frame.sparkSession, lake.path(table))


def append_audit(lake: Lake, s3: S3Settings, row: Mapping[str, Any], commit: Commit) -> None:
    """Append one row to `batch_audit`, once; what it does not name is null. `offsets`: partition → (start, end).

    By delta-rs: for one row Spark takes seconds. Raises ConfigurationError where the table cannot be opened, DeltaError
    where it cannot be written.
    """
    values = {name: list(value.items()) if isinstance(value, Mapping) else value for name, value in row.items()}
    ranges = [(partition, *ends) for partition, ends in row["offsets"].items()]
    values["offsets"] = [dict(zip(schemas.OFFSET_RANGE.names, each, strict=True)) for each in ranges]
    rows = pa.Table.from_pylist([values], to_arrow_schema(schemas.BATCH_AUDIT, timezone="UTC"))
    table, writer, transactions = open_table(lake, s3, BATCH_AUDIT), _writer(commit), []
    if commit.batch_id is not None:
        newest = table.transaction_version(writer)
        if newest is not None and newest >= commit.batch_id:
            return
        transactions = [Transaction(writer, commit.batch_id)]
    properties = CommitProperties({"userMetadata": json.dumps(commit.as_metadata())}, app_transactions=transactions)
    compressed = WriterProperties(compression="ZSTD")
    write_deltalake(table, rows, mode="append", commit_properties=properties, writer_properties=compressed)


def append_gap(lake: Lake, s3: S3Settings, gap: Gap, now: Commit, at: datetime.datetime) -> None:
    """Note in `batch_audit` what was given up. `now`: where the tables end from here on; `at`: the time, UTC."""
    row = {
        "generation": now.generation,
        "processed_at": at,
        "kafka_topic": now.topic,
        "kafka_topic_id": gap.topic_id,
        "offsets": dict(sorted(gap.lost.items())),
        **dict.fromkeys(("records_in", "accepted", "dead", "duplicate", "late"), 0),
        **{name: {} for name in ("failures", "seconds", "table_versions")},
        "kind": "gap",
        "reason": gap.reason,
    }
    append_audit(lake, s3, row, now)


def publish(records: DataFrame, kafka: KafkaSettings, max_event_bytes: int) -> None:
    """Write key, value, headers, topic, partition to Kafka: at least once, idempotent within a task."""
    record_bytes = sink_record_bytes(max_event_bytes)
    producer = {
        "kafka.acks": "all",
        "kafka.enable.idempotence": "true",
        "kafka.compression.type": "lz4",
        "kafka.linger.ms": "20",
        "kafka.batch.size": str(256 * 1024),
        "kafka.max.request.size": str(record_bytes),
        "includeHeaders": "true",
    }
    given = kafka.for_spark()
    # A record that is larger than all of the buffer is refused.
    buffer_bytes = int(given.get("kafka.buffer.memory", _BUFFER_BYTES))
    producer["kafka.buffer.memory"] = str(max(buffer_bytes, 2 * record_bytes))
    records.write.format("kafka").options(**given).options(**producer).save()


def _writer(commit: Commit) -> str:
    """In whose name a commit is made: of one writer Delta takes each batch once."""
    return f"{commit.generation}/{commit.topic_id}"


def _last_version(spark: SparkSession, path: str) -> int:
    jvm: Any = spark._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)
    return int(log.unsafeVolatileSnapshot().version())
