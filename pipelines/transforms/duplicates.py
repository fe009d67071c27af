"""Re-sends of an event: what the driver needs to know to find them, and what becomes of those it found.

Only ids leave the rows, and what was found comes back as a small table that is broadcast: no row is shuffled, so the
order per key stays.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.transforms.warnings import with_warning

# One row per accepted record whose event_id was accepted before: a duplicate names the accepted record, a conflict
# (another fingerprint) has nulls there.
FOUND = T.StructType(
    [
        T.StructField("kafka_partition", T.IntegerType()),
        T.StructField("kafka_offset", T.LongType()),
        T.StructField("first_partition", T.IntegerType()),
        T.StructField("first_offset", T.LongType()),
    ]
)


def accepted_ids(outcomes: DataFrame) -> DataFrame:
    """event_id (lower-cased), event_fingerprint, received_at, kafka_partition, kafka_offset of accepted records."""
    # A record without a time is in no horizon.
    return outcomes.where("failure is null and received_at is not null").select(
        F.lower("event.event_id").alias("event_id"),
        "event_fingerprint",
        "received_at",
        "kafka_partition",
        "kafka_offset",
    )


def with_duplicates(outcomes: DataFrame, found: DataFrame | None) -> DataFrame:
    """Add `duplicate_of` {first_partition, first_offset}, null unless a duplicate, and warn of conflicts.

    `found` has the columns of FOUND; None is nothing found. Order and number of rows stay.
    """
    duplicate_of = T.StructType(FOUND.fields[2:])
    if found is None:
        return outcomes.withColumn("duplicate_of", F.lit(None).cast(duplicate_of))
    finds = F.broadcast(found.select(*[F.col(name).alias(f"found_{name}") for name in FOUND.names]))
    here = [F.col(name) == F.col(f"found_{name}") for name in ("kafka_partition", "kafka_offset")]
    first = F.struct(*[F.col(f"found_{name}").alias(name) for name in duplicate_of.names])
    is_found, is_duplicate = F.col("found_kafka_offset").isNotNull(), F.col("found_first_offset").isNotNull()
    joined = outcomes.join(finds, here, how="left").withColumn("duplicate_of", F.when(is_duplicate, first))
    message = "another event has this id"
    warned = with_warning(joined, is_found & ~is_duplicate, "event_id", "event_id_conflict", message)
    return warned.drop(*finds.columns)


def without_duplicates(outcomes: DataFrame) -> DataFrame:
    """The outcomes that go on to topics and tables: all but the duplicates. Without `duplicate_of` there are none."""
    return outcomes.where("duplicate_of is null") if "duplicate_of" in outcomes.columns else outcomes
