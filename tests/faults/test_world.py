"""The figures of a comparison are what they are called."""

from __future__ import annotations

from world import overtaken


def in_partition_0(*offsets: int) -> list[tuple[str, int, int]]:
    return [("topic", 0, offset) for offset in offsets]


def test_a_record_is_overtaken_by_a_later_one_of_its_partition_only() -> None:
    assert overtaken([("topic", 1, 7), *in_partition_0(0, 2, 1, 3)]) == 1


def test_a_repeat_is_not_overtaken() -> None:
    assert overtaken(in_partition_0(0, 1, 2, 1, 2, 3)) == 0
