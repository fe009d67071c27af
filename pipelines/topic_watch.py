"""The topics while the job runs: how far raw goes on, and whether they are still what they were at the start."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from pipelines.cli import ConfigurationError, StoppedByPolicy
from pipelines.clients import KafkaSettings
from pipelines.settings import Topics

_TIMEOUT_MS = 10_000


class TopicWatch:
    """Asks the broker between batches. Connections are opened when first needed and kept."""

    def __init__(self, kafka: KafkaSettings, topics: Topics) -> None:
        self._kafka = kafka
        self._topics = topics
        self._consumer: KafkaConsumer | None = None
        self._known: set[int] = set()
        self._admin: Any = None

    def check(self, topic_id: str, partitions: Collection[int]) -> None:
        """What was just read came from the raw topic `topic_id`, and the sinks can take its `partitions`.

        Raises StoppedByPolicy or ConfigurationError where that is not so, KafkaError where the broker does not tell.
        """
        described = self._described()
        raw, sinks = self._topics.raw, (self._topics.enriched, self._topics.dead_letter)
        if missing := [name for name in (raw, *sinks) if name not in described]:
            raise UnknownTopicOrPartitionError(f"missing topic: {', '.join(missing)}")
        if described[raw][0] != topic_id:
            raise StoppedByPolicy(
                f"RAW_TOPIC={raw} was deleted and created again while the job read it: what the old topic still held "
                "is gone. Nothing of the batch in hand was written. Look at docs/operations.md, “Data loss”; "
                "--accept-data-loss goes on with the new topic."
            )
        if small := [name for name in sinks if described[name][1] <= max(partitions, default=0)]:
            raise ConfigurationError(
                f"{', '.join(small)}: fewer partitions than {raw} ({described[raw][1]}). Nothing of the batch in hand "
                "was written. Grow them: make topics"
            )

    def raw(self) -> tuple[str, dict[int, tuple[int, int]]]:
        """The raw topic's id, and its partitions → [first offset, next offset). Raises KafkaError."""
        described = self._described()
        if self._topics.raw not in described:
            raise UnknownTopicOrPartitionError(f"missing topic: {self._topics.raw}")
        topic_id, partitions = described[self._topics.raw]
        return topic_id, self._ranges(range(partitions))

    def behind(self, processed: dict[int, int]) -> int | None:
        """Raw records beyond `processed` (partition → next offset), or None if the broker does not tell."""
        try:
            ranges = self._ranges(processed)
        except (KafkaError, OSError):
            return None
        return sum(max(0, end - processed[p]) for p, (_, end) in ranges.items())

    def close(self) -> None:
        """Close the connections."""
        for client in (self._consumer, self._admin):
            if client is not None:
                client.close()
        self._consumer = self._admin = None

    @contextmanager
    def _fresh_after_errors(self) -> Iterator[None]:
        """After an error all is connected anew next time."""
        try:
            yield
        except (KafkaError, OSError):
            self.close()
            raise

    def _ranges(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        raw = [TopicPartition(self._topics.raw, p) for p in sorted(partitions)]
        with self._fresh_after_errors():
            # kafka-python 3.0.12 raises KeyError about partitions that are younger than its metadata.
            if self._consumer is not None and not self._known.issuperset(partitions):
                self._consumer.close()
                self._consumer = None
            if self._consumer is None:
                self._consumer = self._kafka.consumer(request_timeout_ms=_TIMEOUT_MS)
                self._known = set(partitions)
            try:
                firsts, ends = self._consumer.beginning_offsets(raw), self._consumer.end_offsets(raw)
            except KeyError as error:
                raise UnknownTopicOrPartitionError(f"{error} is not known yet") from None
        return {tp.partition: (int(firsts[tp]), int(ends[tp])) for tp in raw}

    def _described(self) -> dict[str, tuple[str, int]]:
        """Topic → (topic id, number of partitions), of those that exist."""
        with self._fresh_after_errors():
            if self._admin is None:
                self._admin = self._kafka.admin(request_timeout_ms=_TIMEOUT_MS, bootstrap_timeout_ms=_TIMEOUT_MS)
            names = {self._topics.raw, self._topics.enriched, self._topics.dead_letter}
            found = self._admin.describe_topics(sorted(names))
        return {t["name"]: (str(t["topic_id"]), len(t["partitions"])) for t in found if t["error_code"] == 0}
