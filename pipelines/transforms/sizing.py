"""What fits into a Kafka record of the sink topics, and what is cut or refused because it does not.

The raw topic's limit counts compressed bytes, so a record may hold tens of megabytes. `bounded` cuts those before
anything else: every later projection would copy them.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines import schemas
from pipelines.transforms.failures import failed, set_aside
from pipelines.transforms.json_values import let
from pipelines.transforms.records import LINEAGE, enriched_json
from pipelines.transforms.vocabulary import NOT_BLANK, sink_record_bytes

# For our own headers (at most 20 errors and 20 paths) and the record's overhead.
RESERVED_BYTES = 32 * 1024
# An enriched value is far less than this many times its raw value plus RESERVED_BYTES: below, nobody measures it.
_MAX_GROWTH = 8
# What the enriched value is made of.
_ENRICHED = ("event", *schemas.ENRICHMENT.names, *LINEAGE)


def bounded(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """Add `value_bytes` and, for a value larger than `max_event_bytes`, `value_sha256` and `value_is_blank`.

    Then cut such values to what a dead letter can hold, and take away keys and headers of more than a quarter of
    that: `is_cut` says so, `key_is_large` tells a key from one that was null.
    """
    room = _room(max_event_bytes)
    large = F.octet_length("value") > max_event_bytes
    large_key = F.coalesce(F.octet_length("key") > room // 4, F.lit(False))
    large_headers = F.coalesce(_header_bytes() > room // 4, F.lit(False))
    cut_value = F.when(large, F.substring("value", 1, room)).otherwise(F.col("value"))
    return records.withColumns(
        {
            "value_bytes": F.coalesce(F.octet_length("value"), F.lit(0)).cast("long"),
            "value_sha256": F.when(large, F.sha2("value", 256)),
            "value_is_blank": F.when(large, ~F.col("value").cast("string").rlike(NOT_BLANK)),
            "value": cut_value,
            "key": F.when(~large_key, F.col("key")),
            "key_is_large": large_key,
            "headers": F.when(~large_headers, F.col("headers")),
            "is_cut": large_key | large_headers,
        }
    )


def with_size_checked(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """SIZE_VIOLATION (stage enrich) for accepted events whose enriched record would not fit its topic."""
    limit = sink_record_bytes(max_event_bytes)
    key_bytes = _bytes(F.col("key"))
    suspicious = (F.col("value_bytes") * _MAX_GROWTH + key_bytes + RESERVED_BYTES) > limit
    # Interpreted: nearly nobody comes here.
    size = let(F.struct(*_ENRICHED), lambda r: F.octet_length(enriched_json(of=r.getField)))
    too_large = F.when(suspicious, size + key_bytes + RESERVED_BYTES > limit)
    failure = failed(
        "SIZE_VIOLATION", "enrich", "maxLength", f"at most {limit} bytes", "the enriched record is too large"
    )
    dead = F.col("failure").isNull() & F.coalesce(too_large, F.lit(False))
    return set_aside(records.withColumn("failure", F.when(dead, failure).otherwise(F.col("failure"))))


def with_payload(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """Add payload_sha256, payload_bytes and payload_truncated to dead records; cut the value to what still fits.

    Hash and length are of the whole value. Accepted records lose `value` and `headers`, which nobody reads again,
    so that the hand-over to the sinks stays narrow.
    """
    taken = _bytes(F.col("key")) + F.coalesce(_header_bytes(), F.lit(0))
    room = F.greatest(F.lit(_room(max_event_bytes)).cast("long") - taken, F.lit(0).cast("long"))
    dead = F.col("failure").isNotNull()
    payload = {
        "payload_sha256": F.coalesce("value_sha256", F.sha2("value", 256)),
        "payload_bytes": F.col("value_bytes"),
        "payload_truncated": (F.col("value_bytes") > room) | F.col("is_cut"),
        "value": F.substring("value", F.lit(1), room.cast("int")),
        "headers": F.col("headers"),
    }
    return records.withColumns({name: F.when(dead, column) for name, column in payload.items()}).drop(
        "value_bytes", "value_sha256", "value_is_blank", "is_cut", "key_is_large"
    )


def _room(max_event_bytes: int) -> int:
    return sink_record_bytes(max_event_bytes) - RESERVED_BYTES


def _bytes(binary: Column) -> Column:
    return F.coalesce(F.octet_length(binary), F.lit(0)).cast("long")


def _header_bytes() -> Column:
    per_header = 8  # lengths
    return F.aggregate(
        "headers",
        F.lit(0).cast("long"),
        lambda total, h: total + F.octet_length(h["key"]) + _bytes(h["value"]) + F.lit(per_header),
    )
