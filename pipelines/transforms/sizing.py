"""What fits into a Kafka record of the sink topics, and what is cut or refused because it does not."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.transforms.failures import failed, set_aside
from pipelines.transforms.records import enriched_json
from pipelines.transforms.vocabulary import sink_record_bytes

# For our own headers (at most 20 errors and 20 paths) and the record's overhead.
RESERVED_BYTES = 32 * 1024
# An enriched value is far less than this many times its raw value plus RESERVED_BYTES: below, nobody measures it.
_MAX_GROWTH = 8


def with_size_checked(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """SIZE_VIOLATION (stage enrich) for accepted events whose enriched record would not fit its topic."""
    limit = sink_record_bytes(max_event_bytes)
    key_bytes = F.coalesce(F.octet_length("key"), F.lit(0))
    suspicious = (F.octet_length("value") * _MAX_GROWTH + key_bytes + RESERVED_BYTES) > limit
    too_large = suspicious & (F.octet_length(enriched_json()) + key_bytes + RESERVED_BYTES > limit)
    failure = failed(
        "SIZE_VIOLATION", "enrich", "maxLength", f"at most {limit} bytes", "the enriched record is too large"
    )
    dead = F.col("failure").isNull() & F.coalesce(too_large, F.lit(False))
    return set_aside(records.withColumn("failure", F.when(dead, failure).otherwise(F.col("failure"))))


def with_payload(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """Add payload_sha256, payload_bytes and payload_truncated to dead records, and cut what cannot fit.

    The hash and the length are of the whole value. Accepted records lose `value` and `headers`, which nobody
    reads again, so that the hand-over to the sinks stays narrow. Oversized keys and headers are dropped.
    """
    room = sink_record_bytes(max_event_bytes) - RESERVED_BYTES
    header_bytes = F.aggregate(
        "headers",
        F.lit(0).cast("long"),
        lambda total, h: total + F.octet_length(h["key"]) + F.coalesce(F.octet_length(h["value"]), F.lit(0)) + F.lit(8),
    )
    dead = F.col("failure").isNotNull()
    return (
        records.withColumn("key_bytes", F.coalesce(F.octet_length("key"), F.lit(0)).cast("long"))
        .withColumn("header_bytes", F.when(dead, F.coalesce(header_bytes, F.lit(0).cast("long"))))
        .withColumn("keeps_key", F.col("key_bytes") <= room // 4)
        .withColumn("keeps_headers", F.col("header_bytes") <= room // 4)
        .withColumn(
            "value_room",
            F.lit(room).cast("long")
            - F.when(F.col("keeps_key"), F.col("key_bytes")).otherwise(0)
            - F.when(F.col("keeps_headers"), F.col("header_bytes")).otherwise(0),
        )
        .withColumns(
            {
                "payload_sha256": F.when(dead, F.sha2("value", 256)),
                "payload_bytes": F.when(dead, F.coalesce(F.octet_length("value"), F.lit(0)).cast("long")),
                "payload_truncated": F.when(
                    dead,
                    F.coalesce(F.octet_length("value") > F.col("value_room"), F.lit(False))
                    | ~F.col("keeps_key")
                    | ~F.col("keeps_headers"),
                ),
                "value": F.when(dead, F.expr("substring(value, 1, cast(value_room as int))")),
                "key": F.when(F.col("keeps_key") | ~dead, F.col("key")),
                "headers": F.when(dead & F.col("keeps_headers"), F.col("headers")),
            }
        )
        .drop("key_bytes", "header_bytes", "keeps_key", "keeps_headers", "value_room")
    )
