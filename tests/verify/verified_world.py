"""A small world in which nothing was lost, to be damaged by a test: Kafka's records, the lake, a manifest.

Three partitions, two batches. The tables are real Delta tables, read as verify reads them; only Kafka's answers
are made up, as records of the shape that a consumer returns.
"""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from rich.console import Console

from pipelines import lake
from pipelines.clients import S3Settings
from pipelines.verification.account import Account, account_for
from pipelines.verification.facts import DEAD_LETTER, ENRICHED, RAW, Facts
from pipelines.verification.kafka_rows import add_enriched, add_queue, add_raw
from pipelines.verification.lake_tables import LakeTables
from pipelines.verification.manifest import read_manifest
from pipelines.verification.offsets import Selection
from pipelines.verification.progress import Progress

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
_SCHEMAS = {
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


class World:
    """Everything as it should be; a test changes the lists, then asks for the account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first_offsets = {RAW: dict.fromkeys(PARTITIONS, 0)}
        self.first_offsets |= {topic: dict.fromkeys(PARTITIONS, 0) for topic in (ENRICHED, DEAD_LETTER)}
        coordinates = [(p, o) for p in PARTITIONS for o in range(RECORDS)]
        self.raw = [raw_record(*c) for c in coordinates]
        self.events = [event_row(*c) for c in coordinates if c not in DEAD]
        self.dead_letters = [dead_letter_row(*c) for c in DEAD]
        self.duplicates: list[dict[str, Any]] = []
        self.audit = [audit_row(0, 0, FIRST_BATCH_END), audit_row(1, FIRST_BATCH_END, RECORDS)]
        self.enriched = [sink_record(*c) for c in coordinates if c not in DEAD]
        self.queue = [sink_record(*c) for c in DEAD]
        self.manifest = [manifest_row(*c) for c in coordinates]

    def event(self, partition: int, offset: int) -> dict[str, Any]:
        """The row of `events` of that record."""
        return _at(self.events, partition, offset)

    def dead_letter(self, partition: int, offset: int) -> dict[str, Any]:
        """The row of `dead_letters` of that record."""
        return _at(self.dead_letters, partition, offset)

    def in_queue(self, partition: int, offset: int) -> Any:
        """The record of the dead-letter topic about that record."""
        return _about(self.queue, partition, offset)

    def in_enriched(self, partition: int, offset: int) -> Any:
        """The record of the enriched topic about that record."""
        return _about(self.enriched, partition, offset)

    def in_raw(self, partition: int, offset: int) -> Any:
        """The raw record."""
        return next(r for r in self.raw if (r.partition, r.offset) == (partition, offset))

    def sent(self, partition: int, offset: int) -> dict[str, Any]:
        """The manifest's row about that record."""
        return next(r for r in self.manifest if (r["partition"], r["offset"]) == (partition, offset))

    def send_again(self, partition: int, offset: int, first: tuple[int, int]) -> None:
        """Have that record repeat an accepted one, byte for byte, and be accepted, too."""
        self.in_raw(partition, offset).value = value_of(*first)
        self.event(partition, offset).update(
            {"event_id": event_id_of(*first), "event_fingerprint": fingerprint_of(*first)}
        )
        enriched = self.in_enriched(partition, offset)
        enriched.value = to_json(enriched_document(*first))
        set_header(enriched, "event_id", event_id_of(*first).encode())
        digest = sha256(value_of(*first) or b"").hexdigest()
        self.sent(partition, offset).update({"event_id": event_id_of(*first), "sha256": digest, "fault": "duplicate"})

    def suppress(self, partition: int, offset: int, first: tuple[int, int]) -> dict[str, Any]:
        """Have that record repeat an accepted one, byte for byte, and be suppressed; returns its row."""
        self.send_again(partition, offset, first)
        self.events.remove(self.event(partition, offset))
        self.enriched.remove(self.in_enriched(partition, offset))
        self.duplicates.append(duplicate_row(partition, offset, first))
        batch = self.audit[batch_of(offset)]
        batch |= {"accepted": batch["accepted"] - 1, "duplicate": batch["duplicate"] + 1}
        return self.duplicates[-1]

    def account(
        self,
        *,
        with_manifest: bool = False,
        caught_up: bool = False,
        horizon_seconds: int | None = None,
        offsets: Iterable[str] = (),
    ) -> Account:
        """What verify makes of it."""
        progress, selection = Progress(Console(quiet=True)), Selection.parse(offsets)
        with Facts(_new(self.folder / "facts"), TOPIC_ID, selection) as facts:
            add_raw(facts, self.raw)
            add_enriched(facts, self.enriched)
            add_queue(facts, self.queue)
            for topic, firsts in self.first_offsets.items():
                for partition, first in firsts.items():
                    row = {"topic": topic, "kafka_partition": partition, "first_offset": first}
                    facts.add_rows("logs", {name: [value] for name, value in {**row, "next_offset": RECORDS}.items()})
            self._tables().read_all(facts, progress)
            remark = None
            if with_manifest:
                remark = read_manifest(self.manifest_file(), TOPIC, facts, progress)
            account = account_for(
                facts, with_manifest=with_manifest, caught_up=caught_up, horizon_seconds=horizon_seconds
            )
        account.remarks.extend([remark] if remark else [])
        return account

    def manifest_file(self) -> Path:
        """The manifest, written as the generator does."""
        path = self.folder / "manifest.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in self.manifest), encoding="utf-8")
        return path

    def _tables(self) -> LakeTables:
        place = _new(self.folder / "lake")
        rows = {
            lake.EVENTS: self.events,
            lake.DEAD_LETTERS: self.dead_letters,
            lake.DUPLICATES: self.duplicates,
            lake.BATCH_AUDIT: self.audit,
        }
        for name, schema in _SCHEMAS.items():
            write_deltalake(place / name, pa.Table.from_pylist(rows[name], schema))
        return LakeTables(lake.Lake(str(place)), S3Settings())


def broken(account: Account) -> set[str]:
    """The names of the claims that do not hold."""
    return {finding.claim.name for finding in account.findings if not finding.holds}


def examples(account: Account, claim: str) -> list[str]:
    """What is wrong with a claim, as people read it."""
    return [str(e) for finding in account.findings if finding.claim.name == claim for e in finding.examples]


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


def _at(rows: list[dict[str, Any]], partition: int, offset: int) -> dict[str, Any]:
    return next(r for r in rows if (r["kafka_partition"], r["kafka_offset"]) == (partition, offset))


def _about(records: list[Any], partition: int, offset: int) -> Any:
    wanted = {"source.partition": str(partition).encode(), "source.offset": str(offset).encode()}
    return next(r for r in records if wanted.items() <= dict(r.headers).items())


def _new(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
