"""Ask the lake's tables in SQL: ``python -m pipelines.ask revenue_per_day``. DuckDB answers; needs no Spark.

Reads:  the Delta tables, as `events`, `dead_letters`, `duplicates` and `batch_audit`; ``analytics/questions/*.sql``.
Writes: the rows to stdout: a table on a terminal, CSV where it is piped.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import click
import duckdb

from pipelines import questions
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, debug_option, lake_options, one_line, run
from pipelines.clients import S3Settings
from pipelines.lake import Lake
from pipelines.overview import open_lake
from pipelines.terminal import page, plain_table

_NUMBERS = ("NUMBER", "INT", "DECIMAL", "DOUBLE", "FLOAT")


@click.command(context_settings=CONTEXT_SETTINGS)
@click.argument("question", required=False)
@click.option(
    "--format", "output", type=click.Choice(["auto", "table", "csv"]), default="auto", help="auto: table on a terminal."
)
@lake_options
@debug_option
def main(question: str | None, output: str, debug: bool, **options: Any) -> None:
    """Answer a QUESTION of analytics/questions, or the SQL of a file (- is stdin); without one, list them."""
    if question is None:
        for name in questions.names():
            click.echo(f"{name:<18} {questions.summary(questions.question(name, 'DuckDB'))}")
        return
    sql = _sql(question)
    database = open_lake(Lake(options["lake"]), S3Settings(options["s3_endpoint"], options["s3_region"]))
    try:
        answer = database.execute(sql)
        rows = answer.fetchall()
    except duckdb.Error as error:
        raise ConfigurationError(f"{question}: {one_line(error)}") from error
    columns = [(str(column[0]), str(column[1])) for column in answer.description or ()]
    if output == "csv" or (output == "auto" and not sys.stdout.isatty()):
        csv.writer(sys.stdout, lineterminator="\n").writerows([[name for name, _ in columns], *rows])
    else:
        _show(columns, rows)


def _sql(question: str) -> str:
    if question in questions.names():
        return questions.question(question, "DuckDB")
    try:
        return sys.stdin.read() if question == "-" else Path(question).read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(questions.names())
        raise ConfigurationError(f"{question} is neither a question ({known}) nor a file that can be read.") from error


def _show(columns: list[tuple[str, str]], rows: list[tuple[Any, ...]]) -> None:
    table = plain_table()
    for name, kind in columns:
        table.add_column(name, justify="right" if kind.upper().startswith(_NUMBERS) else "left")
    for row in rows:
        table.add_row(*("–" if value is None else str(value) for value in row))
    page().print(table)


if __name__ == "__main__":
    raise SystemExit(run(main))
