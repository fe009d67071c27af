"""Trino, an engine of Athena's family, reads the tables that the job wrote, and answers as Spark and DuckDB do.

`make test-trino` fetches it (783 MB, once) and needs Java 24 or newer.
"""

from __future__ import annotations

import uuid

import pytest
from answers import as_text, duckdb_answers, spark_answers
from jobs import Site

from infra.local.minio import find_minio
from pipelines import questions
from pipelines.athena import COLUMNS
from pipelines.lake import DEAD_LETTERS

pytestmark = [
    pytest.mark.trino,
    pytest.mark.parametrize("s3_server", ["minio" if find_minio() else "s3proxy"], indirect=True),
]

FAULTS = ("--malformed-rate=0.02", "--missing-field-rate=0.02", "--wrong-type-rate=0.02", "--duplicate-rate=0.02")


@pytest.fixture(scope="module")
def site(kafka_stack, s3_server, tmp_path_factory):
    """A lake that the job wrote in two batches."""
    environment = {**kafka_stack.environment(), **s3_server.environment()}
    site = Site.create(environment, f"trino-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("site"))
    site.generate("--count=2000", "--seed=9", *FAULTS)
    site.drain("--max-offsets-per-trigger=1500")
    return site


@pytest.fixture(scope="module")
def server(site, tmp_path_factory):
    from trino_server import TrinoServer

    server = TrinoServer(tmp_path_factory.mktemp("trino"), site.environment)
    try:
        server.start()
        server.register(site.lake)
        yield server
    finally:
        server.stop()


def test_trino_answers_the_questions_as_duckdb_and_spark_do(site, server):
    answers = {name: as_text(server.rows(questions.question(name, "Trino"))) for name in questions.names()}
    assert answers == duckdb_answers(site)
    assert answers == spark_answers(site)
    assert all(answers.values())


@pytest.mark.parametrize("table", COLUMNS)
def test_trino_sees_every_column_and_every_row(site, server, table):
    """Reading all columns decodes all files, nested values and binaries included."""
    assert [name for name, *_ in server.rows(f"describe {table}")] == [name.lower() for name in COLUMNS[table]]
    assert len(server.rows(f"select * from {table}")) == site.table(table, ["batch_id"]).num_rows > 0  # noqa: S608


def test_trino_reads_the_bytes_of_dead_letters_as_they_were_sent(site, server):
    found = server.rows("select kafka_partition, kafka_offset, value from dead_letters where value is not null")
    rows = site.table(DEAD_LETTERS, ["kafka_partition", "kafka_offset", "value"]).to_pylist()
    expected = {(row["kafka_partition"], row["kafka_offset"]): row["value"] for row in rows if row["value"] is not None}
    assert {(partition, offset): bytes(value) for partition, offset, value in found} == expected
