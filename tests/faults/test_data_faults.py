"""Poison among good records: one drain of all kinds, 1 per 1,000 good ones, at the job's default settings."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jobs import Site, headers_of
from test_enrich import SENT, event
from world import lines, records_of, wait_for

from infra.local import Stack
from pipelines.transforms.vocabulary import DEFAULT_MAX_EVENT_BYTES as MAX

pytestmark = pytest.mark.faults
row = pytest.mark.row
GOOD_PER_POISON = int(os.environ.get("FAULT_GOOD_PER_POISON", "1000"))


def ago(seconds: float) -> str:
    """A moment before now; negative is ahead."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def sized(size: int) -> bytes:
    """A valid event of exactly so many bytes."""
    return event(user_id="x" * (size - len(event(user_id=""))))


# Quotes in keys grow fourfold on their way into rescued_data.
GROWING = event(items=[{"item_id": "a", **{'"' * 8 + str(n): 1 for n in range(10_000, 40_000)}}])

# kind → (value, failure type or None where it is accepted)
EMPTIES = {
    "tombstone with a key": (None, "EMPTY_VALUE"),
    "empty without a key": (b"", "EMPTY_VALUE"),
    "good without a key": (event(), None),
}
SIZES = {
    "one byte below the limit": (sized(MAX - 1), None),
    "at the limit": (sized(MAX), None),
    "one byte above the limit": (sized(MAX + 1), "SIZE_VIOLATION"),
    "too large once enriched": (GROWING, "SIZE_VIOLATION"),
}
DRIFT = {
    "new field": (event(loyalty={"tier": "gold"}), None),
    "field renamed": (event(session_id=None, sessionId="s-1"), "MISSING_REQUIRED"),
    "type of a field that no rule reads": (event(session_number="7"), None),
    "type of a required field": (event(session_id=7), "TYPE_MISMATCH"),
    "new event name": (event(event_name="live_chat"), "INVALID_VALUE"),
    "addition raised": (event(schema_version="1-0-9", loyalty=1), None),
    "revision raised": (event(schema_version="1-3-0"), None),
    "model raised": (event(schema_version="2-0-0"), "UNSUPPORTED_SCHEMA_VERSION"),
}
BREAKING_PATHS = {
    "field renamed": "session_id",
    "type of a required field": "session_id",
    "new event name": "event_name",
    "model raised": "schema_version",
}
CLOCKS = {
    "an hour ahead": (event(event_time=ago(-3600)), "TIMESTAMP_FUTURE"),
    "an hour ahead, which sent_at reveals": (event(event_time=ago(-3600), sent_at=ago(-3600)), None),
    "a day late": (event(event_time=ago(86_400)), None),
    "year 2999": (event(event_time="2999-12-31T23:59:59Z"), "TIMESTAMP_FUTURE"),
    "epoch 0": (event(event_time="1970-01-01T00:00:00Z"), "TIMESTAMP_ANCIENT"),
    "milliseconds": (event(event_time=1763805600000), "TIMESTAMP_INVALID"),
    "microseconds": (event(event_time=1763805600000000), "TIMESTAMP_INVALID"),
    "milliseconds as text": (event(event_time="1763805600000"), "TIMESTAMP_INVALID"),
    "leap day": (event(event_time="2024-02-29T12:00:00Z"), None),
    "no leap day": (event(event_time="2023-02-29T12:00:00Z"), "TIMESTAMP_INVALID"),
    "the hour that summer time leaves out": (event(event_time="2026-03-29T02:30:00+01:00"), None),
    "the hour that is there twice": (event(event_time="2026-10-25T02:30:00+01:00"), None),
    "leap second": (event(event_time="2016-12-31T23:59:60Z"), "TIMESTAMP_INVALID"),
}
KINDS: dict[str, tuple[bytes | None, str | None]] = {**SENT, **EMPTIES, **SIZES, **DRIFT, **CLOCKS}
assert len(KINDS) == sum(map(len, (SENT, EMPTIES, SIZES, DRIFT, CLOCKS))), "two kinds of one name"


@dataclass(frozen=True)
class Drained:
    """A pipeline after the drain: what was sent, and what the sink topics hold, by (partition, offset)."""

    site: Site
    manifest: Path
    places: dict[str, tuple[int, int]]
    dead: dict[tuple[int, int], Any]
    enriched: dict[tuple[int, int], Any]

    def verdicts(self, kinds: dict[str, Any]) -> dict[str, str | None]:
        """Kind → failure type as the dead-letter topic has it, None where it is in the enriched topic."""
        return {kind: self._verdict(self.places[kind]) for kind in kinds}

    def _verdict(self, place: tuple[int, int]) -> str | None:
        if place in self.dead:
            assert place not in self.enriched
            return headers_of(self.dead[place])["dlq.failure.type"]
        assert place in self.enriched
        return None


