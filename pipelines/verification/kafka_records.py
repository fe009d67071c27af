"""Read topics from beginning to end as a read_committed consumer is given them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import kafka
import kafka.errors
from kafka import TopicPartition

from pipelines.cli import ConfigurationError, RunFailed
from pipelines.clients import KafkaSettings
from pipelines.kafka_problems import Silence
from pipelines.verification.facts import DEAD_LETTER, ENRICHED, RAW, Facts
from pipelines.verification.kafka_rows import add_enriched, add_queue, add_raw
from pipelines.verification.offsets import Selection
from pipelines.verification.progress import Progress

_CHUNK_RECORDS = 10_000
_MOST_PLACES = 8

Ranges = dict[TopicPartition, tuple[int, int]]


class KafkaLogs:
    """The raw topic and the sink topics, each up to where it ended when this was made.

    Ends are taken from the sinks first: what they hold then, raw holds as well a moment later.
    """

    def __init__(
        self, settings: KafkaSettings, raw: str, enriched: str, dead_letter: str, selection: Selection
    ) -> None:
        """Raises ConfigurationError where the selection names a partition that raw does not have."""
        self._consumer = settings.consumer(
            isolation_level="read_committed", auto_offset_reset="none", max_poll_records=_CHUNK_RECORDS
        )
        self._names = {RAW: raw, ENRICHED: enriched, DEAD_LETTER: dead_letter}
        self._bounds = {topic: self._range(self._names[topic]) for topic in (ENRICHED, DEAD_LETTER, RAW)}
        unknown = set(selection.ranges or ()) - {tp.partition for tp in self._bounds[RAW]}
        if unknown:
            raise ConfigurationError(
                f"--offsets {min(unknown)}:…: {raw} has the partitions 0 to {len(self._bounds[RAW]) - 1}."
            )
        self._selection = selection

    def read_all(self, facts: Facts, progress: Progress) -> None:
        """Add the records of the three topics, and which offsets Kafka holds.

        Of raw only the selection is read. Records about it may lie anywhere in the sinks: those are read whole.
        """
        adders: dict[str, Callable[[Facts, list[Any]], None]] = {
            RAW: add_raw,
            ENRICHED: add_enriched,
            DEAD_LETTER: add_queue,
        }
        for topic, add in adders.items():
            rounds = [self._bounds[topic]] if topic != RAW else rounds_of(self._bounds[RAW], self._selection)
            total = sum(end - first for ranges in rounds for first, end in ranges.values())
            with progress.task(f"reading topic {self._names[topic]}", total) as advance:
                for ranges in rounds:
                    for records, passed in self._records(ranges):
                        if records:
                            add(facts, records)
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

    def _log_rows(self, topic: str) -> dict[str, list[Any]]:
        """The offsets held, asked again after reading: retention may have moved the beginning meanwhile."""
        ranges = self._bounds[topic]
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
        silence = Silence()
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
                silence.broken()
                yield records, passed
            else:
                silence.check()

    def _poll(self) -> dict[TopicPartition, list[Any]]:
        try:
            polled: dict[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms=1000)
        except kafka.errors.OffsetOutOfRangeError as error:
            raise RunFailed("Kafka's retention deleted records while they were being read: try again.") from error
        except UnicodeDecodeError as error:
            places = sorted((tp.topic, tp.partition, self._consumer.position(tp)) for tp in self._consumer.assignment())
            shown = ", ".join(f"{topic} {partition}:{offset}" for topic, partition, offset in places[:_MOST_PLACES])
            raise RunFailed(
                "A record has a header whose name is not UTF-8, which kafka-python cannot read; it is behind one of "
                f"{shown} (partition:offset). Prove the other records with --offsets."
            ) from error
        return polled


def rounds_of(bounds: Ranges, selection: Selection) -> list[Ranges]:
    """What of the bounds is selected, as rounds that have one range per partition each."""
    spans = [[(tp, span) for span in selection.within(tp.partition, *bound)] for tp, bound in bounds.items()]
    return [dict(filter(None, each)) for each in zip_longest(*spans)]
