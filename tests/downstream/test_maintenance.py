"""Maintenance on small local lakes: what it may touch, what it leaves alone, and when it must not begin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable
from lakes import PARTITION, TODAY, age, append, contents, day, files, named_files, small_lake

from pipelines import cli
from pipelines import maintain as command
from pipelines.clients import S3Settings
from pipelines.lake import BATCH_AUDIT, DEAD_LETTERS, DUPLICATES, EVENTS, TABLES, Lake
from pipelines.lease import Lease, LeaseLost
from pipelines.maintain import Maintenance, Policy, maintain, preview
from pipelines.maintenance.stored import StoredFiles


def care(lake: Lake, **policy) -> dict:
    """Maintain; table → report."""
    return {each.name: each for each in maintain(lake, S3Settings(), Policy(TODAY, **policy))}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return small_lake(tmp_path / "lake")


def test_no_row_changes(lake: Lake) -> None:
    before = {table: contents(lake, table) for table in TABLES}
    care(lake)
    assert {table: contents(lake, table) for table in TABLES} == before


def test_small_files_of_days_that_are_over_become_one_and_todays_stay(lake: Lake) -> None:
    care(lake)
    counts = {
        table: {str(uri).split("/")[-2]: 0 for uri in DeltaTable(lake.path(table)).file_uris()} for table in TABLES
    }
    for table, places in counts.items():
        for uri in DeltaTable(lake.path(table)).file_uris():
            places[uri.split("/")[-2]] += 1
    assert counts[EVENTS] == {f"load_date={TODAY}": 3, f"load_date={day(1)}": 1}
    assert counts[DEAD_LETTERS] == {f"dlq_date={TODAY}": 3, f"dlq_date={day(1)}": 1}
    assert (counts[DUPLICATES], counts[BATCH_AUDIT]) == ({DUPLICATES: 1}, {BATCH_AUDIT: 1})


def test_files_that_were_replaced_stay_for_readers_until_their_retention_is_over(lake: Lake) -> None:
    before = files(lake, BATCH_AUDIT)
    care(lake)
    age(lake, BATCH_AUDIT, days=6.9)
    assert care(lake)[BATCH_AUDIT].removed == 0
    assert files(lake, BATCH_AUDIT) > before
    age(lake, BATCH_AUDIT, days=0.2)
    assert care(lake)[BATCH_AUDIT].removed == 3
    assert files(lake, BATCH_AUDIT) == named_files(lake, BATCH_AUDIT)
    assert care(lake)[BATCH_AUDIT].removed == 0


def test_what_a_crash_left_behind_goes_when_it_is_old(lake: Lake) -> None:
    folder = Path(lake.path(EVENTS), f"load_date={day(1)}")
    (folder / "crashed.parquet").write_bytes(b"x" * 7)
    assert care(lake)[EVENTS].removed == 0
    age(lake, EVENTS, days=7.1)
    (folder / "just-being-written.parquet").write_bytes(b"x")
    assert care(lake)[EVENTS].removed_bytes > 7
    assert {"crashed.parquet", "just-being-written.parquet"} & files(lake, EVENTS) == {"just-being-written.parquet"}


def test_dead_letters_past_their_retention_are_deleted(lake: Lake) -> None:
    for days_ago in (29, 30, 31, 400):
        append(lake, DEAD_LETTERS, days_ago)
    before = contents(lake, DEAD_LETTERS)
    assert care(lake)[DEAD_LETTERS].expired == 6
    assert contents(lake, DEAD_LETTERS) == [row for row in before if row["dlq_date"] >= day(30)]
    assert care(lake)[DEAD_LETTERS].expired == 0


def test_dead_letters_without_a_retention_stay(lake: Lake) -> None:
    append(lake, DEAD_LETTERS, 400)
    assert care(lake, dead_letter_retention_days=0)[DEAD_LETTERS].expired == 0
    assert len(contents(lake, DEAD_LETTERS)) == 21


def test_events_have_no_retention(lake: Lake) -> None:
    append(lake, EVENTS, 400)
    assert care(lake)[EVENTS].expired == 0
    assert len(contents(lake, EVENTS)) == 21


def test_a_second_run_changes_nothing(lake: Lake) -> None:
    care(lake)
    versions = {table: DeltaTable(lake.path(table)).version() for table in TABLES}
    care(lake)
    assert {table: DeltaTable(lake.path(table)).version() for table in TABLES} == versions


def test_a_table_that_was_left_alone_for_weeks_keeps_its_log(lake: Lake) -> None:
    """delta-rs would clean the log, and with the stream's last commit the job would forget where it ended."""
    each_commit = {"delta.checkpointInterval": "1", "delta.logRetentionDuration": "interval 16 days"}
    for table in TABLES:
        DeltaTable(lake.path(table)).alter.set_table_properties(each_commit)
        append(lake, table, days_ago=17, batch=9)
        age(lake, table, days=17)
    before = {table: set(Path(lake.path(table), "_delta_log").iterdir()) for table in TABLES}
    report = care(lake, dead_letter_retention_days=7)
    assert {table: set(Path(lake.path(table), "_delta_log").iterdir()) >= before[table] for table in TABLES} == (
        dict.fromkeys(TABLES, True)
    )
    assert (report[DEAD_LETTERS].expired, report[DEAD_LETTERS].removed) == (3, 0)