@pytest.fixture(scope="module")
def drained(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drained]:
    folder = tmp_path_factory.mktemp("poison")
    site = Site.create(stack.environment(), f"poison-{uuid.uuid4().hex[:6]}", folder)
    manifest = folder / "manifest.jsonl"
    generator = site.start_generator(f"--count={len(KINDS) * GOOD_PER_POISON}", "--rate=4000", f"--manifest={manifest}")
    producer = site.kafka.producer(max_request_size=30_000_000)
    places = {}
    for number, (kind, (value, _)) in enumerate(KINDS.items()):
        wait_for(lambda number=number: lines(manifest) >= number * GOOD_PER_POISON, 120)
        key = None if kind.endswith("without a key") else kind.encode()
        sent = producer.send(site.topics.raw, value=value, key=key).get(60)
        places[kind] = (sent.partition, sent.offset)
    producer.close()
    assert generator.wait(120) == 0
    assert site.start_enrich("--available-now", SPARK_DRIVER_MEMORY="1g").wait(1800) == 0, site.log()
    try:
        yield Drained(site, manifest, places, _by_source(site.topics.dead_letter, site), _by_source_of_enriched(site))
    finally:
        site.kill_all()


def _by_source_of_enriched(site: Site) -> dict[tuple[int, int], Any]:
    return _by_source(site.topics.enriched, site)


def _by_source(topic: str, site: Site) -> dict[tuple[int, int], Any]:
    headers = ((headers_of(record), record) for record in records_of(site, topic))
    return {(int(h["source.partition"]), int(h["source.offset"])): record for h, record in headers}


def expected(kinds: dict[str, tuple[bytes | None, str | None]]) -> dict[str, str | None]:
    return {kind: failure for kind, (_, failure) in kinds.items()}


@row(12, "each row of the parsing table among good records")
def test_poison_is_dead_with_its_bytes_and_its_neighbours_are_not(drained: Drained, result) -> None:
    assert drained.verdicts(SENT) == expected(SENT)
    for kind, (value, failure) in SENT.items():
        if failure:
            record = drained.dead[drained.places[kind]]
            headers = headers_of(record)
            assert record.value == value or headers["dlq.payload.truncated"] == "true"
            digest = None if value is None else hashlib.sha256(value).hexdigest()
            assert headers.get("dlq.payload.sha256") == digest
    result.note(f"1 per {GOOD_PER_POISON:,} good records; one drain with the {len(KINDS)} kinds of rows 12 to 18.")
    result.proved(drained.site, drained.manifest)


@row(13, "tombstones, empty values and good events, without a key too")
def test_tombstones_and_null_keys_are_counted(drained: Drained, result) -> None:
    assert drained.verdicts(EMPTIES) == expected(EMPTIES)
    assert drained.enriched[drained.places["good without a key"]].key is None
    counted = sum(dict(failures or ()).get("EMPTY_VALUE", 0) for failures in _audited(drained, "failures"))
    assert counted == sum(failure == "EMPTY_VALUE" for _, failure in KINDS.values())
    result.line.records = len(EMPTIES)


@row(14, "values at the size limit -1, at it, +1; an event that grows past the sink's limit")
def test_sizes_around_the_limit(drained: Drained, result) -> None:
    assert drained.verdicts(SIZES) == expected(SIZES)
    grown = headers_of(drained.dead[drained.places["too large once enriched"]])
    assert grown["dlq.failure.stage"] == "enrich"
    result.line.records = len(SIZES)


@row(17, "field added, renamed, retyped; event name added; version raised")
def test_drift_that_breaks_is_dead_with_its_path_and_the_rest_is_rescued(drained: Drained, result) -> None:
    assert drained.verdicts(DRIFT) == expected(DRIFT)
    for kind, path in BREAKING_PATHS.items():
        assert path in headers_of(drained.dead[drained.places[kind]])["dlq.failure.fields"]
    columns = ["kafka_partition", "kafka_offset", "rescued_data", "warnings"]
    rows = {(r["kafka_partition"], r["kafka_offset"]): r for r in drained.site.table("events", columns).to_pylist()}
    for kind in ("new field", "type of a field that no rule reads", "addition raised"):
        assert rows[drained.places[kind]]["rescued_data"], kind
        assert rows[drained.places[kind]]["warnings"], kind
    assert rows[drained.places["revision raised"]]["warnings"]
    result.line.records = len(DRIFT)


@row(18, "clocks ahead, behind, epoch 0, ms, µs; leap day; summer time")
def test_wrong_clocks_touch_nobody_else(drained: Drained, result) -> None:
    assert drained.verdicts(CLOCKS) == expected(CLOCKS)
    columns = ["kafka_partition", "kafka_offset", "is_late", "event_date"]
    rows = {(r["kafka_partition"], r["kafka_offset"]): r for r in drained.site.table("events", columns).to_pylist()}
    late = {kind for kind, (_, failure) in CLOCKS.items() if failure is None and rows[drained.places[kind]]["is_late"]}
    assert late == {"a day late", "leap day", "the hour that summer time leaves out", "the hour that is there twice"}
    assert str(rows[drained.places["leap day"]]["event_date"]) == "2024-02-29"
    result.line.records = len(CLOCKS)


def _audited(drained: Drained, column: str) -> list[Any]:
    return drained.site.table("batch_audit", [column])[column].to_pylist()
