"""A small world in which nothing was lost, to be damaged by a test: Kafka's records, the lake, a manifest.

Three partitions, two batches. The tables are real Delta tables, read as verify reads them; only Kafka's answers
are made up, as records of the shape that a consumer returns.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from rich.console import Console
from verified_rows import (
    DEAD,
    FIRST_BATCH_END,
    PARTITIONS,
    RECORDS,
    SCHEMAS,
    TOPIC,
    TOPIC_ID,
    audit_row,
    batch_of,
    dead_letter_row,
    duplicate_row,
    enriched_document,
    event_id_of,
    event_row,
    fingerprint_of,
    manifest_row,
    raw_record,
    set_header,
    sink_record,
    to_json,
    value_of,
)

from pipelines import lake
from pipelines.clients import S3Settings
from pipelines.verification.account import Account, account_for
from pipelines.verification.facts import DEAD_LETTER, ENRICHED, RAW, Facts
from pipelines.verification.kafka_rows import add_enriched, add_queue, add_raw
from pipelines.verification.lake_tables import LakeTables
from pipelines.verification.manifest import read_manifest
from pipelines.verification.offsets import Selection
from pipelines.verification.progress import Progress


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
            logs = [(t, p, first, RECORDS) for t, firsts in self.first_offsets.items() for p, first in firsts.items()]
            names = ("topic", "kafka_partition", "first_offset", "next_offset")
            facts.add_rows("logs", dict(zip(names, map(list, zip(*logs, strict=True)), strict=True)))
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
        for name, schema in SCHEMAS.items():
            write_deltalake(place / name, pa.Table.from_pylist(rows[name], schema))
        return LakeTables(lake.Lake(str(place)), S3Settings())


def broken(account: Account) -> set[str]:
    """The names of the claims that do not hold."""
    return {finding.claim.name for finding in account.findings if not finding.holds}


def examples(account: Account, claim: str) -> list[str]:
    """What is wrong with a claim, as people read it."""
    return [str(e) for finding in account.findings if finding.claim.name == claim for e in finding.examples]


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
