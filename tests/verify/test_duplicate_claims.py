"""verify finds duplicates that repeat nothing, and events that were accepted twice."""

from __future__ import annotations

from typing import Any

import pytest
from verified_rows import document, event_row, fingerprint_of, received_at, sink_record, to_json
from verified_world import World, broken, examples

FIRST, AGAIN = (1, 0), (1, 5)


def test_a_suppressed_re_send_is_an_outcome(world: World) -> None:
    world.suppress(*AGAIN, first=FIRST)

    account = world.account(caught_up=True, horizon_seconds=5)

    assert broken(account) == set()
    assert account.total("duplicate") == 1
    assert account.remarks == []


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        ({"first_offset": 3}, "duplicate of partition 1 offset 3, which is another event"),
        ({"event_id": "event-1-5"}, "duplicate of partition 1 offset 0, which is another event"),
        ({"event_fingerprint": 7}, "duplicate of partition 1 offset 0, which is another event"),
        ({"first_offset": 2}, "duplicate of partition 1 offset 2, which events does not hold"),
        ({"first_offset": 5}, "duplicate of partition 1 offset 5, which events does not hold"),
        ({"first_offset": None}, "duplicate of no record, which events does not hold"),
    ],
    ids=["another record", "another id", "other content", "a dead record", "itself", "nothing"],
)
def test_a_duplicate_that_repeats_no_accepted_record_is_named(
    world: World, damage: dict[str, Any], detail: str
) -> None:
    world.suppress(*AGAIN, first=FIRST).update(damage)

    account = world.account()

    assert broken(account) == {"duplicates_justified"}
    assert examples(account, "duplicates_justified") == [f"partition 1 offset 5: {detail}"]


def test_a_first_copy_that_came_later_is_named(world: World) -> None:
    world.suppress(*FIRST, first=AGAIN)

    assert examples(world.account(), "duplicates_justified") == [
        "partition 1 offset 0: duplicate of partition 1 offset 5, which came later"
    ]


def test_of_two_partitions_the_later_copy_may_have_been_accepted(world: World) -> None:
    """They are read independently."""
    world.suppress(2, 5, first=(1, 6))

    assert broken(world.account(horizon_seconds=1)) == set()


@pytest.mark.parametrize(
    "change", [{"event_name": "refund"}, {"event_id": "event-1-5"}, {"items": []}], ids=["name", "id", "items"]
)
def test_raw_records_tell_whether_the_fingerprint_did(world: World, change: dict[str, Any]) -> None:
    world.suppress(*AGAIN, first=FIRST)
    world.in_raw(*AGAIN).value = to_json(document(*FIRST) | change)

    account = world.account()

    assert broken(account) == {"duplicates_justified"}
    assert examples(account, "duplicates_justified") == [
        "partition 1 offset 5: duplicate of partition 1 offset 0, whose raw record is another event"
    ]


def test_a_re_send_may_be_written_in_another_way(world: World) -> None:
    world.suppress(*AGAIN, first=FIRST)
    again = dict(reversed(document(*FIRST).items())) | {"event_id": "EVENT-1-0", "sent_at": "2026-01-01T00:00:00Z"}
    world.in_raw(*AGAIN).value = to_json(again)

    assert broken(world.account()) == set()


@pytest.mark.parametrize("topic", ["enriched", "dead-letter"])
def test_a_duplicate_in_a_sink_topic_is_named(world: World, topic: str) -> None:
    world.suppress(*AGAIN, first=FIRST)
    (world.enriched if topic == "enriched" else world.queue).append(sink_record(*AGAIN))

    assert examples(world.account(), "nothing_misplaced") == [
        f"partition 1 offset 5: duplicate, but in the {topic} topic"
    ]


def test_a_duplicate_that_kafka_never_gave_is_named(world: World) -> None:
    world.suppress(*AGAIN, first=FIRST)
    world.raw.remove(world.in_raw(*AGAIN))

    assert examples(world.account(), "nothing_invented") == ["partition 1 offset 5: in duplicates, but not in Kafka"]


def test_a_lost_row_of_duplicates_is_named(world: World) -> None:
    world.suppress(*AGAIN, first=FIRST)
    world.duplicates.clear()

    assert broken(world.account()) == {"nothing_missing", "audit_counts"}


def test_the_first_copy_may_be_of_the_topic_before(world: World) -> None:
    world.suppress(*AGAIN, first=FIRST).update({"first_partition": 7, "first_offset": 700})
    original = event_row(7, 700) | {"event_id": "event-1-0", "event_fingerprint": fingerprint_of(*FIRST)}
    world.events.append(original | {"kafka_topic_id": "topic-before"})

    account = world.account()

    assert broken(account) == set()
    assert "1 duplicates repeat a record of another topic, or of this one before it was re-created." in account.remarks


def test_a_duplicate_from_beyond_the_horizon_is_named(world: World) -> None:
    world.suppress(*AGAIN, first=FIRST)

    account = world.account(horizon_seconds=4)

    assert broken(account) == {"duplicates_in_horizon"}
    assert examples(account, "duplicates_in_horizon") == [
        "partition 1 offset 5: duplicate of partition 1 offset 0, which arrived 5 s from it"
    ]


def test_an_event_that_was_accepted_twice_within_the_horizon_is_named(world: World) -> None:
    world.send_again(*AGAIN, first=FIRST)

    account = world.account(horizon_seconds=5)

    assert broken(account) == {"accepted_once"}
    assert examples(account, "accepted_once") == [
        "partition 1 offset 5: accepted 5 s after the same event, partition 1 offset 0"
    ]


@pytest.mark.parametrize("horizon_seconds", [0, 4], ids=["no deduplication", "a horizon that is over"])
def test_beyond_the_horizon_an_event_may_be_accepted_again(world: World, horizon_seconds: int) -> None:
    world.send_again(*AGAIN, first=FIRST)

    account = world.account(horizon_seconds=horizon_seconds)

    assert broken(account) == set()
    assert account.remarks == []


def test_events_that_share_an_id_only_are_two(world: World) -> None:
    world.send_again(*AGAIN, first=FIRST)
    world.event(*AGAIN)["event_fingerprint"] = 7
    world.in_enriched(*AGAIN).value = to_json(
        document(*FIRST)
        | {"ip_address": None, "device": {"category": "mobile"}, "enrichment": {"event_fingerprint": 7}}
    )

    assert broken(world.account(horizon_seconds=3600)) == set()


def test_without_a_horizon_what_was_accepted_twice_is_a_remark(world: World) -> None:
    world.send_again(*AGAIN, first=FIRST)
    world.event(*AGAIN)["received_at"] = received_at(4.25)

    account = world.account()

    assert broken(account) == set()
    assert account.remarks == [
        "1 accepted events are the same as one accepted before; the nearest arrived 4.250 s after it. "
        "With --dedup-horizon-seconds, the job's, this is judged."
    ]
