"""The target athena, without AWS: dbt-athena compiles every model and test against a stand-in of Glue, and SQL is SQL.

It has never run on AWS. That Athena takes these statements is shown as far as a parser of its dialect can tell.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from analytics_runs import PYTHON, TIMEOUT_SECONDS, Analytics

from infra.local.ports import free_ports

INCREMENTAL = {
    "stg_events": "load_date",
    "stg_dead_letters": "dlq_date",
    "sessions": "last_load_date",
    "orders": "last_load_date",
    "product_days": "load_date",
    "data_quality": "dlq_date",
    "invalid_fields": "dlq_date",
}
# Run by dbt's environment, which has the parser. A statement that it does not know it takes for a Command.
PARSE = """
import pathlib, sys, sqlglot
for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.sql")):
    statements = sqlglot.parse(file.read_text(), dialect="athena")
    assert len(statements) == 1 and not any(statements[0].find_all(sqlglot.exp.Command)), file
    print(file.stem)
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Settings of the target athena, and a stand-in of AWS that they lead to."""
    port = free_ports(1)[0]
    server = subprocess.Popen(
        [str(PYTHON.with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "ATHENA_RESULTS_URI": "s3://results/",
        "ANALYTICS_URI": "s3://marts/",
    }
    server.terminate()
    server.wait(10)


def glue_of(aws: dict[str, str]):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("glue", endpoint_url=aws["AWS_ENDPOINT_URL"], region_name=aws["AWS_REGION"], **keys)


def create_tables(aws: dict[str, str]) -> None:
    """The incremental models as they would be after a first run: else dbt compiles only that."""
    glue = glue_of(aws)
    deadline = time.monotonic() + 30
    while True:
        try:
            glue.create_database(DatabaseInput={"Name": "ecommerce_analytics"})
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    for name in INCREMENTAL:
        columns = {"Columns": [{"Name": "any", "Type": "string"}], "Location": f"s3://marts/{name}"}
        table = {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"table_type": "ICEBERG"}}
        glue.create_table(DatabaseName="ecommerce_analytics", TableInput={**table, "StorageDescriptor": columns})


@pytest.fixture(scope="module")
def compiled(aws: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the statements of all models and tests, incremental models as in a second run."""
    create_tables(aws)
    folder = tmp_path_factory.mktemp("athena")
    dbt = Analytics(aws, folder)
    variables = json.dumps({"first_arrival_date": "2026-11-23"})
    target = str(folder / "target")
    done = dbt.run("dbt", "compile", "--target", "athena", "--vars", variables, "--target-path", target)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "target" / "compiled"


def test_a_parser_of_athenas_dialect_reads_every_statement(compiled: Path) -> None:
    command = [str(PYTHON), "-c", PARSE, str(compiled)]
    read = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert read.returncode == 0, read.stderr
    assert {"stg_events", "stg_event_items", "sessions", "orders", "customers", "batches"} <= set(read.stdout.split())
    assert len(read.stdout.split()) > 80


def test_incremental_models_read_only_the_partitions_that_they_look_at_again(compiled: Path) -> None:
    for name, column in INCREMENTAL.items():
        (sql,) = [file.read_text() for file in compiled.rglob(f"{name}.sql")]
        # Marts name the source's column; theirs is the newest date that they have seen.
        source_column = column.removeprefix("last_")
        assert f"{source_column} >= date '2026-11-23'" in sql, name


def test_what_is_missing_for_athena_is_named(tmp_path: Path) -> None:
    refused = Analytics({"PATH": "/usr/bin:/bin"}, tmp_path).run("build", "--target", "athena")

    assert refused.returncode == 2
    assert refused.stderr == (
        "Error: The target athena needs ATHENA_RESULTS_URI, ANALYTICS_URI, AWS_REGION: see docs/analytics.md.\n"
    )


def test_another_store_than_awss_is_refused_for_athena(tmp_path: Path) -> None:
    """After `eval "$(make -s local-env)"` the local stack's endpoint and keys would go to AWS."""
    settings = {"ATHENA_RESULTS_URI": "s3://r/", "ANALYTICS_URI": "s3://a/", "AWS_REGION": "eu-central-1"}
    here = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}

    refused = Analytics({"PATH": "/usr/bin:/bin", **settings, **here}, tmp_path).run("build", "--target", "athena")

    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: AWS_ENDPOINT_URL=http://127.0.0.1:9000: Athena is on AWS only")
