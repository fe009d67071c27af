"""The Athena command against a stub of the services' APIs (botocore checks each request); no account is needed.

That Athena itself reads the tables was not tried here: an engine of its family does, in tests/query_engines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from pipelines import athena, cli
from pipelines.athena import COLUMNS, POLICIES
from pipelines.lake import TABLES, Lake

LAKE = "s3a://shop-lake/eu"


class Aws:
    """Stubs of Athena and Glue: each expected call is noted as the IAM action that it needs."""

    def __init__(self) -> None:
        self.clients = {
            name: boto3.Session("k", "s", region_name="eu-central-1").client(name) for name in ("athena", "glue")
        }
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.actions: set[str] = set()

    def expect(self, service: str, operation: str, answer: dict, request: dict) -> None:
        self.stubs[service].add_response(operation, answer, request)
        self._note(service, operation)

    def refuse(self, service: str, operation: str, code: str, message: str = "") -> None:
        self.stubs[service].add_client_error(operation, code, message)
        self._note(service, operation)

    def _note(self, service: str, operation: str) -> None:
        self.actions.add(f"{service}:{''.join(word.title() for word in operation.split('_'))}")

    def table(self, name: str, location: str | None) -> None:
        if location is None:
            self.refuse("glue", "get_table", "EntityNotFoundException")
            return
        table = {"Table": {"Name": name, "StorageDescriptor": {"Location": location}}}
        self.expect("glue", "get_table", table, {"DatabaseName": "ecommerce", "Name": name})

    def statement(self, sql: str, *states: dict, workgroup: str = "primary") -> None:
        request = {"QueryString": sql, "WorkGroup": workgroup}
        self.expect("athena", "start_query_execution", {"QueryExecutionId": "q-1"}, request)
        for state in states or ({"State": "SUCCEEDED"},):
            answer = {"QueryExecution": {"QueryExecutionId": "q-1", "Status": state}}
            self.expect("athena", "get_query_execution", answer, {"QueryExecutionId": "q-1"})

    def query(self, sql: str, columns: list[str], *rows: list[str]) -> None:
        self.statement(sql)
        cells = [{"Data": [{"VarCharValue": value} for value in row]} for row in (columns, *rows)]
        info = [{"Name": name, "Type": "varchar"} for name in columns]
        result = {"ResultSet": {"ResultSetMetadata": {"ColumnInfo": info}, "Rows": cells}}
        self.expect("athena", "get_query_results", result, {"QueryExecutionId": "q-1"})

    def reads(self, table: str, rows: int) -> None:
        name = f'"ecommerce"."{table}"'
        self.query(f"SELECT * FROM {name} LIMIT 0", [column.lower() for column in COLUMNS[table]])  # noqa: S608
        self.query(f"SELECT count(*) FROM {name}", ["_col0"], [str(rows)])  # noqa: S608


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Nothing but what a test expects is answered, and all of it must be asked for."""
    aws = Aws()
    for name in ("AWS_ENDPOINT_URL", "LAKE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(athena, "aws_client", lambda service, region: aws.clients[service])
    monkeypatch.setattr("pipelines.athena_engine._POLL_SECONDS", 0)
    for stub in aws.stubs.values():
        stub.activate()
    yield aws
    for stub in aws.stubs.values():
        stub.assert_no_pending_responses()


def run(*arguments: str) -> int:
    return cli.run(athena.main, ["--lake", LAKE, *arguments])


def ddl(table: str) -> str:
    return athena.statements("ecommerce", Lake(LAKE))[table]


def test_the_ddl_names_each_table_and_its_place_and_no_columns() -> None:
    assert ddl("events") == (
        "CREATE EXTERNAL TABLE IF NOT EXISTS `ecommerce`.`events`\n"
        "LOCATION 's3://shop-lake/eu/events/'\n"
        "TBLPROPERTIES ('table_type' = 'DELTA')"
    )
    assert list(athena.statements("ecommerce", Lake(LAKE))) == ["", *TABLES]


def test_a_dry_run_prints_the_ddl_and_asks_nobody(aws: Aws, capsys) -> None:
    assert run("--dry-run") == 0
    assert capsys.readouterr().out.count("CREATE EXTERNAL TABLE") == len(TABLES)


def test_tables_are_registered_and_read(aws: Aws, capsys) -> None:
    aws.statement("CREATE DATABASE IF NOT EXISTS `ecommerce`")
    for table in TABLES:
        aws.table(table, None)
        aws.statement(ddl(table), {"State": "QUEUED"}, {"State": "RUNNING"}, {"State": "SUCCEEDED"})
    for number, table in enumerate(TABLES):
        aws.reads(table, rows=1_000 + number)
    assert run() == 0
    output = capsys.readouterr()
    assert re.findall(r"ecommerce\.(\w+)\s+([\d,]+)", output.out) == [
        ("events", "1,000"),
        ("dead_letters", "1,001"),
        ("duplicates", "1,002"),
        ("batch_audit", "1,003"),
    ]
    assert "ecommerce.events: registered" in output.err
    assert aws.actions <= actions("registrar")


def test_a_second_run_registers_nothing_again(aws: Aws, capsys) -> None:
    aws.statement("CREATE DATABASE IF NOT EXISTS `ecommerce`")
    for table in TABLES:
        aws.table(table, f"s3://shop-lake/eu/{table}")
    for table in TABLES:
        aws.reads(table, rows=0)
    assert run() == 0
    assert "ecommerce.events: is there" in capsys.readouterr().err


def test_a_table_that_lies_elsewhere_is_left_alone(aws: Aws, capsys) -> None:
    aws.statement("CREATE DATABASE IF NOT EXISTS `ecommerce`")
    aws.table("events", "s3://another-lake/events")
    assert run() == 2
    assert "lies at s3://another-lake/events" in capsys.readouterr().err


def test_a_column_that_athena_does_not_see_is_named(aws: Aws, capsys) -> None:
    aws.statement("CREATE DATABASE IF NOT EXISTS `ecommerce`")
    for table in TABLES:
        aws.table(table, f"s3://shop-lake/eu/{table}/")
    aws.query('SELECT * FROM "ecommerce"."events" LIMIT 0', [n for n in COLUMNS["events"] if n != "cart_value"])
    assert run() == 1
    assert "does not see these columns of ecommerce.events: cart_value" in capsys.readouterr().err


def test_a_statement_that_fails_is_told_in_athenas_words(aws: Aws, capsys) -> None:
    failed = {"State": "FAILED", "StateChangeReason": "the bucket is in another region"}
    aws.statement("CREATE DATABASE IF NOT EXISTS `ecommerce`", failed)
    assert run() == 1
    assert "the bucket is in another region" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("AccessDeniedException", "not authorized", "lacks the right to StartQueryExecution"),
        ("InvalidRequestException", "No output location provided.", "set ATHENA_RESULTS_URI"),
        ("TooManyRequestsException", "slow down", "TooManyRequestsException: slow down"),
    ],
)
def test_a_refusal_is_one_line_with_the_remedy(aws: Aws, capsys, code: str, message: str, said: str) -> None:
    aws.refuse("athena", "start_query_execution", code, message)
    assert run() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_query_that_takes_too_long_is_cancelled() -> None:
    aws = Aws()
    aws.statement("SELECT 1", {"State": "RUNNING"})
    aws.expect("athena", "stop_query_execution", {}, {"QueryExecutionId": "q-1"})
    with aws.stubs["athena"], pytest.raises(cli.RunFailed, match="not answered within"):
        athena.Athena(aws.clients["athena"], aws.clients["glue"], "primary", None, seconds=-1).run("SELECT 1")
    aws.stubs["athena"].assert_no_pending_responses()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lake", "a/folder", "--dry-run"], "Athena reads from S3 only"),
        (["--s3-endpoint", "http://127.0.0.1:9000"], "Athena reads tables on AWS only"),
        (["--database", "My-Shop"], "lower-case letters"),
        (["--policy", "analyst"], "--account, twelve digits"),
        (["--policy", "analyst", "--account", "123456789012"], "ATHENA_RESULTS_URI is no s3://bucket"),
    ],
)
def test_a_wrong_setting_is_named_before_anybody_is_asked(aws: Aws, capsys, arguments: list[str], said: str) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err


