"""Where the stream begins, and when it refuses to."""

from __future__ import annotations

import json

import pytest

from pipelines.checkpoint import CheckpointState
from pipelines.cli import ConfigurationError, StoppedByPolicy
from pipelines.ledger import Commit, Ledger
from pipelines.starting import after, as_spark, decide, find_gap, gap_stop

KAFKA = {0: (0, 100), 1: (0, 100)}
EMPTY = Ledger()


def ledger(end=50, batch_id=4, generation="g", topic_id="t", start=40):
    return Ledger(Commit("raw", topic_id, generation, batch_id, {0: (start, end), 1: (start, end)}))


def checkpoint(planned=4, committed=4, start=40, end=50, generation="g"):
    return CheckpointState(generation, planned, committed, {0: start, 1: start}, {0: end, 1: end})


def test_an_empty_lake_without_checkpoint_begins_at_the_earliest_offset():
    assert as_spark(decide(EMPTY, None, KAFKA), "raw", KAFKA) == "earliest"


def test_a_new_checkpoint_goes_on_where_the_tables_end():
    kafka = {**KAFKA, 2: (0, 7)}
    start = decide(ledger(), None, kafka)
    assert json.loads(as_spark(start, "raw", kafka)) == {"raw": {"0": 50, "1": 50, "2": -2}}


@pytest.mark.parametrize(
    "state",
    [
        checkpoint(),  # stopped in good order
        checkpoint(planned=5, start=50, end=70),  # batch 5 was planned, nothing of it is listed
        checkpoint(planned=4, committed=3),  # batch 4 is everywhere, but its commit file is missing
    ],
)
def test_a_checkpoint_that_fits_the_tables_goes_on(state):
    assert decide(ledger(), state, KAFKA) == {}


@pytest.mark.parametrize(
    ("tables", "state"),
    [
        (ledger(), checkpoint(planned=3, committed=3, start=30, end=40)),  # offsets/4 and commits/4 were lost
        (ledger(), checkpoint(planned=5, committed=5, start=50, end=60)),  # the tables were restored
        (ledger(), checkpoint(planned=0, committed=None, start=0, end=50, generation="other")),  # another lake's
        (EMPTY, checkpoint()),  # an empty lake
        (ledger(), CheckpointState("g", None, None, {0: 0, 1: 0}, {})),  # Spark has noted other starts already
    ],
)
def test_a_checkpoint_that_contradicts_the_tables_is_refused(tables, state):
    with pytest.raises(ConfigurationError, match="tables"):
        decide(tables, state, KAFKA)


def test_a_checkpoint_that_planned_nothing_yet_begins_where_the_tables_end():
    state = CheckpointState("g", None, None, {}, {})
    assert decide(ledger(), state, KAFKA) == {0: 50, 1: 50}


def test_a_checkpoint_that_noted_the_right_starts_goes_on():
    assert decide(ledger(), CheckpointState("g", None, None, {0: 50, 1: 50}, {}), KAFKA) == {}


def test_there_is_no_gap_while_kafka_has_what_comes_next():
    assert find_gap(ledger(), checkpoint(), "t", {0: (50, 100), 1: (10, 50)}) is None
    assert find_gap(EMPTY, None, "t", {0: (30, 100)}) is None


def test_retention_that_was_faster_is_a_gap_per_partition():
    gap = find_gap(ledger(), checkpoint(), "t", {0: (61, 100), 1: (50, 100)})
    assert gap is not None
    assert gap.lost == {0: (50, 61)}
    assert "11 offsets (partition 0: 50 to 60)" in str(gap_stop(gap).message)
    assert gap_stop(gap).exit_code == 3


def test_the_first_batch_which_was_planned_but_not_written_can_have_a_gap_too():
    gap = find_gap(EMPTY, checkpoint(planned=0, committed=None, start=5, end=9), "t", {0: (6, 9), 1: (5, 9)})
    assert gap is not None
    assert gap.lost == {0: (5, 6)}


def test_a_topic_that_was_created_again_is_a_gap_of_unknown_size():
    gap = find_gap(ledger(), checkpoint(), "new", {0: (0, 1000), 1: (0, 0)})
    assert gap is not None
    assert gap.lost == {0: (50, None), 1: (50, None)}
    assert gap.topic_id == "t"
    assert "deleted and created again" in str(gap)


