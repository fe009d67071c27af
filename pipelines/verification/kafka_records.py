"""Read topics from beginning to end as a read_committed consumer is given them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import kafka
import kafka.errors
from kafka import TopicPartition

from pipelines.cli import RunFailed
from pipelines.clients import KafkaSettings
from pipelines.verification.facts import DEAD_LETTER, ENRICHED, RAW, Facts
from pipelines.verification.progress import Progress

_SILENCE_SECONDS = 60.0
_CHUNK_RECORDS = 10_000

Ranges = dict[TopicPartition, tuple[int, int]]
Rows = dict[str, list[Any]]


class KafkaLogs:
    """The raw topic and the sink topics, each up to where it ended when this was made.

    Ends are taken from the sinks first: what they hold then, raw holds as well a moment later.
    """

    def __init__(self, settings: KafkaSettings, raw: str, enriched: str, dead_letter: str) -> None:
        self._consumer = settings.consumer(
            isolation_level="read_committed", auto_offset_reset="none", max_poll_records=_CHUNK_RECORDS
        )
        self._names = {RAW: raw, ENRICHED: enriched, DEAD_LETTER: dead_letter}
        self._ranges = {topic: self._range(self._names[topic]) for topic in (ENRICHED, DEAD_LETTER, RAW)}

    def read_all(self, facts: Facts, progress: Progress) -> None:
        """Add all records of the three topics, and which offsets Kafka holds."""
        tables: dict[str, tuple[str, Callable[[list[Any]], Rows]]] = {
            RAW: ("raw_records", raw_rows),
            ENRICHED: ("enriched_records", sink_rows),
            DEAD_LETTER: ("queue_records", sink_rows),
        }
        for topic, (table, to_rows) in tables.items():
            ranges = self._ranges[topic]
            total = sum(end - first for first, end in ranges.values())
            with progress.task(f"reading topic {self._names[topic]}", total) as advance:
                for records, passed in self._records(ranges):
                    if records:
                        facts.add_rows(table, to_rows(records))
                    advance(passed)
            facts.add_rows("logs", self._log_rows(topic))

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _range(self, topic: str) -> Ranges:
        partitions = [TopicPartition(topic, p) for p in sorted(self._consumer.partitions_for_topic(topic) or ())]
        firsts = self._consumer.beginning_offsets(partitions)
        ends = self._consumer.end_offsets(partitions)
        return {tp: (firsts[tp], max(firsts[tp], ends[tp])) for tp in partitions}

    def _log_rows(self, topic: str) -> Rows:
        """The offsets held, asked again after reading: retention may have moved the beginning meanwhile."""
        ranges = self._ranges[topic]
        firsts = self._consumer.beginning_offsets(list(ranges))
        return {
            "topic": [topic] * len(ranges),
            "kafka_partition": [tp.partition for tp in ranges],
            "first_offset": [firsts[tp] for tp in ranges],
            "next_offset": [end for _, end in ranges.values()],
        }

    def _records(self, ranges: Ranges) -> Iterator[tuple[list[Any], int]]:
        """(records, offsets passed) in chunks, until every partition is at its end.

        The position is what counts: transaction markers and aborted records take offsets, too.
        """
        consumer = self._consumer
        unfinished = {tp: end for tp, (first, end) in ranges.items() if first < end}
        positions = {tp: ranges[tp][0] for tp in unfinished}
        consumer.assign(list(unfinished))
        for tp, position in positions.items():
            consumer.seek(tp, position)
        heard = time.monotonic()
        while unfinished:
            polled = self._poll()
            passed = 0
            records = [r for tp, given in polled.items() for r in given if r.offset < ranges[tp][1]]
            for tp, end in list(unfinished.items()):
                position = min(end, consumer.position(tp))
                passed += position - positions[tp]
                positions[tp] = position
                if position >= end:
                    del unfinished[tp]
                    consumer.pause(tp)
            if passed:
                heard = time.monotonic()
                yield records, passed
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                raise RunFailed(f"Kafka sent nothing for {_SILENCE_SECONDS:.0f} s: is the broker healthy? Try again.")

    def _poll(self) -> dict[TopicPartition, list[Any]]:
        try:
            polled: dict[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms=1000)
        except kafka.errors.OffsetOutOfRangeError as error:
            raise RunFailed("Kafka's retention deleted records while they were being read: try again.") from error
        return polled


def raw_rows(records: list[Any]) -> Rows:
    """Rows of `raw_records`."""
    return {
        "kafka_partition": [r.partition for r in records],
        "kafka_offset": [r.offset for r in records],
        "key_sha256": [_digest(r.key) for r in records],
        "value_sha256": [_digest(r.value) for r in records],
        "value_bytes": [None if r.value is None else len(r.value) for r in records],
    }


def sink_rows(records: list[Any]) -> Rows:
    """Rows of `enriched_records` and `queue_records`: the raw record's coordinates are in the headers."""
    headers = [dict(r.headers or ()) for r in records]
    return {
        "kafka_topic_id": [_text(h.get("source.topic_id")) for h in headers],
        "kafka_partition": [_number(h.get("source.partition"), digits=9) for h in headers],
        "kafka_offset": [_number(h.get("source.offset")) for h in headers],
        "sink_partition": [r.partition for r in records],
        "sink_offset": [r.offset for r in records],
        "key_sha256": [_digest(r.key) for r in records],
        "value_sha256": [_digest(r.value) for r in records],
        "payload_truncated": [h.get("dlq.payload.truncated") == b"true" for h in headers],
    }


def _digest(content: bytes | None) -> bytes | None:
    return None if content is None else sha256(content).digest()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", errors="replace")


def _number(value: bytes | None, digits: int = 18) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= digits else None
