"""verify accounts for what an operator gave up (--accept-data-loss), and only for that."""

from __future__ import annotations

import pytest
from verified_rows import TOPIC_ID, event_row, gap_row, raw_record
from verified_world import World, broken, examples

from pipelines.verification.facts import RAW


def pass_over(world: World, partition: int, offsets: range, batch: int) -> None:
    """These good records, a batch's first ones of that partition, were never processed."""
    for offset in offsets:
        world.events.remove(world.event(partition, offset))
        world.enriched.remove(world.in_enriched(partition, offset))
    audited = world.audit[batch]
    audited["offsets"][partition]["start_offset"] = offsets.stop
    audited |= {name: audited[name] - len(offsets) for name in ("records_in", "accepted")}


def delete(world: World, partition: int, offsets: range) -> None:
    """Kafka has deleted these records, and all before them."""
    for offset in offsets:
        world.raw.remove(world.in_raw(partition, offset))
    world.first_offsets[RAW][partition] = offsets.stop


@pytest.fixture
def gapped(world: World) -> World:
    """Kafka lost partition 2's records 6 and 7 before they were processed; batch 1 begins behind them."""
    pass_over(world, 2, range(6, 8), batch=1)
    delete(world, 2, range(6, 8))
    world.audit.append(gap_row((2, 6, 8)))
    return world


GIVEN_UP = "Given up by an operator: partition 2, offsets 6 to 7 (2). Reason: records were deleted."


def test_what_was_given_up_is_a_remark_and_no_gap(gapped: World) -> None:
    account = gapped.account(caught_up=True)

    assert broken(account) == set()
    assert account.remarks == [
        "Retention: Kafka has deleted partition 2's records 0 to 7; "
        "they were processed (but for 2 that were given up), and cannot be compared any more.",
        GIVEN_UP,
    ]
    assert account.total("given") == account.total("accepted") + account.total("dead") == 20 + 2


def test_what_nobody_gave_up_is_a_gap(gapped: World) -> None:
    gapped.audit.pop()

    assert examples(gapped.account(), "audit_gapless") == ["partition 2 offset 8: no batch took the offsets 6 to 7"]


def test_more_than_was_given_up_is_a_gap(gapped: World) -> None:
    gapped.audit[-1] = gap_row((2, 6, 7))

    assert examples(gapped.account(), "audit_gapless") == ["partition 2 offset 8: no batch took the offsets 7 to 7"]


def test_offsets_that_were_given_up_and_processed_are_named(gapped: World) -> None:
    gapped.audit[-1] = gap_row((2, 5, 8))

    assert examples(gapped.account(), "audit_gapless") == ["partition 2 offset 5: given up are offsets again, up to 5"]


def test_records_that_kafka_still_has_may_be_given_up(gapped: World) -> None:
    gapped.raw += [raw_record(2, 6), raw_record(2, 7)]
    gapped.first_offsets[RAW][2] = 0

    account = gapped.account(caught_up=True)

    assert broken(account) == set()
    assert account.total("given") == 28
    assert account.remarks == [GIVEN_UP]


def test_a_batch_in_hand_when_its_records_went_is_no_error(gapped: World) -> None:
    """The job died between tables and Kafka, and could not read the records again."""
    gapped.events.append(event_row(2, 6))

    account = gapped.account()

    assert broken(account) == set()
    assert account.total("accepted") == 18


def test_a_gap_at_the_end_is_no_lag(gapped: World) -> None:
    gapped.audit.append(gap_row((1, 10, 15), (0, 10, 10)))
    gapped.raw.append(raw_record(1, 15))

    account = gapped.account()

    assert broken(account) == set()
    assert account.total("lag") == 1
    assert GIVEN_UP.replace(":", ": partition 1, offsets 10 to 14 (5);", 1) in account.remarks


def test_what_was_given_up_of_the_topic_before_disturbs_nothing(world: World) -> None:
    world.audit.append(gap_row((0, 3, None), (1, 1200, None), topic_id="topic-before"))

    account = world.account(caught_up=True)

    assert TOPIC_ID != "topic-before"
    assert broken(account) == set()
    assert account.remarks == [
        "Given up by an operator, of a topic before this one: partition 0, offsets 3 on; "
        "partition 1, offsets 1,200 on (nobody knows how many). Reason: records were deleted."
    ]
    assert not any("Given up" in remark for remark in world.account(offsets=["0:3-5"]).remarks)


def test_nothing_of_the_present_topic_is_given_up_without_an_end(world: World) -> None:
    world.audit.append(gap_row((1, 10, None)))

    assert examples(world.account(), "audit_gapless") == [
        "partition 1 offset 10: given up without an end, but the topic is still there"
    ]


def test_a_lake_without_the_columns_of_gaps_is_read(world: World) -> None:
    for row in world.audit:
        del row["kind"], row["reason"]

    assert broken(world.account()) == set()


def test_batches_of_an_older_release_have_no_kind(world: World) -> None:
    for row in world.audit:
        row["kind"] = None

    assert broken(world.account()) == set()


def test_records_before_all_that_the_audit_knows_are_missing(world: World) -> None:
    """A partition whose first records no batch took: nothing precedes what the audit lists of it."""
    pass_over(world, 1, range(2), batch=0)

    account = world.account(caught_up=True)

    assert broken(account) == {"nothing_missing"}
    assert [example.split(":")[0] for example in examples(account, "nothing_missing")] == [
        "partition 1 offset 0",
        "partition 1 offset 1",
    ]


def test_what_was_gone_before_the_first_batch_is_not_missing(world: World) -> None:
    pass_over(world, 1, range(2), batch=0)
    delete(world, 1, range(2))

    assert broken(world.account(caught_up=True)) == set()
