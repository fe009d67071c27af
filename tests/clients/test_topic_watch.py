"""The raw topic is asked about while it grows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from kafka.errors import UnknownTopicOrPartitionError

from pipelines.settings import Topics
from pipelines.topic_watch import TopicWatch


class Broker:
    """Gives out consumers that, as kafka-python's, know the partitions that were there when they were made."""

    def __init__(self) -> None:
        self.partitions = 3
        self.made = 0

    def consumer(self, **_: object) -> SimpleNamespace:
        self.made += 1
        known = range(self.partitions)

        def offsets(partitions: list[TopicPartition], value: int) -> dict[TopicPartition, int]:
            if unknown := [each for each in partitions if each.partition not in known]:
                raise KeyError(unknown[0])
            return dict.fromkeys(partitions, value)

        return SimpleNamespace(
            beginning_offsets=lambda partitions: offsets(partitions, 0),
            end_offsets=lambda partitions: offsets(partitions, 10),
            close=lambda: None,
        )


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def watch(broker: Broker) -> TopicWatch:
    return TopicWatch(broker, Topics("raw", "enriched", "dead"))


def test_new_partitions_count_at_once(broker, watch):
    assert watch.behind({0: 4, 1: 4, 2: 4}) == 18
    broker.partitions = 4
    assert watch.behind({0: 4, 1: 4, 2: 4, 3: 4}) == 24


def test_one_connection_does_as_long_as_nothing_grows(broker, watch):
    for processed in ({0: 4, 1: 4, 2: 4}, {0: 5, 1: 5}):
        watch.behind(processed)
    assert broker.made == 1


def test_a_partition_that_the_broker_does_not_name_yet_is_no_reason_to_stop(watch):
    assert watch.behind({0: 4, 3: 0}) is None
    with pytest.raises(UnknownTopicOrPartitionError):
        watch._ranges([3])
