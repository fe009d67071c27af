"""Ask the lake's tables in SQL: ``python -m pipelines.ask revenue_per_day``. DuckDB answers; needs no Spark.

Reads:  the Delta tables, as `events`, `dead_letters`, `duplicates` and `batch_audit`; ``analytics/questions/*.sql``.
Writes: the rows to stdout: a table on a terminal, CSV where it is piped.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import sys
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow as pa
from rich.text import Text

from pipelines import questions
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, debug_option, lake_options, one_line, run
from pipelines.clients import S3Settings
from pipelines.lake import Lake
from pipelines.overview import open_lake
from pipelines.terminal import page, plain_table, printable

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
        columns = [(str(column[0]), str(column[1])) for column in answer.description or ()]
        # By Arrow: DuckDB's own way to Python wants another package for times with a zone.
        rows = [[_text(cell) for cell in row] for row in zip(*_columns(answer), strict=True)]
    except duckdb.Error as error:
        raise ConfigurationError(f"{question}: {one_line(error)}") from error
    if output == "csv" or (output == "auto" and not sys.stdout.isatty()):
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="strict")  # data is data: rather none than another
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


def _columns(answer: duckdb.DuckDBPyConnection) -> list[list[Any]]:
    return [column.to_pylist(maps_as_pydicts="strict") for column in answer.to_arrow_table().columns]


def _text(value: Any) -> str | None:
    """A value as other programs read it: times in ISO 8601, bytes in hexadecimal, what is nested as JSON."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, pa.MonthDayNano):
        return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:.9g}S"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=_text)
    return None if value is None else str(value)


def _show(columns: list[tuple[str, str]], rows: list[list[str | None]]) -> None:
    table = plain_table()
    for name, kind in columns:
        table.add_column(Text(printable(name)), justify="right" if kind.upper().startswith(_NUMBERS) else "left")
    for row in rows:
        table.add_row(*(Text("–" if value is None else printable(value)) for value in row))
    page().print(table)


if __name__ == "__main__":
    raise SystemExit(run(main, unread=0))
