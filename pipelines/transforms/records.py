"""The Kafka records that leave the pipeline, from outcomes: enriched events and dead letters.

Both go to the source's partition, so that the order per key stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.batches import Batch
from pipelines.transforms.duplicates import without_duplicates
from pipelines.transforms.interpreted import let

_ENRICHED_JSON = "ecommerce.enriched_json"
LINEAGE = ("kafka_topic", "kafka_topic_id", "kafka_partition", "kafka_offset", "kafka_timestamp")


def sink_records(outcomes: DataFrame, batch: Batch, enriched_topic: str, dead_letter_topic: str) -> DataFrame:
    """One Kafka record per outcome but duplicates: key, value, headers, topic, partition. One write, order kept.

    `outcomes` carry the dead letter's columns (`dead_letters.with_dead_letter`).
    """
    dead = F.col("failure").isNotNull()
    release = [batch.number().alias("batch_id"), *batch.release()]
    enriched = enriched_json([batch.processed_at().alias("processed_at")], release)
    return without_duplicates(outcomes).select(
        "key",
        F.when(dead, F.col("value")).otherwise(enriched).alias("value"),
        F.when(dead, dead_letter_headers(batch)).otherwise(enriched_headers()).alias("headers"),
        F.when(dead, dead_letter_topic).otherwise(enriched_topic).alias("topic"),
        F.col("kafka_partition").alias("partition"),
    )


def enriched_json(times: list[Column] | None = None, release: list[Column] | None = None) -> Column:
    """The enriched value, UTF-8: the declared fields as the producer wrote them, and ours under `enrichment`.

    `warnings` are the outcome's, as some are found later than the rest. Null for a dead record.
    """
    facts = F.struct(*(times or []), *LINEAGE, *(release or []))
    return F.call_function(_ENRICHED_JSON, "judged", "warnings", facts)


def source_headers(of: Callable[[str], Column] = F.col) -> list[Column]:
    """The coordinates by which a consumer recognises a repeat, and an operator finds the raw record."""
    return [
        _header("source.topic", of("kafka_topic")),
        _header("source.topic_id", of("kafka_topic_id")),
        _header("source.partition", of("kafka_partition")),
        _header("source.offset", of("kafka_offset")),
    ]


def enriched_headers() -> Column:
    """source.*, event_id and schema_version."""
    version = F.coalesce("event.schema_version", F.lit(vocabulary.SCHEMA_VERSION))
    return F.array(*source_headers(), _header("event_id", F.col("event.event_id")), _header("schema_version", version))


def dead_letter_headers(batch: Batch) -> Column:
    """The original headers but those of our own prefixes, then source.*, __connect.errors.* and dlq.*.

    The __connect.errors names are Kafka Connect's (KIP-298), so that existing tools read them.
    Null where nothing failed.
    """
    read = ("failure", "dead_letter", *LINEAGE, "salvaged", "payload_sha256", "payload_bytes", "payload_truncated")
    headers = let(F.struct(*read), lambda r: _dead_letter_headers(batch, r.getField))
    return F.when(F.col("failure").isNotNull(), headers)


def _dead_letter_headers(batch: Batch, of: Callable[[str], Column]) -> Column:
    failure, letter = of("failure"), of("dead_letter")
    message = F.concat_ws(
        "; ",
        F.transform(failure["errors"], lambda e: F.concat_ws(" ", F.nullif(e["path"], F.lit("")), e["message"])),
    )
    ours = {
        "__connect.errors.topic": of("kafka_topic"),
        "__connect.errors.partition": of("kafka_partition"),
        "__connect.errors.offset": of("kafka_offset"),
        "__connect.errors.stage": failure["stage"],
        "__connect.errors.exception.class.name": failure["type"],
        "__connect.errors.exception.message": message,
        "dlq.schema": letter["dlq_schema"],
        "dlq.id": letter["dlq_id"],
        "dlq.failure.type": failure["type"],
        "dlq.failure.stage": failure["stage"],
        "dlq.failure.errors": F.to_json(failure["errors"]),
        "dlq.failure.fields": F.to_json(letter["failure_fields"]),
        "dlq.failed.at": _iso(batch.processed_at()),
        "dlq.first.failed.at": _iso(letter["first_failed_at"]),
        "dlq.original.timestamp": _iso(of("kafka_timestamp")),
        "dlq.original.timestamp.type": letter["original_timestamp_type"],
        "dlq.event.id": of("salvaged")["event_id"],
        "dlq.event.name": of("salvaged")["event_name"],
        "dlq.processor": F.lit(batch.processor),
        "dlq.ruleset": F.lit(batch.ruleset),
        "dlq.batch.id": batch.number(),
        "dlq.payload.sha256": of("payload_sha256"),
        "dlq.payload.bytes": of("payload_bytes"),
        "dlq.payload.truncated": of("payload_truncated"),
        "dlq.attempts": letter["attempts"],
        "dlq.replay.id": letter["replay_id"],
    }
    written = F.array(*source_headers(of), *[_header(name, value) for name, value in ours.items()])
    return F.concat(
        F.coalesce(letter["original_headers"], F.array().cast(schemas.HEADERS)),
        F.filter(written, lambda h: h["value"].isNotNull()),
    )


def _header(name: str, value: Column) -> Column:
    return F.struct(F.lit(name).alias("key"), value.cast("string").cast("binary").alias("value"))


def _iso(instant: Column) -> Column:
    return F.date_format(instant, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
