"""verify finds what is missing, doubled, invented or miscounted in the tables."""

from __future__ import annotations

import pytest
from verified_rows import PARTITIONS, RECORDS, TOPIC_ID, audit_row, dead_letter_row, event_row, raw_record, sink_record
from verified_world import World, broken, examples

from pipelines.verification.facts import RAW


def test_a_world_in_which_nothing_was_lost_is_proven(world: World) -> None:
    account = world.account(with_manifest=True, caught_up=True)

    assert broken(account) == set()
    assert account.proven
    assert account.remarks == []
    assert {name: account.total(name) for name in ("given", "accepted", "dead", "duplicate", "lag")} == {
        "given": 30, "accepted": 26, "dead": 4, "duplicate": 0, "lag": 0,
    }  # fmt: skip


def test_a_record_without_an_outcome_is_named(world: World) -> None:
    world.events.remove(world.event(1, 5))

    account = world.account()

    assert broken(account) == {"nothing_missing", "audit_counts"}
    assert examples(account, "nothing_missing") == ["partition 1 offset 5: in none of events, dead_letters, duplicates"]


def test_a_lost_dead_letter_is_named(world: World) -> None:
    world.dead_letters.remove(world.dead_letter(0, 1))

    account = world.account()

    assert broken(account) == {"nothing_missing", "audit_counts", "audit_failures"}
    assert examples(account, "audit_failures") == ["batch 0 (generation generati): NOT_JSON says 1, found 0"]


def test_a_row_written_twice_is_named(world: World) -> None:
    world.events.append(world.event(2, 3))

    account = world.account()

    assert broken(account) == {"nothing_doubled", "audit_counts"}
    assert examples(account, "nothing_doubled") == ["partition 2 offset 3: rows in events, events"]


def test_a_record_with_two_outcomes_is_named(world: World) -> None:
    world.dead_letters.append(dead_letter_row(2, 3, "NOT_JSON"))

    account = world.account()

    assert "nothing_doubled" in broken(account)
    assert examples(account, "nothing_doubled") == ["partition 2 offset 3: rows in dead_letters, events"]


@pytest.mark.parametrize("offset", [RECORDS - 1, RECORDS + 50], ids=["inside", "beyond the end"])
def test_a_row_that_kafka_never_gave_is_named(world: World, offset: int) -> None:
    world.raw = [r for r in world.raw if (r.partition, r.offset) != (1, offset)]
    if offset >= RECORDS:
        world.events.append(event_row(1, offset))

    account = world.account()

    assert examples(account, "nothing_invented") == [f"partition 1 offset {offset}: in events, but not in Kafka"]


def test_a_gap_between_batches_is_named(world: World) -> None:
    world.audit[1]["offsets"][2]["start_offset"] += 2

    account = world.account()

    assert examples(account, "audit_gapless") == ["partition 2 offset 8: no batch took the offsets 6 to 7"]
    assert "everything_audited" in broken(account)


def test_offsets_that_two_batches_took_are_named(world: World) -> None:
    world.audit[1]["offsets"][2]["start_offset"] -= 2

    account = world.account()

    assert examples(account, "audit_gapless") == ["partition 2 offset 4: batch 1 takes offsets again, up to 5"]


@pytest.mark.parametrize("figure", ["records_in", "accepted", "dead", "duplicate", "late"])
def test_a_miscounted_batch_is_named(world: World, figure: str) -> None:
    world.audit[1][figure] += 1

    account = world.account()

    assert broken(account) == {"audit_counts"}
    (example,) = examples(account, "audit_counts")
    assert example.startswith(f"batch 1 (generation generati): {figure} says {world.audit[1][figure]}, found ")


def test_a_failure_type_that_is_missing_from_the_audit_is_named(world: World) -> None:
    world.audit[1]["failures"] = world.audit[1]["failures"][1:]

    account = world.account()

    assert broken(account) == {"audit_failures"}
    assert examples(account, "audit_failures") == ["batch 1 (generation generati): EMPTY_VALUE says 0, found 1"]


def test_one_batch_in_hand_is_a_remark(world: World) -> None:
    """Tables are written before the audit: a running job has one such batch."""
    world.audit.pop()

    account = world.account()

    assert broken(account) == set()
    assert account.total("lag") == 12
    assert account.remarks == ["12 rows belong to a batch in hand, which batch_audit does not list yet."]


