"""What the tables' own logs tell of where they end: also after many commits, and when a log has forgotten."""

from __future__ import annotations

import json

import pytest
from processes import run


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory):
    """Case → its ledger."""
    folder = tmp_path_factory.mktemp("ledgers")
    run("kept_ledgers.py", folder)
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_a_fresh_lake_has_none(ledgers):
    assert ledgers["fresh"] == {"last": None, "doubtful": {}, "unlisted": None, "is_lost": False}


def test_what_a_batch_left_in_doubt_stays_so_however_many_commits_follow(ledgers):
    """The commit that told of it is none of the newest any more."""
    found = ledgers["many_commits_later"]
    assert found["last"]["offsets"]["0"] == [110, 120]
    assert found["doubtful"] == {"0": [120, 500]}


def test_rows_tell_what_the_log_has_forgotten(ledgers):
    last = ledgers["forgotten"]["last"]
    assert (last["generation"], last["batch_id"], last["topic_id"]) == ("g", 1, "t")
    assert last["offsets"] == {"0": [10, 30], "1": [7, 7]}


def test_rows_tell_of_an_accepted_gap_too(ledgers):
    last = ledgers["forgotten_behind_a_gap"]["last"]
    assert (last["batch_id"], last["offsets"]) == (None, {"0": [25, 25], "1": [7, 7]})


@pytest.mark.parametrize("case", ["restored", "restored_and_merged"])
def test_a_ledger_that_was_restored_ends_where_its_rows_end(ledgers, case):
    last = ledgers[case]["last"]
    assert (last["batch_id"], last["offsets"]["0"]) == (1, [10, 20])


def test_what_was_written_after_a_restore_counts(ledgers):
    last = ledgers["restored_and_continued"]["last"]
    assert (last["generation"], last["offsets"]["0"]) == ("new", [20, 25])


def test_other_tables_tell_that_a_ledger_is_missing(ledgers):
    assert ledgers["ledger_lost"]["last"] is None
    assert ledgers["ledger_lost"]["unlisted"]["batch_id"] == 4
    assert ledgers["ledger_lost"]["is_lost"]
