"""A small world in which nothing was lost, to be damaged by a test: Kafka's records, the lake, a manifest.

Three partitions, two batches. The tables are real Delta tables, read as verify reads them; only Kafka's answers
are made up, as records of the shape that a consumer returns.
"""

from __future__ import annotations

import json
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
from pipelines.verification.kafka_records import raw_rows, sink_rows
from pipelines.verification.lake_tables import LakeTables
from pipelines.verification.manifest import read_manifest
from pipelines.verification.progress import Progress

TOPIC, TOPIC_ID = "raw-events", "topic-now"
PARTITIONS = (0, 1, 2)
RECORDS = 10  # per partition; batch 0 takes offsets 0 to 5, batch 1 the rest
FIRST_BATCH_END = 6
DEAD = {(0, 1): "NOT_JSON", (0, 7): "EMPTY_VALUE", (1, 2): "TYPE_MISMATCH", (2, 9): "MISSING_REQUIRED"}
TOMBSTONE = (0, 7)
LATE = (1, 4)

_LINEAGE = [("kafka_topic_id", pa.string()), ("kafka_partition", pa.int32()), ("kafka_offset", pa.int64())]
_SCHEMAS = {
    lake.EVENTS: pa.schema([*_LINEAGE, ("batch_id", pa.int64()), ("event_id", pa.string()), ("is_late", pa.bool_())]),
    lake.DEAD_LETTERS: pa.schema(
        [
            *_LINEAGE,
            ("batch_id", pa.int64()),
            ("failure_type", pa.string()),
            ("key", pa.binary()),
            ("value", pa.binary()),
            ("payload_sha256", pa.string()),
            ("payload_bytes", pa.int64()),
            ("payload_truncated", pa.bool_()),
        ]
    ),
    lake.DUPLICATES: pa.schema([*_LINEAGE, ("batch_id", pa.int64())]),
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
        ]
    ),
}


def key_of(partition: int, offset: int) -> bytes:
    return f"key {partition}".encode()


def value_of(partition: int, offset: int) -> bytes | None:
    return None if (partition, offset) == TOMBSTONE else f"value {partition} {offset}".encode()


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
        self.enriched = [sink_record(*c, value=b"{}") for c in coordinates if c not in DEAD]
        self.queue = [sink_record(*c, value=value_of(*c)) for c in DEAD]
        self.manifest = [manifest_row(*c) for c in coordinates]

    def event(self, partition: int, offset: int) -> dict[str, Any]:
        """The row of `events` of that record."""
        return _at(self.events, partition, offset)

    def dead_letter(self, partition: int, offset: int) -> dict[str, Any]:
        """The row of `dead_letters` of that record."""
        return _at(self.dead_letters, partition, offset)

    def in_queue(self, partition: int, offset: int) -> Any:
        """The record of the dead-letter topic about that record."""
        wanted = sink_record(partition, offset, value=None).headers[1:4]
        return next(r for r in self.queue if r.headers[1:4] == wanted)

    def sent(self, partition: int, offset: int) -> dict[str, Any]:
        """The manifest's row about that record."""
        return next(r for r in self.manifest if (r["partition"], r["offset"]) == (partition, offset))

    def account(self, *, with_manifest: bool = False, caught_up: bool = False) -> Account:
        """What verify makes of it."""
        progress = Progress(Console(quiet=True))
        with Facts(_new(self.folder / "facts"), TOPIC_ID) as facts:
            facts.add_rows("raw_records", raw_rows(self.raw))
            facts.add_rows("enriched_records", sink_rows(self.enriched))
            facts.add_rows("queue_records", sink_rows(self.queue))
            for topic, firsts in self.first_offsets.items():
                for partition, first in firsts.items():
                    row = {"topic": topic, "kafka_partition": partition, "first_offset": first}
                    facts.add_rows("logs", {name: [value] for name, value in {**row, "next_offset": RECORDS}.items()})
            self._tables().read_all(facts, progress)
            remark = None
            if with_manifest:
                remark = read_manifest(self.manifest_file(), TOPIC, facts, progress)
            account = account_for(facts, with_manifest=with_manifest, caught_up=caught_up)
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
        partition=partition, offset=offset, key=key_of(partition, offset), value=value_of(partition, offset)
    )


def sink_record(
    partition: int, offset: int, value: bytes | None, *, topic_id: str = TOPIC_ID, lies_in: int | None = None
) -> Any:
    """A record of a sink topic about a raw record."""
    headers = [
        ("source.topic", TOPIC.encode()),
        ("source.topic_id", topic_id.encode()),
        ("source.partition", str(partition).encode()),
        ("source.offset", str(offset).encode()),
        ("dlq.payload.truncated", b"false"),
    ]
    return SimpleNamespace(
        partition=partition if lies_in is None else lies_in,
        offset=100 + offset,
        key=key_of(partition, offset),
        value=value,
        headers=headers,
    )


def _lineage(partition: int, offset: int) -> dict[str, Any]:
    return {
        "kafka_topic_id": TOPIC_ID,
        "kafka_partition": partition,
        "kafka_offset": offset,
        "batch_id": batch_of(offset),
    }


def event_row(partition: int, offset: int) -> dict[str, Any]:
    own = {"event_id": event_id_of(partition, offset), "is_late": (partition, offset) == LATE}
    return {**_lineage(partition, offset), **own}


def duplicate_row(partition: int, offset: int) -> dict[str, Any]:
    return _lineage(partition, offset)


def dead_letter_row(partition: int, offset: int, failure_type: str | None = None) -> dict[str, Any]:
    value = value_of(partition, offset)
    return {
        **_lineage(partition, offset),
        "failure_type": failure_type or DEAD[partition, offset],
        "key": key_of(partition, offset),
        "value": value,
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


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