def test_a_second_batch_that_is_not_audited_is_named(world: World) -> None:
    world.audit.pop()
    world.event(0, 9)["batch_id"] = 2

    account = world.account()

    assert broken(account) == {"everything_audited"}
    assert examples(account, "everything_audited")[0] == (
        "partition 0 offset 6: in events by batch 1, which batch_audit does not list"
    )


def test_records_that_wait_are_lag_and_only_on_demand_a_failure(world: World) -> None:
    world.raw.append(raw_record(1, RECORDS))

    assert world_is_behind_by(world, caught_up=False) == (1, set())


def test_records_that_wait_fail_where_none_may(world: World) -> None:
    world.raw.append(raw_record(1, RECORDS))

    assert world_is_behind_by(world, caught_up=True) == (1, {"caught_up"})


def world_is_behind_by(world: World, *, caught_up: bool) -> tuple[int, set[str]]:
    account = world.account(caught_up=caught_up)
    return account.total("lag"), broken(account)


def test_an_empty_lake_beside_a_full_topic_proves_nothing(world: World) -> None:
    world.events, world.dead_letters, world.audit, world.enriched, world.queue = [], [], [], [], []

    assert broken(world.account()) == {"processed"}


def test_a_pipeline_that_was_given_nothing_yet_is_fine(world: World) -> None:
    world.raw, world.events, world.dead_letters, world.audit, world.enriched, world.queue = [], [], [], [], [], []

    assert broken(world.account()) == set()


def test_what_retention_deleted_is_a_remark(world: World) -> None:
    world.raw = [r for r in world.raw if r.partition != 1 or r.offset >= 4]
    world.first_offsets[RAW][1] = 4

    account = world.account()

    assert broken(account) == set()
    assert account.total("given") == len(PARTITIONS) * RECORDS - 4
    assert account.remarks == [
        "Retention: Kafka has deleted partition 1's records 0 to 3; "
        "they were processed, and cannot be compared any more."
    ]


def test_offsets_of_transaction_markers_and_aborted_records_are_no_gap(world: World) -> None:
    world.raw = [r for r in world.raw if (r.partition, r.offset) != (1, 5)]
    world.events.remove(world.event(1, 5))
    world.enriched = [r for r in world.enriched if (r.partition, r.offset) != (1, 105)]
    world.audit[0] |= {name: world.audit[0][name] - 1 for name in ("records_in", "accepted")}

    assert broken(world.account()) == set()


def test_a_later_generation_continues_the_first(world: World) -> None:
    world.audit[1] |= {"generation": "generation-2", "batch_id": 0}

    assert broken(world.account()) == set()


def test_rows_of_a_topic_that_was_re_created_are_left_out(world: World) -> None:
    world.events.append({**world.event(1, 5), "kafka_topic_id": "topic-before"})
    world.audit.append({**audit_row(7, 0, 500), "kafka_topic_id": "topic-before"})
    world.enriched.append(sink_record(1, 5, topic_id="topic-before"))

    account = world.account()

    assert TOPIC_ID != "topic-before"
    assert broken(account) == set()
    assert [remark.split(" are left out")[0] for remark in account.remarks] == [
        "1 rows of events",
        "1 rows of enriched_records",
    ]


def test_what_an_earlier_checkpoint_left_in_a_crash_may_lie_beside_the_batch_in_hand(world: World) -> None:
    """Generation 1 died in its batch 1 after events; generation 2 writes the rest as its batch 0."""
    world.audit.pop()
    for row in world.dead_letters:
        row["batch_id"] = 0
    for partition in PARTITIONS:
        world.event(partition, RECORDS - 2)["batch_id"] = 0

    account = world.account()

    assert broken(account) == set()
    assert account.remarks == ["12 rows belong to a batch in hand, which batch_audit does not list yet."]


def test_what_an_earlier_checkpoint_wrote_is_counted_where_its_offsets_are_listed(world: World) -> None:
    world.audit[1] |= {"generation": "generation-2", "batch_id": 0}
    for row in world.events + world.dead_letters:
        row["batch_id"] = 7 if row["kafka_offset"] in (6, 7) else 0

    assert broken(world.account()) == set()