def test_a_log_that_was_cut_back_cannot_go_on():
    with pytest.raises(StoppedByPolicy, match="partition 1 at 49 of 50"):
        find_gap(ledger(), checkpoint(), "t", {0: (0, 50), 1: (0, 49)})


def test_a_log_that_was_cut_back_into_a_batch_that_was_written_in_part_cannot_go_on():
    """The tables may have decided offsets that Kafka would give to other records."""
    doubt = Ledger(ledger().last, {0: (50, 60)})
    with pytest.raises(StoppedByPolicy, match="partition 0 at 55 of 60"):
        find_gap(doubt, checkpoint(planned=5, committed=4, start=50, end=60), "t", {0: (0, 55), 1: (0, 50)})
    assert find_gap(doubt, checkpoint(planned=5, committed=4, start=50, end=60), "t", {0: (0, 60), 1: (0, 50)}) is None


@pytest.mark.parametrize("tables", [EMPTY, ledger()])
def test_a_planned_batch_that_kafka_does_not_have_any_more_names_the_way_out(tables):
    """Nothing of it is written: a new checkpoint is enough."""
    number, start = (5, 50) if tables.last else (0, 0)
    state = checkpoint(planned=number, committed=4 if number else None, start=start, end=70)
    kafka = {0: (0, 60), 1: (0, 100)}
    assert find_gap(tables, state, "t", kafka) is None
    with pytest.raises(ConfigurationError, match=r"up to partition 0: 70, but Kafka ends at partition 0: 60.*Move"):
        decide(tables, state, kafka)
    assert decide(tables, None, kafka) == tables.ends


def test_a_partition_that_grew_and_lost_its_first_records_is_a_gap():
    kafka = {0: (0, 100), 1: (0, 100), 2: (500, 700)}
    for tables, state in ((ledger(), checkpoint()), (ledger(), None), (EMPTY, checkpoint(0, None, 0, 9))):
        gap = find_gap(tables, state, "t", kafka)
        assert gap is not None
        assert gap.lost == {2: (0, 500)}
    assert find_gap(EMPTY, None, "t", kafka) is None


def unlisted(batch_id=0, topic_id="t"):
    commit = Commit("raw", topic_id, "g", batch_id, {0: (3, 9), 1: (0, 0)})
    return Ledger.of("t", None, [commit])


def test_a_first_batch_in_doubt_begins_again_where_it_began():
    assert find_gap(unlisted(), None, "t", KAFKA) is None
    gap = find_gap(unlisted(), None, "t", {0: (5, 100), 1: (0, 0)})
    assert gap is not None
    assert gap.lost == {0: (3, 5)}


def test_a_topic_that_was_created_again_after_a_first_batch_in_doubt_is_noticed():
    gap = find_gap(unlisted(topic_id="old"), checkpoint(0, None, 3, 9), "t", KAFKA)
    assert gap is not None
    assert (gap.topic_id, gap.lost) == ("old", {0: (3, None), 1: (0, None)})


def test_without_its_ledger_nobody_knows_where_the_tables_end():
    with pytest.raises(ConfigurationError, match=r"batch_audit lists nothing of raw, but other tables have more of it"):
        find_gap(unlisted(batch_id=7), None, "t", KAFKA)


def test_what_was_in_doubt_behind_an_accepted_gap_stays_so():
    kafka = {0: (61, 100), 1: (10, 100)}
    doubt = Ledger(ledger().last, {0: (50, 80), 1: (50, 55)})
    gap = find_gap(doubt, None, "t", kafka)
    assert gap is not None
    assert after(gap, doubt, "raw", "t", kafka).doubtful == {0: (61, 80), 1: (50, 55)}


def test_behind_an_accepted_gap_the_tables_end_at_what_kafka_has():
    kafka = {0: (61, 100), 1: (10, 100), 2: (0, 3)}
    gap = find_gap(ledger(), None, "t", kafka)
    assert gap is not None
    assert after(gap, ledger(), "raw", "t", kafka).ends == {0: 61, 1: 50, 2: 0}


def test_behind_a_topic_created_again_the_new_one_is_read_from_its_beginning():
    kafka = {0: (3, 9), 1: (0, 0)}
    gap = find_gap(ledger(), None, "new", kafka)
    assert gap is not None
    now = after(gap, ledger(), "raw", "new", kafka)
    assert (now.topic_id, now.ends) == ("new", {0: 3, 1: 0})