def statements_of(name: str) -> list[dict]:
    return json.loads((POLICIES / f"{name}-policy.json").read_text())["Statement"]


def actions(name: str) -> set[str]:
    return {action for statement in statements_of(name) for action in statement["Action"]}


def resources(statement: dict) -> list[str]:
    found = statement["Resource"]
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", ["analyst", "registrar"])
def test_a_policy_grants_named_actions_on_named_things_only(name: str) -> None:
    document = json.loads((POLICIES / f"{name}-policy.json").read_text())
    assert document["Version"] == "2012-10-17"
    for statement in document["Statement"]:
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch(r"(athena|glue|s3):[A-Za-z]+", action) for action in statement["Action"])
        assert all(re.fullmatch(r"arn:aws:(athena|glue|s3):.*[^*:/]+(/\*)?", each) for each in resources(statement))
        if "s3:ListBucket" in statement["Action"]:
            assert statement["Condition"]["StringLike"]["s3:prefix"]


@pytest.mark.parametrize("name", ["analyst", "registrar"])
def test_a_policy_lets_nobody_write_but_results(name: str) -> None:
    writing = {"s3:PutObject", "s3:AbortMultipartUpload"}
    assert not {action for action in actions(name) if re.search(r"Delete|Update|Batch|PutBucket|Drop", action)}
    places = [each for s in statements_of(name) if writing & set(s["Action"]) for each in resources(s)]
    assert places == ["arn:aws:s3:::${RESULTS}/*"]


def test_an_analyst_may_not_see_dead_letters_nor_register() -> None:
    assert "dead_letters" not in (POLICIES / "analyst-policy.json").read_text()
    assert not {action for action in actions("analyst") if ":Create" in action}


@pytest.mark.parametrize("name", ["analyst", "registrar"])
@pytest.mark.parametrize(("lake", "prefix"), [("s3a://shop-lake/eu", "eu/"), ("s3://shop-lake", "")])
def test_a_printed_policy_is_filled_in(aws: Aws, capsys, name: str, lake: str, prefix: str) -> None:
    arguments = ["--account", "123456789012", "--results", "s3://answers/athena", "--s3-region", "eu-central-1"]
    assert run("--policy", name, *arguments, "--lake", lake) == 0
    text = capsys.readouterr().out
    assert "$" not in text
    places = [each for statement in json.loads(text)["Statement"] for each in resources(statement)]
    assert f"arn:aws:s3:::shop-lake/{prefix}events/*" in places
    assert "arn:aws:glue:eu-central-1:123456789012:table/ecommerce/events" in places
    assert "arn:aws:s3:::answers/athena/*" in places


def test_the_policies_are_where_the_docs_say() -> None:
    assert {file.name for file in Path(POLICIES).iterdir()} == {"analyst-policy.json", "registrar-policy.json"}
