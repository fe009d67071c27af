"""verify finds altered dead letters, and records that a sink topic lacks or should not have."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from verified_rows import TOMBSTONE, event_row, raw_record, set_header, sink_record
from verified_world import World, broken, examples

from pipelines.verification.facts import DEAD_LETTER, ENRICHED

NO_SUCH = "in the dead-letter topic, but Kafka has no such raw record"


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        ({"value": b"other"}, "its value is not the raw value"),
        ({"value": None}, "its value is not the raw value"),
        ({"key": b"other"}, "its key is not the raw key"),
        ({"key": None}, "its key is not the raw key"),
        ({"payload_sha256": "00" * 32}, "payload_sha256 is not that of the raw value"),
        ({"payload_sha256": "no hash"}, "payload_sha256 is not that of the raw value"),
        ({"payload_bytes": 1}, "payload_bytes is not the length of the raw value"),
        ({"payload_truncated": None}, "payload_truncated is null"),
        ({"headers": None}, "its headers are not the raw headers"),
        ({"headers": [{"key": "trace", "value": b"\x00"}]}, "its headers are not the raw headers"),
    ],
)
def test_an_altered_dead_letter_is_named(world: World, damage: dict[str, Any], detail: str) -> None:
    world.dead_letter(1, 2).update(damage)

    account = world.account()

    assert broken(account) == {"dead_letters_intact"}
    assert examples(account, "dead_letters_intact") == [f"partition 1 offset 2: {detail}"]


def test_an_empty_value_is_not_a_tombstone(world: World) -> None:
    world.dead_letter(*TOMBSTONE).update({"value": b"", "payload_sha256": sha256(b"").hexdigest()})
    world.in_queue(*TOMBSTONE).value = b""

    assert broken(world.account()) == {"dead_letters_intact", "dead_letter_topic_intact"}


def test_a_value_that_was_cut_is_known_by_its_hash(world: World) -> None:
    world.dead_letter(1, 2).update({"value": b"val", "key": None, "headers": None, "payload_truncated": True})
    letter = world.in_queue(1, 2)
    letter.value, letter.key = b"val", None
    letter.headers = [header for header in letter.headers if header[0] not in ("trace", "empty")]
    set_header(letter, "dlq.payload.truncated", b"true")

    assert broken(world.account()) == set()

    set_header(letter, "dlq.payload.sha256", sha256(b"other").hexdigest().encode())

    assert broken(world.account()) == {"dead_letter_topic_intact"}


@pytest.mark.parametrize("part", ["value", "key"])
def test_an_altered_record_of_the_dead_letter_topic_is_named(world: World, part: str) -> None:
    setattr(world.in_queue(1, 2), part, b"other")

    account = world.account()

    assert broken(account) == {"dead_letter_topic_intact"}
    assert examples(account, "dead_letter_topic_intact") == [f"partition 1 offset 2: its {part} is not the raw {part}"]


@pytest.mark.parametrize(
    "headers",
    [
        [("trace", b"\x00\xff"), ("empty", b""), ("trace", b"")],
        [("trace", None), ("empty", b""), ("trace", b"\x00\xff")],
        [("trace", b"\x00\xff"), ("empty", b"")],
        [("trace", b"\x00\xff"), ("empty", b""), ("trace", None), ("more", b"x")],
        [],
    ],
    ids=["a null became empty", "in another order", "one is missing", "one too many", "none"],
)
def test_a_dead_letter_without_the_producers_headers_is_named(
    world: World, headers: list[tuple[str, bytes | None]]
) -> None:
    letter = world.in_queue(1, 2)
    letter.headers = headers + [header for header in letter.headers if header[0] not in ("trace", "empty")]

    account = world.account()

    assert broken(account) == {"dead_letter_topic_intact"}
    assert examples(account, "dead_letter_topic_intact") == [
        "partition 1 offset 2: its headers are not the raw headers"
    ]


def test_two_failure_types_for_one_dead_letter_are_named(world: World) -> None:
    set_header(world.in_queue(1, 2), "dlq.failure.type", b"NOT_JSON")

    account = world.account()

    assert broken(account) == {"failure_types_agree"}
    assert examples(account, "failure_types_agree") == [
        "partition 1 offset 2: NOT_JSON in the dead-letter topic, TYPE_MISMATCH in dead_letters"
    ]


def test_a_dead_letter_that_never_reached_kafka_is_named(world: World) -> None:
    world.queue.remove(world.in_queue(1, 2))

    account = world.account()

    assert broken(account) == {"dead_sent"}
    assert examples(account, "dead_sent") == ["partition 1 offset 2: dead, but not in the dead-letter topic"]


def test_an_accepted_event_that_never_reached_kafka_is_named(world: World) -> None:
    world.enriched.remove(world.in_enriched(1, 3))

    account = world.account()

    assert broken(account) == {"accepted_sent"}
    assert examples(account, "accepted_sent") == ["partition 1 offset 3: accepted, but not in the enriched topic"]


def test_a_batch_in_hand_need_not_have_reached_kafka(world: World) -> None:
    world.raw.append(raw_record(1, 10))
    world.events.append(event_row(1, 10) | {"batch_id": 2})

    assert broken(world.account()) == set()


def test_repeats_are_counted_and_no_error(world: World) -> None:
    world.queue.append(world.in_queue(1, 2))
    world.enriched.extend(world.enriched[:3])

    account = world.account()

    assert broken(account) == set()
    assert [remark.split(":")[0] for remark in account.remarks] == [
        "3 records of the enriched topic are repeats",
        "1 records of the dead-letter topic are repeats",
    ]


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ((1, 999), "partition 1 offset 999: " + NO_SUCH),
        ((9, 1), "partition 9 offset 1: " + NO_SUCH),
    ],
    ids=["of an offset that does not exist", "of a partition that does not exist"],
)
def test_a_stray_dead_letter_is_named(world: World, source: tuple[int, int], detail: str) -> None:
    world.queue.append(sink_record(*source))

    account = world.account()

    assert broken(account) == {"nothing_misplaced"}
    assert examples(account, "nothing_misplaced") == [detail]


def test_an_accepted_record_in_the_dead_letter_topic_is_named(world: World) -> None:
    stray = sink_record(1, 3)
    stray.value = world.in_raw(1, 3).value
    set_header(stray, "event_id", None)
    set_header(stray, "dlq.payload.sha256", sha256(stray.value).hexdigest().encode())
    world.queue.append(stray)

    account = world.account()

    assert broken(account) == {"nothing_misplaced"}
    assert examples(account, "nothing_misplaced") == ["partition 1 offset 3: accepted, but in the dead-letter topic"]


@pytest.mark.parametrize("damage", ["source.topic_id", "source.partition", "source.offset"])
def test_a_record_without_coordinates_is_named(world: World, damage: str) -> None:
    stray = sink_record(1, 3)
    set_header(stray, damage, None)
    world.enriched.append(stray)

    account = world.account()

    assert broken(account) == {"nothing_misplaced"}
    (example,) = examples(account, "nothing_misplaced")
    assert example.endswith("partition 1 offset 103 of the enriched topic names no raw record in its source.* headers")


@pytest.mark.parametrize("offset", [b"-1; drop", b"", "٣".encode(), b"9" * 30])
def test_coordinates_that_are_no_numbers_are_none(world: World, offset: bytes) -> None:
    stray = sink_record(1, 3)
    set_header(stray, "source.offset", offset)
    world.enriched.append(stray)

    assert broken(world.account()) == {"nothing_misplaced"}


def test_a_record_of_another_topic_id_does_not_stand_for_this_one(world: World) -> None:
    set_header(world.in_enriched(1, 3), "source.topic_id", b"topic-before")

    account = world.account()

    assert broken(account) == {"accepted_sent"}


def test_a_dead_record_in_the_enriched_topic_is_named(world: World) -> None:
    world.enriched.append(sink_record(1, 2))

    assert examples(world.account(), "nothing_misplaced") == ["partition 1 offset 2: dead, but in the enriched topic"]


def test_a_record_in_another_partition_is_named(world: World) -> None:
    world.in_queue(1, 2).partition = 2

    account = world.account()

    assert broken(account) == {"partition_kept"}
    assert examples(account, "partition_kept") == ["partition 1 offset 2: lies in partition 2 of the dead-letter topic"]


def test_what_a_sink_topics_retention_deleted_is_not_missing(world: World) -> None:
    world.enriched = [r for r in world.enriched if r.partition != 1 or r.offset >= 105]
    world.queue.remove(world.in_queue(1, 2))
    world.first_offsets[ENRICHED][1] = world.first_offsets[DEAD_LETTER][1] = 42

    assert broken(world.account()) == set()


def test_retention_excuses_no_hole_in_what_is_left(world: World) -> None:
    world.enriched = [r for r in world.enriched if r.partition != 1 or r.offset in (104, 106, 107, 108, 109)]
    world.first_offsets[ENRICHED][1] = 42

    account = world.account()

    assert examples(account, "accepted_sent") == ["partition 1 offset 5: accepted, but not in the enriched topic"]
