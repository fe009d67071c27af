"""Reading a topic from a place on, as far as its present end or for ever; no consumer group, nothing is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from kafka import TopicPartition

from pipelines.clients import KafkaSettings
from pipelines.kafka_problems import Silence
from pipelines.tailing.starts import BEGINNING, END, Start

_POLL_MS = 500
_NEW_PARTITIONS_SECONDS = 10


class Topic:
    """All partitions of a topic, those that are added later included. Only committed records are given."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        """Raises kafka-python's errors where no broker answers."""
        # Where retention was faster than the reader, it goes on with the first record that is there.
        self._consumer = settings.consumer(
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            metadata_max_age_ms=_NEW_PARTITIONS_SECONDS * 1_000,
        )
        self._name = name
        self._partitions: list[TopicPartition] = []
        self._looked_at = 0.0

    def begin(self, start: Start) -> None:
        """Go to the place; a time means the first records that Kafka got at that time or later."""
        self._partitions = self._known()
        self._consumer.assign(self._partitions)
        ends = self._consumer.end_offsets(self._partitions)
        if start == BEGINNING:
            places = self._consumer.beginning_offsets(self._partitions)
        elif start == END:
            places = ends
        else:
            found = self._consumer.offsets_for_times(dict.fromkeys(self._partitions, start))
            places = {tp: found[tp].offset if found.get(tp) else ends[tp] for tp in self._partitions}
        for partition, offset in places.items():
            self._consumer.seek(partition, offset)

    def records(self, *, until_end: bool, stopped: Callable[[], bool]) -> Iterator[Any]:
        """The records from here on. Ends when `stopped`, or with `until_end` where the topic ends now.

        Raises RunFailed where that end does not come nearer for a minute.
        """
        ends = self._consumer.end_offsets(self._partitions) if until_end else None
        places: dict[TopicPartition, int] = {}
        silence = Silence()
        while not stopped():
            if ends is not None:
                before, places = places, {tp: self._consumer.position(tp) for tp in ends}
                if all(places[tp] >= end for tp, end in ends.items()):
                    return
                if places != before:
                    silence.broken()
                silence.check()
            for partition, polled in self._consumer.poll(timeout_ms=_POLL_MS).items():
                yield from polled if ends is None else [r for r in polled if r.offset < ends[partition]]
            if ends is None:
                self._add_new_partitions()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _known(self) -> list[TopicPartition]:
        self._looked_at = time.monotonic()
        return [TopicPartition(self._name, p) for p in sorted(self._consumer.partitions_for_topic(self._name) or ())]

    def _add_new_partitions(self) -> None:
        if time.monotonic() - self._looked_at < _NEW_PARTITIONS_SECONDS:
            return
        known = self._known()
        if new := [partition for partition in known if partition not in self._partitions]:
            self._partitions += new
            places = {tp: self._consumer.position(tp) for tp in self._consumer.assignment()}
            self._consumer.assign(self._partitions)
            for partition in self._partitions:
                self._consumer.seek(partition, places.get(partition, 0))
