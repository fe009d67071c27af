"""Where the look at a sink begins after a crash: behind a record of an earlier batch, and never too late."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from pipelines.sources import _scan_start

SINK = TopicPartition("enriched", 0)


class Consumer:
    """A sink partition: its records' headers, from its first offset on."""

    def __init__(self, records: list[dict[str, bytes]], first: int = 0) -> None:
        self._records, self._first = records, first
        self._at = first

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [SINK]

    def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {SINK: self._first}

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {SINK: self._first + len(self._records)}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at = offset

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[SimpleNamespace]]:
        return {SINK: [SimpleNamespace(headers=list(self._records[self._at - self._first].items()))]}


def ours(count: int, *, start: int = 0, topic: str = "raw", topic_id: str = "id-1") -> list[dict[str, bytes]]:
    """Records that a job published, of consecutive raw offsets."""
    named = {"source.topic": topic.encode(), "source.topic_id": topic_id.encode()}
    return [{**named, "source.offset": str(offset).encode()} for offset in range(start, start + count)]


def begins(records: list[dict[str, bytes]], start: int, first: int = 0) -> int:
    return _scan_start(Consumer(records, first), SINK, "raw", "id-1", start)


@pytest.mark.parametrize("first", [0, 70])
@pytest.mark.parametrize("start", [1, 400, 4000, 9990, 10_000])
def test_nothing_of_the_interrupted_batch_stands_before_it(start, first):
    place = begins(ours(10_000), start, first) - first
    assert place <= start
    assert start - place < 40_000


def test_a_long_sink_is_not_read_from_its_beginning():
    assert begins(ours(100_000), 99_900) > 90_000


def test_records_of_another_pipeline_prove_nothing():
    """It published 3,000 records after ours, before the crash was noticed."""
    records = ours(5000) + ours(3000, topic="other", topic_id="id-2")
    assert begins(records, 4900) <= 4900


def test_records_of_nobody_prove_nothing():
    assert begins(ours(1000) + [{}] * 5000, 900) <= 900


def test_an_earlier_topic_of_that_name_is_behind_us():
    place = begins(ours(100_000, topic_id="id-0") + ours(10), 0)
    assert 90_000 < place <= 100_000
