"""Make the lake's tables known to Athena: ``python -m pipelines.athena``. Needs no Spark and no running job.

Reads:  LAKE_URI; with --dry-run nothing else.
Writes: a database and four tables in the Glue catalogue, by Athena; then asks Athena for each table's columns and rows.
Guarantees: it can be repeated. A table of that name that lies elsewhere is left as it is, and is an error.
"""

from __future__ import annotations

import json
import re
import string
from typing import Any

import click

from pipelines import lake, schemas
from pipelines.athena_engine import Athena
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, RunFailed, debug_option, lake_options, run
from pipelines.cli import setting as option
from pipelines.clients import aws_client, split_s3_uri
from pipelines.settings import PROJECT_ROOT
from pipelines.terminal import page, plain_table

POLICIES = PROJECT_ROOT / "analytics" / "athena"
COLUMNS = {
    lake.EVENTS: schemas.EVENTS.names,
    lake.DEAD_LETTERS: schemas.DEAD_LETTERS.names,
    lake.DUPLICATES: schemas.DUPLICATES.names,
    lake.BATCH_AUDIT: schemas.BATCH_AUDIT.names,
}
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,254}")


def location(place: lake.Lake, table: str) -> str:
    """The table's place as Athena spells it. Raises ConfigurationError where the lake is not on S3."""
    if split_s3_uri(place.uri) is None or "'" in place.uri:
        raise ConfigurationError(f"LAKE_URI={place.uri}: Athena reads from S3 only: name s3a://bucket[/path].")
    return f"{place.delta_rs_path(table)}/"


def statements(database: str, place: lake.Lake) -> dict[str, str]:
    """Table → the DDL that registers it; under "" the database's own.

    A Delta table is registered without columns: Athena takes them, and all later ones, from the table's log.
    """
    tables = {
        table: f"CREATE EXTERNAL TABLE IF NOT EXISTS `{database}`.`{table}`\n"
        f"LOCATION '{location(place, table)}'\n"
        "TBLPROPERTIES ('table_type' = 'DELTA')"
        for table in lake.TABLES
    }
    return {"": f"CREATE DATABASE IF NOT EXISTS `{database}`", **tables}


def policy(name: str, place: lake.Lake, **words: str) -> str:
    """The IAM policy of that name, as JSON, for this lake. `words`: REGION, ACCOUNT, WORKGROUP, DATABASE, RESULTS."""
    for variable, uri in (("LAKE", place.uri), ("RESULTS", words["RESULTS"])):
        bucket, prefix = split_s3_uri(uri) or ("", "")
        if not bucket:
            raise ConfigurationError(f"{uri or 'ATHENA_RESULTS_URI'} is no s3://bucket[/path]: the policy names it.")
        words |= {
            variable: f"{bucket}/{prefix}".rstrip("/"),
            f"{variable}_BUCKET": bucket,
            f"{variable}_PREFIX": f"{prefix}/" if prefix else "",
        }
    template = (POLICIES / f"{name}-policy.json").read_text(encoding="utf-8")
    return json.dumps(json.loads(string.Template(template).substitute(words)), indent=2)


def register(athena: Athena, database: str, place: lake.Lake) -> None:
    """Create what is missing, each thing with a line. Raises ConfigurationError for a table that lies elsewhere."""
    for table, statement in statements(database, place).items():
        found = athena.location(database, table) if table else None
        if found is not None and found.rstrip("/") != location(place, table).rstrip("/"):
            raise ConfigurationError(
                f"The table {database}.{table} is there and lies at {found}: name another --database, or drop it "
                f"(DROP TABLE `{database}`.`{table}`: that takes the entry away, no data)."
            )
        if found is None:
            athena.run(statement)
        click.echo(f"{database}{'.' if table else ''}{table}: {'is there' if found else 'registered'}", err=True)


def check(athena: Athena, database: str) -> dict[str, int]:
    """Table → rows, as Athena counts them. Raises RunFailed where Athena does not see a column."""
    rows = {}
    for table, columns in COLUMNS.items():
        name = f'"{database}"."{table}"'  # both are of letters, digits and _
        seen = {column.lower() for column in athena.ask(f"SELECT * FROM {name} LIMIT 0").columns}  # noqa: S608
        if missing := [column for column in columns if column.lower() not in seen]:
            raise RunFailed(
                f"Athena does not see these columns of {database}.{table}: {', '.join(missing)}. Tables of an older "
                "release have them once the job has started again."
            )
        ((count,),) = athena.ask(f"SELECT count(*) FROM {name}").rows  # noqa: S608
        rows[table] = int(count or 0)
    return rows


def _valid_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise click.BadParameter(f"{value!r}: Athena takes lower-case letters, digits and _ here.")
    return value


@click.command(context_settings=CONTEXT_SETTINGS)
@lake_options
@option("--database", "ATHENA_DATABASE", "ecommerce", "Database in the Glue catalogue.", callback=_valid_name)
@option("--workgroup", "ATHENA_WORKGROUP", "primary", "Athena's workgroup.")
@option(
    "--results", "ATHENA_RESULTS_URI", None, "Where results go, s3://bucket/path; the workgroup's place by default."
)
@click.option("--dry-run", is_flag=True, help="Print the DDL and do nothing else; needs no credentials.")
@click.option(
    "--policy",
    "policy_name",
    type=click.Choice(["analyst", "registrar"]),
    help="Print the IAM policy of those who ask, or of those who run this, and do nothing else; needs --account.",
)
@click.option("--account", metavar="NUMBER", help="The AWS account, for --policy.")
@debug_option
def main(
    database: str,
    workgroup: str,
    results: str | None,
    dry_run: bool,
    policy_name: str | None,
    account: str | None,
    debug: bool,
    **options: Any,
) -> None:
    """Register the lake's tables in Athena, and see whether it reads them.

    Credentials come from where AWS clients look. Exit codes: 0 registered and read; 1 Athena failed; 2 configuration.
    """
    place, region = lake.Lake(options["lake"]), options["s3_region"]
    if policy_name:
        if not re.fullmatch(r"\d{12}", account or ""):
            raise ConfigurationError("--policy needs --account, twelve digits: the rights are on its tables.")
        words = {"REGION": region, "ACCOUNT": str(account), "WORKGROUP": workgroup, "DATABASE": database}
        click.echo(policy(policy_name, place, RESULTS=results or "", **words))
        return
    if dry_run:
        click.echo(";\n\n".join(statements(database, place).values()) + ";")
        return
    if options["s3_endpoint"]:
        raise ConfigurationError(
            f"AWS_ENDPOINT_URL={options['s3_endpoint']}: Athena reads tables on AWS only: unset it, or use --dry-run."
        )
    athena = Athena(aws_client("athena", region), aws_client("glue", region), workgroup, results)
    register(athena, database, place)
    table = plain_table()
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, count in check(athena, database).items():
        table.add_row(f"{database}.{name}", f"{count:,}")
    page().print(table)


if __name__ == "__main__":
    raise SystemExit(run(main))
