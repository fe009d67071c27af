"""Kafka's records as facts. The coordinates of the raw record are in the headers of the sinks' records."""
# ruff: noqa: S608 — the SQL is put together from this project's own constants, never from input

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pyarrow as pa

from pipelines.verification.contents import CONTENT, ENRICHED_EVENT, IS_PRIVATE, MAX_EXAMINED_BYTES, RAW_EVENT
from pipelines.verification.facts import DEAD_LETTER, ENRICHED, Facts

# Headers of a dead letter that are ours; the others are the raw record's.
OUR_HEADERS = ("source.", "__connect.errors.", "dlq.")

_RAW = pa.schema(
    {
        "kafka_partition": pa.int32(),
        "kafka_offset": pa.int64(),
        "key": pa.binary(),
        "sha256": pa.binary(),
        "value_bytes": pa.int64(),
        "headers": pa.string(),
        "value": pa.binary(),
        "is_examined": pa.bool_(),
    }
)
_SINK = {
    "topic_id": pa.string(),
    "kafka_partition": pa.int32(),
    "kafka_offset": pa.int64(),
    "sink_partition": pa.int32(),
    "sink_offset": pa.int64(),
    "key": pa.binary(),
}
_ENRICHED = pa.schema({**_SINK, "event_id": pa.string(), "value": pa.binary(), "is_examined": pa.bool_()})
_QUEUE = pa.schema(
    {
        **_SINK,
        "sha256": pa.binary(),
        "headers": pa.string(),
        "failure_type": pa.string(),
        "payload_sha256": pa.string(),
        "payload_truncated": pa.bool_(),
    }
)
_LINEAGE = ("is_current(topic_id)", "kafka_partition", "kafka_offset", "sink_partition", "sink_offset", "digest(key)")
# Of documents that are looked into: a digest each; one without an id has the empty id.
_EXAMINED = "case when is_examined then {} end"
_EVENT_ID = _EXAMINED.format("hash(coalesce(event.event_id, ''))")
_IDENTITY = _EXAMINED.format("hash(lower(coalesce(event.event_id, '')))")
_CONTENT = _EXAMINED.format(CONTENT)


def add_raw(facts: Facts, records: list[Any]) -> None:
    """Add to `raw_records`."""
    values = [r.value for r in records]
    rows = {
        "kafka_partition": [r.partition for r in records],
        "kafka_offset": [r.offset for r in records],
        "key": [r.key for r in records],
        "sha256": [_digest(value) for value in values],
        "value_bytes": [None if value is None else len(value) for value in values],
        "headers": [headers_text(r.headers) for r in records],
        **_documents(values),
    }
    columns = (
        "kafka_partition",
        "kafka_offset",
        "digest(key)",
        "digest(sha256)",
        "value_bytes",
        "digest(headers)",
        _EVENT_ID,
        _IDENTITY,
        _CONTENT,
    )
    facts.add("raw_records", pa.table(rows, _RAW), columns, f"(select *, {RAW_EVENT} as event from source)")


def add_enriched(facts: Facts, records: list[Any]) -> None:
    """Add to `enriched_records`."""
    headers = [dict(r.headers or ()) for r in records]
    rows = {
        **_coordinates(records, headers),
        "event_id": [_text(h.get("event_id")) for h in headers],
        **_documents([r.value for r in records]),
    }
    columns = (
        *_LINEAGE,
        _EVENT_ID,
        "digest(event_id)",
        _CONTENT,
        "event.enrichment.event_fingerprint",
        f"coalesce({IS_PRIVATE}, false)",
    )
    # What is not selected is not looked into, but tells how far the topic reaches back.
    source = f"(select *, {ENRICHED_EVENT} as event from source where {facts.selection.condition()})"
    table = pa.table(rows, _ENRICHED)
    facts.add("enriched_records", table, columns, source)
    _note_reach(facts, ENRICHED, table)


def add_queue(facts: Facts, records: list[Any]) -> None:
    """Add to `queue_records`."""
    headers = [dict(r.headers or ()) for r in records]
    rows = {
        **_coordinates(records, headers),
        "sha256": [_digest(r.value) for r in records],
        "headers": [headers_text(r.headers) for r in records],
        "failure_type": [_text(h.get("dlq.failure.type")) for h in headers],
        "payload_sha256": [_text(h.get("dlq.payload.sha256")) for h in headers],
        "payload_truncated": [h.get("dlq.payload.truncated") == b"true" for h in headers],
    }
    columns = (
        *_LINEAGE,
        "digest(sha256)",
        "digest(headers)",
        "failure_type",
        "digest_of_hex(payload_sha256)",
        "payload_truncated",
    )
    table = pa.table(rows, _QUEUE)
    facts.add("queue_records", table, columns)
    _note_reach(facts, DEAD_LETTER, table)


def headers_text(headers: Any) -> str | None:
    """Headers less ours, as text that differs wherever they do; None if there are none."""
    given = [(name, value) for name, value in headers or () if not name.startswith(OUR_HEADERS)]
    if not given:
        return None
    return ",".join(f"{name.encode().hex()}:{'-' if value is None else value.hex()}" for name, value in given).upper()


def _note_reach(facts: Facts, topic: str, table: pa.Table) -> None:
    smallest = """(select kafka_partition, min(kafka_offset) as kafka_offset from source where is_current(topic_id)
        group by kafka_partition)"""
    facts.add("reaches", table, (f"'{topic}'", "kafka_partition", "kafka_offset"), smallest)


def _coordinates(records: list[Any], headers: list[dict[str, bytes | None]]) -> dict[str, list[Any]]:
    return {
        "topic_id": [_text(h.get("source.topic_id")) for h in headers],
        "kafka_partition": [_number(h.get("source.partition"), digits=9) for h in headers],
        "kafka_offset": [_number(h.get("source.offset")) for h in headers],
        "sink_partition": [r.partition for r in records],
        "sink_offset": [r.offset for r in records],
        "key": [r.key for r in records],
    }


def _documents(values: list[bytes | None]) -> dict[str, list[Any]]:
    """The values that are small enough to be parsed."""
    examined = [value is None or len(value) <= MAX_EXAMINED_BYTES for value in values]
    kept = [value if small else None for value, small in zip(values, examined, strict=True)]
    return {"value": kept, "is_examined": examined}


def _digest(content: bytes | None) -> bytes | None:
    return None if content is None else sha256(content).digest()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", errors="replace")


def _number(value: bytes | None, digits: int = 18) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= digits else None
