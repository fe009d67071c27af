"""What the records and rows of a small world look like in which nothing was lost; see `verified_world`."""

from __future__ import annotations

import datetime
import json
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from pipelines import lake

TOPIC, TOPIC_ID = "raw-events", "topic-now"
PARTITIONS = (0, 1, 2)
RECORDS = 10  # per partition; batch 0 takes offsets 0 to 5, batch 1 the rest
FIRST_BATCH_END = 6
DEAD = {(0, 1): "NOT_JSON", (0, 7): "EMPTY_VALUE", (1, 2): "TYPE_MISMATCH", (2, 9): "MISSING_REQUIRED"}
TOMBSTONE = (0, 7)
LATE = (1, 4)

_TIME = pa.timestamp("us", "UTC")
_LINEAGE = [
    ("kafka_topic_id", pa.string()),
    ("kafka_partition", pa.int32()),
    ("kafka_offset", pa.int64()),
    ("batch_id", pa.int64()),
]
_HEADERS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
SCHEMAS = {
    lake.EVENTS: pa.schema(
        [
            *_LINEAGE,
            ("event_id", pa.string()),
            ("event_fingerprint", pa.int64()),
            ("received_at", _TIME),
            ("is_late", pa.bool_()),
            ("warnings", pa.list_(pa.struct([("path", pa.string()), ("keyword", pa.string())]))),
        ]
    ),
    lake.DEAD_LETTERS: pa.schema(
        [
            *_LINEAGE,
            ("failure_type", pa.string()),
            ("key", pa.binary()),
            ("value", pa.binary()),
            ("headers", _HEADERS),
            ("payload_sha256", pa.string()),
            ("payload_bytes", pa.int64()),
            ("payload_truncated", pa.bool_()),
        ]
    ),
    lake.DUPLICATES: pa.schema(
        [
            *_LINEAGE,
            ("kafka_timestamp", _TIME),
            ("event_id", pa.string()),
            ("event_fingerprint", pa.int64()),
            ("first_partition", pa.int32()),
            ("first_offset", pa.int64()),
        ]
    ),
    lake.BATCH_AUDIT: pa.schema(
        [
            ("generation", pa.string()),
            ("batch_id", pa.int64()),
            ("kafka_topic_id", pa.string()),
            (
                "offsets",
                pa.list_(
                    pa.struct([("partition", pa.int32()), ("start_offset", pa.int64()), ("end_offset", pa.int64())])
                ),
            ),
            *((name, pa.int64()) for name in ("records_in", "accepted", "dead", "duplicate", "late")),
            ("failures", pa.map_(pa.string(), pa.int64())),
            ("kind", pa.string()),
            ("reason", pa.string()),
        ]
    ),
}


def key_of(partition: int, offset: int) -> bytes:
    return f"key {partition}".encode()


def value_of(partition: int, offset: int) -> bytes | None:
    if (partition, offset) in DEAD:
        return None if (partition, offset) == TOMBSTONE else f"value {partition} {offset}".encode()
    return to_json(document(partition, offset))


def document(partition: int, offset: int) -> dict[str, Any]:
    """What a producer sends."""
    return {
        "event_id": event_id_of(partition, offset),
        "event_name": "purchase",
        "page": {"url": "https://shop.example/?q=secret", "title": "Café"},
        "device": {"category": "mobile", "user_agent": "secret"},
        "ip_address": "203.0.113.7",
        "user_id": "secret",
        "ecommerce": {"value": 17, "currency": "EUR"},
        "items": [{"item_id": "A", "price": 8.5, "quantity": 2}],
    }


def enriched_document(partition: int, offset: int) -> dict[str, Any]:
    """What the pipeline makes of it, with its ways to write numbers."""
    return document(partition, offset) | {
        "page": {"url": "https://shop.example/", "title": "Café"},
        "device": {"category": "mobile"},
        "ip_address": None,
        "user_id": "p1:0123",
        "ecommerce": {"currency": "EUR", "value": 17.00},
        "enrichment": {"event_fingerprint": fingerprint_of(partition, offset)},
    }


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def headers_of(partition: int, offset: int) -> list[tuple[str, bytes | None]]:
    """The producer's headers: the dead records have some, one of them as ours are called."""
    own = [("trace", b"\x00\xff"), ("dlq.attempts", b"1"), ("empty", b""), ("trace", None)]
    return own if (partition, offset) in DEAD else []


def fingerprint_of(partition: int, offset: int) -> int:
    return 1000 * partition + offset


def received_at(seconds: float) -> datetime.datetime:
    """Kafka time: record number n arrives at second n of this world."""
    return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


def event_id_of(partition: int, offset: int) -> str:
    return f"event-{partition}-{offset}"


def batch_of(offset: int) -> int:
    return 0 if offset < FIRST_BATCH_END else 1


def raw_record(partition: int, offset: int) -> Any:
    return SimpleNamespace(
        partition=partition,
        offset=offset,
        key=key_of(partition, offset),
        value=value_of(partition, offset),
        headers=headers_of(partition, offset),
    )


