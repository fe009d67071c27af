"""What is in the topics and the lake, for people: ``python -m pipelines.overview``. Needs no Spark.

Reads:  the topics' offsets; the Delta tables.
Writes: tables and small charts to the terminal: records and rows, dead letters by reason, three enriched events,
        revenue per minute, and the funnel. No personal data: users show as pseudonyms or not at all.
"""

from __future__ import annotations

from typing import Any

import click
import duckdb
import kafka.errors
from kafka import TopicPartition
from rich.console import Console
from rich.text import Text

from pipelines import figures, lake
from pipelines.cli import (
    CONTEXT_SETTINGS,
    debug_option,
    kafka_options,
    lake_options,
    run,
    topic_options,
)
from pipelines.clients import KafkaSettings, S3Settings, kafka_problem
from pipelines.delta_tables import open_tables
from pipelines.lake import Lake
from pipelines.preflight import check_topics
from pipelines.settings import Topics
from pipelines.terminal import bar, columns, heading, nice_ceiling, page, plain_table, printable

_BAR_WIDTH = 40
_CHART_HEIGHT = 8


@click.command(context_settings=CONTEXT_SETTINGS)
@kafka_options
@topic_options
@lake_options
@debug_option
def main(debug: bool, **options: Any) -> None:
    """Show what is in the topics and the lake: counts, dead letters by reason, events, revenue, funnel."""
    kafka_settings = KafkaSettings.load(options["bootstrap_servers"], options["kafka_config"])
    topics = Topics(options["raw_topic"], options["enriched_topic"], options["dead_letter_topic"])
    place = Lake(options["lake"])
    records = count_records(kafka_settings, topics)
    database = open_lake(place, S3Settings(options["s3_endpoint"], options["s3_region"]))
    console = page()
    show_counts(console, records, figures.row_counts(database))
    show_dead_letters(console, figures.dead_letters_by_reason(database))
    show_events(console, figures.example_events(database))
    show_revenue(console, figures.revenue_per_minute(database))
    show_funnel(console, figures.funnel(database))


def count_records(settings: KafkaSettings, topics: Topics) -> dict[str, int]:
    """Offsets held per topic."""
    check_topics(settings, topics)
    try:
        consumer = settings.consumer(isolation_level="read_committed")
        try:
            return {topic: _held(consumer, topic) for topic in (topics.raw, topics.enriched, topics.dead_letter)}
        finally:
            consumer.close()
    except kafka.errors.KafkaError as error:
        raise kafka_problem(error, settings) from error


def _held(consumer: Any, topic: str) -> int:
    partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
    ends, firsts = consumer.end_offsets(partitions), consumer.beginning_offsets(partitions)
    return sum(ends[tp] - firsts[tp] for tp in partitions)


def open_lake(place: Lake, s3: S3Settings) -> duckdb.DuckDBPyConnection:
    """A database in memory that has the lake's tables as views. Times are UTC."""
    database = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    database.execute("set TimeZone = 'UTC'")
    for name, table in open_tables(place, s3, lake.TABLES).items():
        database.register(name, table.to_pyarrow_dataset())
    return database


def show_counts(console: Console, records: dict[str, int], rows: dict[str, int]) -> None:
    """Records per topic, rows per table."""
    heading(console, "Kafka topics and Delta tables")
    table = plain_table()
    table.add_column("topic")
    table.add_column("records", justify="right")
    table.add_column("    table")
    table.add_column("rows", justify="right")
    left, right = list(records.items()), list(rows.items())
    for i in range(max(len(left), len(right))):
        topic, count = left[i] if i < len(left) else ("", None)
        name, row_count = right[i] if i < len(right) else ("", None)
        table.add_row(
            topic,
            "" if count is None else f"{count:,}",
            f"    {name}",
            "" if row_count is None else f"{row_count:,}",
        )
    console.print(table)


def show_dead_letters(console: Console, reasons: list[tuple[str, int]]) -> None:
    """Bars of dead letters per failure type."""
    heading(console, "Dead letters by reason")
    if not reasons:
        console.print("none")
        return
    largest = max(count for _, count in reasons)
    for reason, count in reasons:
        console.print(Text.assemble(f"{reason:<27}", (bar(count, largest, _BAR_WIDTH), "red"), f" {count:,}"))


def show_events(console: Console, events: list[figures.ExampleEvent]) -> None:
    """Some enriched events, side by side."""
    heading(console, "Enriched events", "three of them, as the table events holds them")
    if not events:
        console.print("none")
        return
    table = plain_table()
    table.add_column("", style="dim", no_wrap=True)
    for event in events:
        table.add_column(event.name, max_width=27)
    for label in events[0].facts:
        table.add_row(label, *(Text(printable(event.facts[label], kept="\n")) for event in events))
    console.print(table)


def show_revenue(console: Console, revenue: figures.Revenue | None) -> None:
    """Columns of revenue per minute."""
    if revenue is None:
        heading(console, "Revenue per minute")
        console.print("no purchases")
        return
    heading(console, "Revenue per minute", revenue.note)
    top = nice_ceiling(max(revenue.amounts))
    # The axis ends at a round number: a column of that height is added for the scale and cut off again.
    lines = columns([*revenue.amounts, top], _CHART_HEIGHT)
    labels = {0: f"{top:,.0f}", _CHART_HEIGHT // 2: f"{top / 2:,.0f}"}
    for i, line in enumerate(lines):
        console.print(Text.assemble((f"{labels.get(i, ''):>8} ┤", "dim"), (line[:-1], "green")))
    console.print(Text(f"{0:>8} └" + "─" * len(revenue.amounts), style="dim"))
    gap = max(1, len(revenue.amounts) - len(revenue.first) - len(revenue.last))
    console.print(Text(" " * 10 + revenue.first + " " * gap + revenue.last, style="dim"))


def show_funnel(console: Console, steps: list[tuple[str, int]]) -> None:
    """Bars of sessions per step."""
    heading(console, "Funnel", "sessions with at least one such event, and the share of the step before")
    largest = max((sessions for _, sessions in steps), default=0)
    before: int | None = None
    for name, sessions in steps:
        share = "" if not before else f"{sessions / before:>7.0%}"
        console.print(
            Text.assemble(f"{name:<16}", (bar(sessions, largest, _BAR_WIDTH), "cyan"), f" {sessions:,}{share}")
        )
        before = sessions


if __name__ == "__main__":
    raise SystemExit(run(main, unread=0))
