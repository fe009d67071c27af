"""The job's tables at its start: created where missing, given the columns of this release where they are old."""

from __future__ import annotations

import deltalake
import pyarrow as pa
import pytest
from processes import run

from pipelines import schemas
from pipelines.lake import BATCH_AUDIT, EVENTS, TABLES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lake whose tables `events` (partitioned) and `batch_audit` are of another release, with a row each."""
    folder = tmp_path_factory.mktemp("older")
    events = pa.table({"load_date": pa.array([1], pa.date32()), "event_id": ["a"], "of_another_release": [7]})
    deltalake.write_deltalake(str(folder / "lake" / EVENTS), events, partition_by=["load_date"])
    deltalake.write_deltalake(str(folder / "lake" / BATCH_AUDIT), pa.table({"generation": ["g"]}))
    run("ensured_tables.py", folder)
    return folder


def table(folder, name):
    return deltalake.DeltaTable(str(folder / "lake" / name))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_columns(folder, name):
    expected = getattr(schemas, name.upper())
    there = {field.name: field for field in table(folder, name).schema().fields}
    assert [field.name for field in expected if field.name not in there] == []


@pytest.mark.parametrize("name", [EVENTS, BATCH_AUDIT])
def test_rows_and_columns_of_another_release_stay(folder, name):
    rows = table(folder, name).to_pyarrow_table().to_pylist()
    assert len(rows) == 1
    assert rows[0]["event_id" if name == EVENTS else "generation"] in ("a", "g")
    assert name != EVENTS or rows[0]["of_another_release"] == 7


def test_columns_are_added_once(folder):
    assert table(folder, EVENTS).version() == 1


def test_new_tables_have_a_plain_protocol(folder):
    protocol = table(folder, "dead_letters").protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