def sink_record(partition: int, offset: int, *, topic_id: str = TOPIC_ID, lies_in: int | None = None) -> Any:
    """The record about a raw record in the sink topic where it belongs."""
    headers: dict[str, str] = {
        "source.topic": TOPIC,
        "source.topic_id": topic_id,
        "source.partition": str(partition),
        "source.offset": str(offset),
    }
    value = value_of(partition, offset)
    if failure_type := DEAD.get((partition, offset)):
        headers |= {"dlq.failure.type": failure_type, "dlq.payload.truncated": "false"}
        headers |= {} if value is None else {"dlq.payload.sha256": sha256(value).hexdigest()}
    else:
        headers["event_id"] = event_id_of(partition, offset)
        value = to_json(enriched_document(partition, offset))
    theirs = [(name, text) for name, text in headers_of(partition, offset) if not name.startswith("dlq.")]
    return SimpleNamespace(
        partition=partition if lies_in is None else lies_in,
        offset=100 + offset,
        key=key_of(partition, offset),
        value=value,
        headers=[*theirs, *((name, text.encode()) for name, text in headers.items())],
    )


def set_header(record: Any, name: str, value: bytes | None) -> None:
    """Change or remove a header."""
    kept = [header for header in record.headers if header[0] != name]
    record.headers = kept if value is None else [*kept, (name, value)]


def _lineage(partition: int, offset: int) -> dict[str, Any]:
    return {
        "kafka_topic_id": TOPIC_ID,
        "kafka_partition": partition,
        "kafka_offset": offset,
        "batch_id": batch_of(offset),
    }


def event_row(partition: int, offset: int) -> dict[str, Any]:
    return {
        **_lineage(partition, offset),
        "event_id": event_id_of(partition, offset),
        "event_fingerprint": fingerprint_of(partition, offset),
        "received_at": received_at(offset),
        "is_late": (partition, offset) == LATE,
        "warnings": None,
    }


def duplicate_row(partition: int, offset: int, first: tuple[int, int]) -> dict[str, Any]:
    return {
        **_lineage(partition, offset),
        "kafka_timestamp": received_at(offset),
        "event_id": event_id_of(*first).upper(),
        "event_fingerprint": fingerprint_of(*first),
        "first_partition": first[0],
        "first_offset": first[1],
    }


def dead_letter_row(partition: int, offset: int, failure_type: str | None = None) -> dict[str, Any]:
    value = value_of(partition, offset)
    return {
        **_lineage(partition, offset),
        "failure_type": failure_type or DEAD[partition, offset],
        "key": key_of(partition, offset),
        "value": value,
        "headers": [{"key": name, "value": content} for name, content in headers_of(partition, offset)],
        "payload_sha256": None if value is None else sha256(value).hexdigest(),
        "payload_bytes": len(value or b""),
        "payload_truncated": False,
    }


def audit_row(batch_id: int, start: int, end: int) -> dict[str, Any]:
    failures: dict[str, int] = {}
    for (_, offset), failure_type in DEAD.items():
        if start <= offset < end:
            failures[failure_type] = failures.get(failure_type, 0) + 1
    records, dead = len(PARTITIONS) * (end - start), sum(failures.values())
    return {
        "generation": "generation-1",
        "batch_id": batch_id,
        "kafka_topic_id": TOPIC_ID,
        "offsets": [{"partition": p, "start_offset": start, "end_offset": end} for p in PARTITIONS],
        "records_in": records,
        "accepted": records - dead,
        "dead": dead,
        "duplicate": 0,
        "late": int(start <= LATE[1] < end),
        "failures": list(failures.items()),
        "kind": "batch",
        "reason": None,
    }


def gap_row(*spans: tuple[int, int, int | None], topic_id: str = TOPIC_ID) -> dict[str, Any]:
    """What an operator gave up: (partition, start, end) each."""
    return {
        **audit_row(0, 0, 0),
        "batch_id": None,
        "kafka_topic_id": topic_id,
        "offsets": [{"partition": p, "start_offset": start, "end_offset": end} for p, start, end in spans],
        "kind": "gap",
        "reason": "records were deleted",
    }


_FAULTS = {
    (0, 1): ("malformed", "truncated"),
    (0, 7): ("malformed", "tombstone"),
    (1, 2): ("wrong_type", "items[0].price"),
    (2, 9): ("missing_field", "event_id:null"),
    LATE: ("late", None),
}


def manifest_row(partition: int, offset: int) -> dict[str, Any]:
    fault, variant = _FAULTS.get((partition, offset), (None, None))
    return {
        "topic": TOPIC,
        "partition": partition,
        "offset": offset,
        "event_id": event_id_of(partition, offset),
        "sha256": sha256(value_of(partition, offset) or b"").hexdigest(),
        "fault": fault,
        "variant": variant,
    }
