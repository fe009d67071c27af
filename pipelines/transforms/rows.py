"""The rows of the Delta tables, from outcomes."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.batches import Batch
from pipelines.transforms.duplicates import without_duplicates
from pipelines.transforms.interpreted import let
from pipelines.transforms.records import LINEAGE

DEAD_LETTER_SCHEMA = "1"
_OUR_HEADERS = r"^(source\.|__connect\.errors\.|dlq\.)"
# What all readers of the tables know as a time.
_REPRESENTABLE_YEARS = (1900, 9998)
_TIMESTAMP_TYPES = {0: "CreateTime", 1: "LogAppendTime"}


def event_rows(outcomes: DataFrame, batch: Batch) -> DataFrame:
    """The rows of `events`: one per accepted record that is no duplicate."""
    own = {
        "schema_version": F.coalesce("event.schema_version", F.lit(vocabulary.SCHEMA_VERSION)),
        "event_time": F.col("event_at"),
        "sent_at": F.col("sent_at"),
        **_batch_columns(batch),
    }

    def column(name: str) -> Column:
        if name in own:
            return own[name].alias(name)
        return F.col(f"event.{name}" if name in schemas.EVENT.names else name).alias(name)

    return without_duplicates(outcomes).where("failure is null").select(*map(column, schemas.EVENTS.names))


def duplicate_rows(outcomes: DataFrame, batch: Batch) -> DataFrame:
    """The rows of `duplicates`: one per duplicate; `with_duplicates` has been applied."""
    own = {
        "event_id": F.col("event.event_id"),
        "first_partition": F.col("duplicate_of.first_partition"),
        "first_offset": F.col("duplicate_of.first_offset"),
        **_batch_columns(batch),
    }
    columns = [own.get(name, F.col(name)).alias(name) for name in schemas.DUPLICATES.names]
    return outcomes.where("duplicate_of is not null").select(*columns)


def dead_letter_rows(outcomes: DataFrame, batch: Batch) -> DataFrame:
    """The rows of `dead_letters`: one per dead record; `with_dead_letter` has been applied."""
    own = {
        **{name: F.col(f"dead_letter.{name}") for name in ("dlq_schema", "dlq_id", "first_failed_at", "attempts")},
        "failure_fields": F.col("dead_letter.failure_fields"),
        "original_timestamp_type": F.col("dead_letter.original_timestamp_type"),
        "original_timestamp": F.col("kafka_timestamp"),
        **{f"failure_{name}": F.col(f"failure.{name}") for name in ("type", "stage", "errors")},
        **{name: F.col(f"salvaged.{name}") for name in ("event_id", "event_name", "event_time")},
        "failed_at": batch.processed_at(),
        "value_text": F.when(F.is_valid_utf8(F.col("value").cast("string")), F.col("value").cast("string")),
        "processor": F.lit(batch.processor),
        "dlq_date": F.to_date("received_at"),
        **_batch_columns(batch),
    }
    columns = [own.get(name, F.col(name)).alias(name) for name in schemas.DEAD_LETTERS.names]
    return outcomes.where("failure is not null").select(*columns)


def with_dead_letter(outcomes: DataFrame, batch: Batch) -> DataFrame:
    """Add `dead_letter` to dead outcomes: its identity, its history (from headers of earlier failures), its fields.

    dlq_id = sha256(topic_id|partition|offset) of the first failure: a re-created topic repeats offsets.
    """
    record = F.struct("failure", "headers", "kafka_timestamp_type", *LINEAGE)
    letter = let(record, lambda r: _dead_letter(r, batch))
    return outcomes.withColumn("dead_letter", F.when(F.col("failure").isNotNull(), letter))


def _dead_letter(record: Column, batch: Batch) -> Column:
    headers = record["headers"]
    place = [record[name].cast("string") for name in ("kafka_topic_id", "kafka_partition", "kafka_offset")]
    identity = F.sha2(F.concat_ws("|", *place), 256)
    earlier_id = _earlier(headers, "dlq.id", r"\A[0-9a-f]{64}\z")
    earlier_attempts = _earlier(headers, "dlq.attempts", r"\A[0-9]{1,6}\z").try_cast("int")
    first_failed_at = let(
        _earlier(headers, "dlq.first.failed.at", vocabulary.RFC3339).try_cast("timestamp"),
        lambda at: F.when(F.year(at).between(*_REPRESENTABLE_YEARS), at),
    )
    paths = F.transform(record["failure"]["errors"], lambda e: e["path"])
    timestamp_type = F.coalesce(
        *[F.when(record["kafka_timestamp_type"] == k, F.lit(v)) for k, v in _TIMESTAMP_TYPES.items()],
        F.lit("Unknown"),
    )
    return F.struct(
        F.lit(DEAD_LETTER_SCHEMA).alias("dlq_schema"),
        F.coalesce(earlier_id, identity).alias("dlq_id"),
        F.filter(F.array_distinct(paths), lambda path: path != "").alias("failure_fields"),
        F.coalesce(first_failed_at, batch.processed_at()).alias("first_failed_at"),
        (F.coalesce(earlier_attempts, F.lit(0)) + 1).alias("attempts"),
        timestamp_type.alias("original_timestamp_type"),
        _earlier(headers, "dlq.replay.id", r"\A.{1,200}\z").alias("replay_id"),
        F.filter(headers, lambda h: ~h["key"].rlike(_OUR_HEADERS)).alias("original_headers"),
    )


def _earlier(headers: Column, name: str, pattern: str) -> Column:
    """The last header of that name as text, if it looks as we write it; headers are untrusted."""
    named = F.filter(headers, lambda h: h["key"] == name)
    text = F.try_element_at(named, F.lit(-1))["value"].cast("string")
    return F.when(F.is_valid_utf8(text) & text.rlike(pattern), text)


def _batch_columns(batch: Batch) -> dict[str, Column]:
    return {
        "processed_at": batch.processed_at(),
        "batch_id": batch.number(),
        "pipeline_version": F.lit(batch.pipeline_version),
        "ruleset": F.lit(batch.ruleset),
    }
