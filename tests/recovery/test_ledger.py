"""The ledger: where the next batch must begin, and what a crash left in doubt."""

from __future__ import annotations

import json

import pytest

from pipelines.cli import ConfigurationError
from pipelines.ledger import Commit, Ledger
from pipelines.transforms.batches import Batch

TOPIC = "raw"


def batch(batch_id=1, generation="g", topic_id="t", **offsets):
    spans = {int(name[1:]): span for name, span in (offsets or {"p0": (10, 20), "p1": (5, 9)}).items()}
    return Batch(generation, batch_id, 0, topic_id, spans, "1", "r")


def commit(**changes):
    return Commit.of(batch(**changes), TOPIC)


def ledger(last, *others):
    return Ledger.of("t", last, list(others))


def test_an_empty_lake_lists_nothing_and_lets_any_batch_begin():
    assert ledger(None).ends == {}
    assert not ledger(None).lists(batch(batch_id=0, p0=(3, 8)))


def test_a_batch_that_begins_where_the_ledger_ends_is_new():
    assert not ledger(commit()).lists(batch(batch_id=2, p0=(20, 30), p1=(9, 9)))


def test_the_newest_batch_with_the_same_offsets_is_done():
    assert ledger(commit()).lists(batch())


@pytest.mark.parametrize(
    "planned",
    [
        batch(p0=(10, 25), p1=(5, 9)),  # the same number over other offsets: its offset log was lost
        batch(batch_id=2, p0=(15, 30), p1=(9, 9)),  # begins before the ledger ends
        batch(batch_id=2, p0=(21, 30), p1=(9, 9)),  # begins behind it: a gap
        batch(batch_id=0, generation="other", p0=(10, 20), p1=(5, 9)),  # another lake's checkpoint
    ],
)
def test_a_batch_that_does_not_fit_is_refused_with_both_ranges(planned):
    with pytest.raises(ConfigurationError, match=r"does not fit the tables: batch \d would .* partition 0: .* but the"):
        ledger(commit()).lists(planned)


def test_a_new_partition_may_begin_anywhere():
    assert not ledger(commit()).lists(batch(batch_id=2, p0=(20, 20), p1=(9, 9), p2=(0, 4)))


def test_nothing_is_in_doubt_when_all_tables_end_where_the_ledger_does():
    older = commit(batch_id=0, p0=(0, 10), p1=(0, 5))
    assert ledger(commit(), commit(), older).doubtful == {}


def test_what_other_tables_hold_beyond_the_ledger_is_in_doubt():
    crashed = commit(batch_id=2, p0=(20, 30), p1=(9, 12))
    found = ledger(commit(), crashed, commit())
    assert found.doubtful == {0: (20, 30), 1: (9, 12)}
    assert found.doubt_about(batch(batch_id=2, p0=(20, 30), p1=(9, 12))) == {0: (20, 30), 1: (9, 12)}


def test_a_second_crash_does_not_hide_what_the_first_attempt_wrote():
    first, second = commit(batch_id=2, p0=(20, 40), p1=(9, 9)), commit(batch_id=0, generation="new", p0=(20, 30))
    assert ledger(commit(), second, first).doubtful == {0: (20, 40)}


def test_the_first_batch_of_all_may_be_in_doubt():
    assert ledger(None, commit(batch_id=0, p0=(3, 8))).doubtful == {0: (3, 8)}


def test_a_new_generation_that_cuts_batches_otherwise_doubts_only_the_overlap():
    found = ledger(commit(), commit(batch_id=2, p0=(20, 30), p1=(9, 12)))
    first = batch(batch_id=0, generation="new", p0=(20, 24), p1=(9, 40))
    assert found.doubt_about(first) == {0: (20, 24), 1: (9, 12)}
    rest = found.after(first, TOPIC)
    assert rest.ends == {0: 24, 1: 40}
    assert rest.doubt_about(batch(batch_id=1, generation="new", p0=(24, 50), p1=(40, 41))) == {0: (24, 30)}


def test_what_is_in_doubt_is_told_on_when_the_commits_that_tell_of_it_are_old():
    """A batch of 30 was cut short, and a new checkpoint takes ten at a time: the rest stays in doubt."""
    crashed = commit(batch_id=2, p0=(20, 50), p1=(9, 9))
    now = ledger(commit(), crashed)
    for number in range(2):
        next_ = batch(batch_id=number, generation="new", p0=(20 + 10 * number, 30 + 10 * number), p1=(9, 9))
        entry = Commit.from_metadata(json.dumps(now.entry(next_, TOPIC).as_metadata()))
        assert entry == now.after(next_, TOPIC).last
        now = ledger(entry, commit(**{"batch_id": number, "generation": "new", "p0": next_.offsets[0]}))
        assert now.doubtful == {0: (30 + 10 * number, 50)}
    assert now.after(batch(batch_id=2, generation="new", p0=(40, 50), p1=(9, 12)), TOPIC).doubtful == {}


def test_doubt_about_a_topic_that_was_here_before_is_not_told_on():
    entry = Commit.of(batch(topic_id="old"), TOPIC, {0: (20, 50)})
    assert ledger(entry).doubtful == {}


@pytest.mark.parametrize("metadata", ["null", "{}", "[]", "no JSON", '{"offsets": {"0": [1]}}', '{"topic": "raw"}'])
def test_metadata_of_somebody_else_is_no_commit(metadata):
    assert Commit.from_metadata(metadata) is None


def test_a_batch_of_another_table_that_the_ledger_does_not_list_is_told():
    assert ledger(None, commit(batch_id=0), commit(batch_id=3)).unlisted == commit(batch_id=3)
    assert ledger(commit(), commit(batch_id=2)).unlisted is None


@pytest.mark.parametrize(
    ("others", "is_lost"),
    [
        ([{"batch_id": 0}, {"batch_id": 0, "generation": "new", "p0": (10, 99), "p1": (5, 6), "p2": (0, 3)}], False),
        ([{"batch_id": 0}, {"batch_id": 3}], True),
        # A new checkpoint each time: every batch is the first one of its own.
        ([{"batch_id": 0, "generation": "new", "p0": (20, 30)}, {"batch_id": 0, "p0": (10, 20)}], True),
        ([{"batch_id": 0}, {"batch_id": 0, "topic_id": "old"}], True),
    ],
    ids=["attempts at one", "a later one", "first ones of their own", "another topic's"],
)
def test_more_than_attempts_at_a_first_batch_tell_that_the_ledger_was_lost(others, is_lost):
    assert ledger(None, *(commit(**each) for each in others)).is_lost is is_lost


def test_rows_of_a_topic_that_was_here_before_put_nothing_in_doubt():
    assert ledger(commit(), commit(batch_id=7, topic_id="old", p0=(500, 600))).doubtful == {}


def test_a_commit_survives_its_way_through_metadata():
    metadata = commit().as_metadata()
    assert metadata["offsets"] == {"0": [10, 20], "1": [5, 9]}
    assert metadata["batch_id"] == 1
