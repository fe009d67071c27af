"""Comparing sets: what was acknowledged, what Kafka holds, what the tables hold, what the sink topics hold.

Independent of `pipelines.verify` on purpose: the suite asks both.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs import Site, headers_of
from kafka import TopicPartition

Position = tuple[str, int, int]  # topic id, partition, offset
_OUTCOMES = ("events", "dead_letters", "duplicates")
_LINEAGE = ["kafka_topic_id", "kafka_partition", "kafka_offset"]
_SILENCE_SECONDS = 30


@dataclass(frozen=True)
class Comparison:
    """Numbers of records. What `wrong` names must be 0.

    `lost`: acknowledged, or in the raw topic, and in none of the tables; `doubled`: rows of the tables beyond the
    first per (topic id, partition, offset); `made_up`: rows that name no raw record; `undelivered`: accepted or
    dead, and not in its sink topic; `misplaced`: in another partition of it than the raw record's; `sent_twice`:
    values in the raw topic more often than one producer sent them; `repeats`: records of the sink topics beyond the
    first per raw record; `overtaken`: raw records whose first copy in a sink topic comes after that of a later record
    of their partition.
    """

    acknowledged: int
    raw: int
    lost: int
    doubled: int
    made_up: int
    undelivered: int
    misplaced: int
    sent_twice: int
    repeats: int
    overtaken: int

    @property
    def wrong(self) -> dict[str, int]:
        """What must be 0 and is not."""
        names = ("lost", "doubled", "made_up", "undelivered", "misplaced")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def compare(site: Site, *manifests: Path) -> Comparison:
    """Compare manifests, raw topic, tables and sink topics of a pipeline that has caught up."""
    topic_id = topic_id_of(site)
    sent = [row for manifest in manifests for row in read_manifest(manifest)]
    acknowledged = {(topic_id, row["partition"], row["offset"]) for row in sent}
    raw_records = list(records_of(site, site.topics.raw))
    raw = {(topic_id, record.partition, record.offset) for record in raw_records}
    outcomes = {name: rows_of(site, name) for name in _OUTCOMES}
    rows = sum(outcomes.values(), Counter())
    held = set(rows)
    delivered = {name: sources_of(site, topic) for name, topic in sinks_of(site).items()}
    return Comparison(
        acknowledged=len(acknowledged),
        raw=len(raw),
        lost=len((acknowledged | raw) - held),
        doubled=rows.total() - len(held),
        made_up=len({position for position in held if position[0] == topic_id} - raw),
        undelivered=sum(len(set(outcomes[name]) - {source for _, source in delivered[name]}) for name in delivered),
        misplaced=sum(partition != source[1] for records in delivered.values() for partition, source in records),
        sent_twice=_sent_twice(raw_records, sent),
        repeats=sum(len(records) - len({source for _, source in records}) for records in delivered.values()),
        overtaken=sum(overtaken(source for _, source in records) for records in delivered.values()),
    )


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """The rows of a generator's manifest; a last line that a kill cut short is none."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def rows_of(site: Site, table: str) -> Counter[Position]:
    """How many rows of a table name each raw record."""
    columns = site.table(table, _LINEAGE).to_pydict()
    return Counter(zip(*(columns[name] for name in _LINEAGE), strict=True))


def sinks_of(site: Site) -> dict[str, str]:
    """Table → the sink topic with the same records."""
    return {"events": site.topics.enriched, "dead_letters": site.topics.dead_letter}


def sources_of(site: Site, topic: str) -> list[tuple[int, Position]]:
    """(partition, the raw record that it names) of each record of a sink topic, each partition in its order."""
    found = []
    for record in records_of(site, topic):
        headers = headers_of(record)
        source = (headers["source.topic_id"], int(headers["source.partition"]), int(headers["source.offset"]))
        found.append((record.partition, source))
    return found


def records_of(site: Site, topic: str) -> Iterator[Any]:
    """All committed records of a topic up to its present end."""
    consumer = site.kafka.consumer(auto_offset_reset="earliest", isolation_level="read_committed")
    try:
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        heard = time.monotonic()
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                heard = time.monotonic()
                yield from records
            assert time.monotonic() - heard < _SILENCE_SECONDS, f"{topic} does not give its records"
    finally:
        consumer.close()


def topic_id_of(site: Site, topic: str | None = None) -> str:
    """The id that Kafka gave the raw topic, or another one."""
    admin = site.kafka.admin()
    try:
        (described,) = admin.describe_topics([topic or site.topics.raw])
        return str(described["topic_id"])
    finally:
        admin.close()


def wait_for(condition: Callable[[], object], seconds: float, what: str = "") -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what or condition}"
        time.sleep(0.2)


def lines(path: Path) -> int:
    """How many complete lines a file has; 0 if it is missing."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _sent_twice(raw_records: Iterable[Any], sent: list[dict[str, Any]]) -> int:
    """A send whose outcome is unknown may be there once; one that was acknowledged, as often as that."""
    times_sent = Counter(row["sha256"] for row in sent)
    there = Counter(hashlib.sha256(record.value or b"").hexdigest() for record in raw_records)
    return sum(max(0, times - max(1, times_sent[digest])) for digest, times in there.items() if times_sent[digest])


def overtaken(sources: Iterable[Position]) -> int:
    """How many come for the first time after a later one of their raw partition."""
    furthest: dict[tuple[str, int], int] = {}
    count = 0
    for topic_id, partition, offset in dict.fromkeys(sources):
        before = furthest.get((topic_id, partition), -1)
        count += offset < before
        furthest[topic_id, partition] = max(offset, before)
    return count