def test_its_commits_say_that_they_are_none_of_the_streams(lake: Lake) -> None:
    append(lake, DEAD_LETTERS, 400)
    care(lake, vacuum_retention_hours=0)
    told = {
        commit["operation"]: json.loads(commit["userMetadata"])
        for commit in DeltaTable(lake.path(DEAD_LETTERS)).history()
        if commit["operation"] != "WRITE"
    }
    assert {told[name]["maintenance"] for name in ("DELETE", "OPTIMIZE")} == {"retention", "optimize"}


def test_a_preview_says_what_would_be_done_and_changes_nothing(lake: Lake) -> None:
    append(lake, DEAD_LETTERS, 400)
    (Path(lake.path(EVENTS)) / "crashed.parquet").write_bytes(b"x" * 7)
    age(lake, EVENTS, days=8)
    before = {table: (DeltaTable(lake.path(table)).version(), files(lake, table)) for table in TABLES}
    said = {each.name: each for each in preview(lake, S3Settings(), Policy(TODAY))}
    assert {table: (DeltaTable(lake.path(table)).version(), files(lake, table)) for table in TABLES} == before
    assert (said[DEAD_LETTERS].expired, said[DEAD_LETTERS].fewer) == (3, 2)
    assert (said[EVENTS].removed, said[EVENTS].removed_bytes) == (1, 7)


def test_after_the_lease_is_lost_nothing_more_is_written(lake: Lake) -> None:
    checks = iter([None, None])

    def allowed() -> None:
        if next(checks, "lost") == "lost":
            raise LeaseLost("somebody else")

    work = Maintenance(Policy(TODAY), StoredFiles(lake, S3Settings()), allowed)
    tables = {table: DeltaTable(lake.path(table)) for table in TABLES}
    work.care(DUPLICATES, tables[DUPLICATES])
    work.care(BATCH_AUDIT, tables[BATCH_AUDIT])
    version = tables[EVENTS].version()
    with pytest.raises(LeaseLost):
        work.care(EVENTS, tables[EVENTS])
    assert DeltaTable(lake.path(EVENTS)).version() == version


def test_a_stop_lets_the_step_in_hand_finish_and_leaves_the_rest(lake: Lake) -> None:
    append(lake, DEAD_LETTERS, 400)
    work = Maintenance(Policy(TODAY), StoredFiles(lake, S3Settings()), lambda: None)
    work.say = lambda line: setattr(work, "stop_requested", True)
    report = work.care(DEAD_LETTERS, DeltaTable(lake.path(DEAD_LETTERS)))
    assert (report.expired, report.fewer, report.removed) == (3, 0, 0)


def run(*arguments: str) -> int:
    return cli.run(command.main, [*arguments])


def test_a_job_that_holds_the_lease_keeps_it_out_but_not_its_preview(lake: Lake, capsys) -> None:
    lease = Lease.acquire(lake.uri, S3Settings(), "LAKE_URI", warn=print)
    try:
        assert run("--lake", lake.uri) == 3
        assert "is in use by" in capsys.readouterr().err
        assert run("--lake", lake.uri, "--dry-run") == 0
    finally:
        lease.release()
    assert named_files(lake, BATCH_AUDIT) == files(lake, BATCH_AUDIT)


def test_a_short_retention_must_be_asked_for_twice(lake: Lake, capsys) -> None:
    assert run("--lake", lake.uri, "--vacuum-retention-hours", "24") == 2
    assert "--allow-short-retention" in capsys.readouterr().err
    assert run("--lake", lake.uri, "--vacuum-retention-hours", "24", "--allow-short-retention") == 0


def test_a_place_that_is_no_lake_is_refused_and_stays_as_it_was(tmp_path: Path, capsys) -> None:
    assert run("--lake", str(tmp_path)) == 2
    assert "has no table events" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_report_names_each_table(lake: Lake, capsys) -> None:
    append(lake, DEAD_LETTERS, 400)
    assert run("--lake", lake.uri) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines[DUPLICATES][1:5] == ["9", "3", "→", "1"]
    assert set(PARTITION) <= set(lines)
