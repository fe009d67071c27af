"""verify --offsets looks at some raw records only."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from kafka import TopicPartition
from verified_rows import dead_letter_row, event_row, gap_row, sink_record
from verified_world import World, broken, examples

from pipelines.cli import ConfigurationError, run
from pipelines.verification.facts import DEAD_LETTER, ENRICHED
from pipelines.verification.kafka_records import rounds_of
from pipelines.verification.offsets import UNBOUNDED, Selection
from pipelines.verify import main


@pytest.mark.parametrize(
    ("texts", "ranges"),
    [
        (["2:100-249"], {2: ((100, 250),)}),
        (["2:100-"], {2: ((100, UNBOUNDED),)}),
        (["2:-249"], {2: ((0, 250),)}),
        (["2:-"], {2: ((0, UNBOUNDED),)}),
        (["2:5-5", "1:3-4"], {1: ((3, 5),), 2: ((5, 6),)}),
        (["2:5-9", "2:20-", "2:10-12", "2:1-6"], {2: ((1, 13), (20, UNBOUNDED))}),
        ([], None),
    ],
)
def test_ranges_are_read_as_people_write_them(texts: list[str], ranges: object) -> None:
    assert Selection.parse(texts).ranges == ranges


@pytest.mark.parametrize(
    "text", ["", "2", "2:", "2:5", "-1:5-6", "2:6-5", "2:5-6-7", "2:5,7", "a:1-2", "2:1e3-", "٢:1-2"]
)
def test_what_is_no_range_ends_in_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(main, ["--offsets", text]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: --offsets {text}: expected PARTITION:FIRST-LAST")


def test_help_says_that_the_last_one_is_included() -> None:
    assert "the last one included" in " ".join(CliRunner().invoke(main, ["--help"]).output.split())


def test_only_what_is_selected_is_read_of_raw() -> None:
    bounds = {TopicPartition("raw", p): (10, 50) for p in range(3)}
    selection = Selection.parse(["1:-19", "1:30-39", "1:90-", "2:45-"])

    assert rounds_of(bounds, selection) == [
        {TopicPartition("raw", 1): (10, 20), TopicPartition("raw", 2): (45, 50)},
        {TopicPartition("raw", 1): (30, 40)},
    ]
    assert rounds_of(bounds, Selection()) == [bounds]


def test_a_sound_range_is_proven_and_counted(world: World) -> None:
    account = world.account(offsets=["1:2-7"], with_manifest=True, caught_up=True)

    assert broken(account) == set()
    assert [(p.partition, p.first, p.end, p.given, p.dead) for p in account.partitions] == [(1, 2, 8, 6, 1)]
    assert account.remarks == [
        "Only the given offsets were looked at: partition 1: 2 to 7.",
        "2 of 2 batches lie outside, at least in part: not counted again.",
    ]


@pytest.mark.parametrize("offsets", ["1:4-4", "1:4-", "1:-4"])
def test_damage_inside_is_named(world: World, offsets: str) -> None:
    world.events.remove(world.event(1, 4))

    assert examples(world.account(offsets=[offsets]), "nothing_missing") == [
        "partition 1 offset 4: in none of events, dead_letters, duplicates"
    ]


def damage(world: World) -> None:
    """Something of every kind, all of it about offsets from 5 on."""
    world.events.remove(world.event(1, 5))
    world.events.append(event_row(1, 99))
    world.dead_letters.append(dead_letter_row(1, 6, "NOT_JSON"))
    world.enriched.remove(world.in_enriched(1, 8))
    world.queue.append(sink_record(1, 7))
    world.sent(1, 9)["sha256"] = "00" * 32
    world.duplicates.append({"kafka_partition": 1, "kafka_offset": 9, "kafka_topic_id": "topic-now"})
    world.audit[1]["offsets"][1]["start_offset"] += 1
    world.audit[1]["late"] += 1


def test_damage_outside_is_not_looked_at(world: World) -> None:
    damage(world)

    assert broken(world.account(offsets=["1:-4", "0:-"], with_manifest=True)) == set()
    assert len(broken(world.account(offsets=["1:5-"], with_manifest=True))) > 5


def test_a_gap_of_the_audit_concerns_the_ranges_that_it_touches(world: World) -> None:
    world.audit[1]["offsets"][1]["start_offset"] = 8

    assert "audit_gapless" in broken(world.account(offsets=["1:7-9"]))
    assert "audit_gapless" not in broken(world.account(offsets=["1:8-9", "1:-5"]))


def test_batches_that_lie_inside_are_counted_again(world: World) -> None:
    world.audit[1]["late"] += 1

    assert "audit_counts" in broken(world.account(offsets=[f"{p}:6-9" for p in (0, 1, 2)]))
    assert broken(world.account(offsets=[f"{p}:7-9" for p in (0, 1, 2)])) == set()


def test_a_first_copy_may_lie_outside(world: World) -> None:
    world.suppress(1, 5, first=(1, 0))

    assert broken(world.account(offsets=["1:5-5"], horizon_seconds=5)) == set()


def test_a_first_copy_that_lies_nowhere_is_named(world: World) -> None:
    world.suppress(1, 5, first=(1, 0))
    world.events.remove(world.event(1, 0))

    assert broken(world.account(offsets=["1:5-5"])) == {"duplicates_justified"}


def test_retention_of_a_sink_excuses_nothing_that_is_selected_and_left(world: World) -> None:
    """How far a sink reaches back shows in all its records, not only in the selected ones."""
    world.first_offsets[ENRICHED][1] = world.first_offsets[DEAD_LETTER][1] = 42
    world.enriched = [r for r in world.enriched if r.partition != 1 or r.offset in (101, 105, 106)]

    assert examples(world.account(offsets=["1:4-6"]), "accepted_sent") == [
        "partition 1 offset 4: accepted, but not in the enriched topic"
    ]


def test_what_was_given_up_elsewhere_is_not_mentioned(world: World) -> None:
    world.audit.append(gap_row((1, 10, 15)))

    assert not any("Given up" in remark for remark in world.account(offsets=["1:-9"]).remarks)
    assert any("Given up" in remark for remark in world.account(offsets=["1:14-"]).remarks)


def test_the_message_of_a_bad_range_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        Selection.parse(["x"])
