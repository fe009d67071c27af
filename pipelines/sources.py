"""What the stream reads: the raw topic; and, after a crash, what its own sinks hold already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from itertools import takewhile
from typing import Any

import pyarrow.compute as pc
from deltalake import DeltaTable
from kafka import KafkaConsumer, TopicPartition
from pyarrow.dataset import field
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.clients import KafkaSettings, S3Settings
from pipelines.delta_tables import open_tables
from pipelines.lake import BATCH_AUDIT, DEAD_LETTERS, DUPLICATES, EVENTS, Lake
from pipelines.ledger import Commit, Ledger, Ranges
from pipelines.settings import Topics

# Which table a row of `decided` came from; every record is in one of them.
OUTCOME_TABLES = (EVENTS, DEAD_LETTERS, DUPLICATES)
_FEW_COMMITS = 10


def read_raw(
    spark: SparkSession,
    kafka: KafkaSettings,
    topic: str,
    topic_id: str,
    max_offsets_per_trigger: int,
    starting_offsets: str = "earliest",
    max_tasks: int = 0,
) -> DataFrame:
    """The raw topic as a stream of `schemas.RAW_RECORD`: committed records only.

    `starting_offsets` (Spark's JSON) counts for a new checkpoint only. A gap (retention overtook the checkpoint)
    stops the stream: failOnDataLoss. `max_tasks`: so many tasks at most read the partitions, each of them in order;
    0: one task each.
    """
    records = (
        spark.readStream.format("kafka")
        .options(**kafka.for_spark())
        .option("subscribe", topic)
        .option("startingOffsets", starting_offsets)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .option("includeHeaders", "true")
        # A poll holds its records uncompressed: 500 (the default) of 25 MB each would not fit any heap. And after each
        # poll Spark asks the broker twice where the partition begins and ends: with 50 that cost 10 µs per record.
        .option("kafka.max.poll.records", "250")
        # At a partition's end that question waits behind the next fetch, which the broker holds back as long as this.
        .option("kafka.fetch.max.wait.ms", "20")
        .option("maxOffsetsPerTrigger", str(max_offsets_per_trigger))
        .load()
    )
    # Before the projections: each task of theirs costs about 0.1 s of CPU, however few records it gets.
    return (records.coalesce(max_tasks) if max_tasks else records).select(
        "key",
        "value",
        F.coalesce("headers", F.array().cast("array<struct<key:string,value:binary>>")).alias("headers"),
        F.col("topic").alias("kafka_topic"),
        F.lit(topic_id).alias("kafka_topic_id"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("kafka_timestamp"),
        F.col("timestampType").alias("kafka_timestamp_type"),
    )


def read_ledger(lake: Lake, s3: S3Settings, topic: str, topic_id: str) -> Ledger:
    """What the tables say was processed of the topic, from the metadata of their newest commits.

    Of `batch_audit` its rows tell as much, where the log does not: it forgets commits after a month, and a RESTORE
    leaves those in it that it took back. Raises ConfigurationError where a table cannot be opened.
    """
    tables = open_tables(lake, s3, [BATCH_AUDIT, *OUTCOME_TABLES])
    audit = tables.pop(BATCH_AUDIT)
    last = next(iter(_newest_commits(audit, topic, since_restore=True)), None) or _last_row(audit, topic)
    others = [commit for table in tables.values() for commit in _newest_commits(table, topic)]
    return Ledger.of(topic_id, last, others)


def _newest_commits(table: DeltaTable, topic: str, *, since_restore: bool = False) -> list[Commit]:
    """The newest commits of this job about the topic, the last one first; others, say of maintenance, are passed over.

    Some, not one: after two crashes the first attempt at a batch may have gone further than the second.
    `since_restore`: only those since a RESTORE, as it took back nobody knows which.
    """
    for limit in (_FEW_COMMITS, None):
        found = table.history(limit)
        valid = list(takewhile(lambda commit: not since_restore or commit.get("operation") != "RESTORE", found))
        commits = filter(None, (Commit.from_metadata(commit.get("userMetadata")) for commit in valid))
        newest = [commit for commit in commits if commit.topic == topic]
        if newest or len(valid) < len(found):
            return newest
    return []


def _last_row(audit: DeltaTable, topic: str) -> Commit | None:
    """Where the rows of `batch_audit` end: the newest batch, or what was given up behind it; None without a row."""
    rows, of_topic = audit.to_pyarrow_dataset(), field("kafka_topic") == topic
    times = rows.to_table(["processed_at"], filter=of_topic & (field("kind") == "batch"))
    last = pc.max(times["processed_at"]).as_py()
    if last is None:
        return None
    newest = rows.to_table(filter=of_topic & (field("processed_at") >= last)).to_pylist()
    batch = max((row for row in newest if row["kind"] == "batch"), key=lambda row: row["batch_id"])
    topic_id, generation = batch["kafka_topic_id"], batch["generation"]
    offsets = {span["partition"]: (span["start_offset"], span["end_offset"]) for span in batch["offsets"]}
    gaps = [row for row in newest if row["kind"] == "gap" and row["kafka_topic_id"] == topic_id]
    if not gaps:
        return Commit(topic, topic_id, generation, batch["batch_id"], offsets)
    ends = {partition: end for partition, (_, end) in offsets.items()}
    for span in (span for gap in gaps for span in gap["offsets"]):
        ends[span["partition"]] = max(ends.get(span["partition"], 0), span["end_offset"] or 0)
    return Commit(topic, topic_id, generation, None, {p: (end, end) for p, end in ends.items()})


def decided(spark: SparkSession, lake: Lake, topic_id: str, ranges: Ranges) -> DataFrame:
    """What the tables have of these ranges: table, kafka_partition, kafka_offset, is_late, failure_type."""

    def rows(table: str) -> DataFrame:
        facts = {
            "is_late": F.col("is_late") if table == EVENTS else F.lit(False),
            "failure_type": F.col("failure_type") if table == DEAD_LETTERS else F.lit(None).cast("string"),
        }
        held = spark.read.format("delta").load(lake.path(table))
        return held.where((F.col("kafka_topic_id") == topic_id) & within(ranges)).select(
            F.lit(table).alias("table"), "kafka_partition", "kafka_offset", *[c.alias(n) for n, c in facts.items()]
        )

    return reduce(DataFrame.unionAll, map(rows, OUTCOME_TABLES))


def within(ranges: Ranges) -> Column:
    """Whether (kafka_partition, kafka_offset) is in one of the ranges; in a form that skips files by statistics."""
    each = [
        (F.col("kafka_partition") == partition) & F.col("kafka_offset").between(start, end - 1)
        for partition, (start, end) in sorted(ranges.items())
    ]
    bounds = F.col("kafka_offset").between(min(s for s, _ in ranges.values()), max(e for _, e in ranges.values()))
    return bounds & reduce(Column.__or__, each)


def published(spark: SparkSession, kafka: KafkaSettings, topics: Topics, topic_id: str, ranges: Ranges) -> DataFrame:
    """The raw records of these ranges that are in the sink topics: topic, kafka_partition, kafka_offset, each once.

    The exact set, not a maximum: a producer that died has sent some of its batches and not others.
    """
    consumer = kafka.consumer(auto_offset_reset="none", isolation_level="read_committed", request_timeout_ms=30_000)
    try:
        places = {
            topic: {
                p: _scan_start(consumer, TopicPartition(topic, p), topics.raw, topic_id, start)
                for p, (start, _) in ranges.items()
            }
            for topic in (topics.enriched, topics.dead_letter)
        }
    finally:
        consumer.close()
    records = (
        spark.read.format("kafka")
        .options(**kafka.for_spark())
        .option("assign", json.dumps({topic: sorted(starts) for topic, starts in places.items()}))
        .option("startingOffsets", json.dumps({t: {str(p): o for p, o in s.items()} for t, s in places.items()}))
        .option("endingOffsets", "latest")
        .option("failOnDataLoss", "false")  # retention may take the first ones meanwhile
        .option("kafka.isolation.level", "read_committed")
        .option("includeHeaders", "true")
        .load()
    )

    def header(name: str) -> Column:
        return F.try_element_at(F.filter("headers", lambda h: h["key"] == name), F.lit(-1))["value"].cast("string")

    return (
        records.where(header("source.topic_id") == topic_id)
        .select(
            "topic",
            header("source.partition").try_cast("int").alias("kafka_partition"),
            header("source.offset").try_cast("long").alias("kafka_offset"),
        )
        .where(within(ranges))
        .distinct()
    )


def _scan_start(consumer: KafkaConsumer, sink: TopicPartition, raw: str, topic_id: str, start: int) -> int:
    """An offset of the sink before which nothing from `start` on can be: steps back until an earlier record is met.

    A sink partition takes its source partition's batches one after the other, so what was published for the
    interrupted batch stands behind every record of the batches before it. Records of other raw topics prove nothing:
    several pipelines may share a sink.
    """
    consumer.assign([sink])
    first, end = int(consumer.beginning_offsets([sink])[sink]), int(consumer.end_offsets([sink])[sink])
    step = 500
    while (place := max(first, end - step)) > first:
        consumer.seek(sink, place)
        polled: Mapping[TopicPartition, list[Any]] = consumer.poll(timeout_ms=10_000, max_records=1)
        headers = dict(polled[sink][0].headers or ()) if polled.get(sink) else {}
        source, source_id = headers.get("source.offset") or b"", headers.get("source.topic_id") or b""
        if source_id == topic_id.encode():
            if source.isdigit() and int(source) < start:
                return place
        elif source_id and headers.get("source.topic") == raw.encode():
            return place  # of a topic of that name that was here before
        step *= 4
    return first
