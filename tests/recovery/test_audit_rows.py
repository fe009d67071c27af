"""Rows of `batch_audit` as the job appends them, in a table on disk: delta-rs alone, neither Spark nor a server."""

from __future__ import annotations

import datetime
import json

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.sql.pandas.types import to_arrow_schema

from pipelines import schemas, sinks
from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings
from pipelines.lake import BATCH_AUDIT, Lake
from pipelines.ledger import Commit
from pipelines.sources import _newest_commits
from pipelines.starting import Gap

AT = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
S3 = S3Settings()


@pytest.fixture
def lake(tmp_path):
    """A lake with an empty `batch_audit`."""
    lake = Lake(str(tmp_path))
    DeltaTable.create(lake.path(BATCH_AUDIT), to_arrow_schema(schemas.BATCH_AUDIT, timezone="UTC"))
    return lake


def commit(batch_id: int | None = 0, generation: str = "g", end: int = 10) -> Commit:
    return Commit("raw", "t", generation, batch_id, {0: (0, end), 1: (7, 7)})


def append(lake: Lake, of: Commit) -> None:
    row = {
        "generation": of.generation,
        "batch_id": of.batch_id,
        "processed_at": AT,
        "kafka_topic": of.topic,
        "kafka_topic_id": of.topic_id,
        "offsets": of.offsets,
        "failures": {"NOT_JSON": 2},
        "seconds": {"judge": 0.5},
        "table_versions": {},
        "kind": "batch",
    }
    sinks.append_audit(lake, S3, row, of)


def rows(lake: Lake) -> list[dict]:
    return DeltaTable(lake.path(BATCH_AUDIT)).to_pyarrow_table().to_pylist()


def test_a_row_has_what_it_was_given_and_nulls(lake):
    append(lake, commit())
    [row] = rows(lake)
    assert set(row) == set(schemas.BATCH_AUDIT.names)
    assert row["processed_at"] == AT
    assert row["offsets"] == [
        {"partition": 0, "start_offset": 0, "end_offset": 10},
        {"partition": 1, "start_offset": 7, "end_offset": 7},
    ]
    assert (dict(row["failures"]), dict(row["seconds"]), row["table_versions"]) == ({"NOT_JSON": 2}, {"judge": 0.5}, [])
    assert (row["reason"], row["records_in"]) == (None, None)


def test_the_commit_tells_what_the_ledger_reads(lake):
    append(lake, commit())
    append(lake, commit(1, end=20))
    assert _newest_commits(DeltaTable(lake.path(BATCH_AUDIT)), "raw") == [commit(1, end=20), commit()]
    assert _newest_commits(DeltaTable(lake.path(BATCH_AUDIT)), "another") == []


@pytest.mark.parametrize("batch_id", [0, 1])
def test_a_batch_is_noted_once(lake, batch_id):
    append(lake, commit(0))
    append(lake, commit(1))
    append(lake, commit(batch_id))
    assert [row["batch_id"] for row in sorted(rows(lake), key=lambda row: row["batch_id"])] == [0, 1]


def test_another_generation_counts_anew(lake):
    append(lake, commit(5))
    append(lake, commit(0, "new"))
    assert sorted(row["generation"] for row in rows(lake)) == ["g", "new"]


def test_a_writer_that_was_thought_dead_adds_nothing(lake, monkeypatch):
    """It opened the table before its successor wrote, and goes on afterwards."""
    stale = DeltaTable(lake.path(BATCH_AUDIT))
    append(lake, commit())
    monkeypatch.setattr(sinks, "open_table", lambda *_: stale)
    with pytest.raises(DeltaError, match="Concurrent transaction"):
        append(lake, commit())
    assert len(rows(lake)) == 1


def test_gaps_are_noted_as_often_as_they_are_given_up(lake):
    gap = Gap("t", {0: (10, None)}, "retention")
    for _ in range(2):
        sinks.append_gap(lake, S3, gap, commit(None), AT)
    assert [(row["kind"], row["batch_id"], row["reason"]) for row in rows(lake)] == [("gap", None, "retention")] * 2
    newest = DeltaTable(lake.path(BATCH_AUDIT)).history(1)[0]
    assert json.loads(newest["userMetadata"])["batch_id"] is None


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="no table batch_audit"):
        append(Lake(str(tmp_path)), commit())
