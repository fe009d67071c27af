"""Follow the enriched topic or the dead-letter queue: ``python -m pipelines.tail``. Needs no Spark.

Reads:  one of the sink topics, committed records only, without a consumer group.
Writes: a line per record to stdout: for people on a terminal, JSON where it is piped. Each raw record is shown once,
        though a crash may have had it published twice. No personal data unless it is asked for.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import click
import kafka.errors
from rich.console import Console
from rich.text import Text

from pipelines.cli import CONTEXT_SETTINGS, debug_option, kafka_options, run, topic_options
from pipelines.clients import KafkaSettings, kafka_problem
from pipelines.preflight import require_topics
from pipelines.tailing.documents import dead_letter_document, enriched_document, headers_of
from pipelines.tailing.filters import Filter
from pipelines.tailing.following import Topic
from pipelines.tailing.repeats import Repeats
from pipelines.tailing.rows import dead_letter_row, event_row
from pipelines.tailing.starts import END, Start, parse_start

Parsed = TypeVar("Parsed")
_console = Console(highlight=False)


def _parsed(parse: Callable[[str], Parsed]) -> Callable[[Any, Any, Any], Any]:
    """A click callback of a function that raises ValueError."""

    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        try:
            return [parse(each) for each in value] if isinstance(value, (tuple, list)) else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return callback


def _start(text: str) -> Start:
    return parse_start(text, datetime.datetime.now(datetime.timezone.utc))


@dataclass
class View:
    """What is shown of a topic: which of its records, and as what. It counts what it leaves out."""

    dead_letters: bool
    personal: bool
    repeats: bool
    filters: list[Filter]
    seen: Repeats = field(default_factory=Repeats)
    unreadable: int = 0
    shown: int = 0

    def documents(self, records: Iterable[Any]) -> Iterator[dict[str, Any]]:
        """The documents of those records that are to be shown."""
        for record in records:
            headers = headers_of(record)
            if self.seen.has(headers) and not self.repeats:
                continue
            try:
                document = self._document(record, headers)
            except ValueError:  # somebody else wrote to the topic
                self.unreadable += 1
                continue
            if all(each.matches(document) for each in self.filters):
                self.shown += 1
                yield document

    def _document(self, record: Any, headers: dict[str, str]) -> dict[str, Any]:
        if self.dead_letters:
            return dead_letter_document(record, headers, with_payload=self.personal)
        return enriched_document(record, with_personal=self.personal)

    def row(self, document: dict[str, Any]) -> Text:
        """A document's line for people."""
        return dead_letter_row(document) if self.dead_letters else event_row(document)

    def summary(self) -> str:
        """A line for the end."""
        repeats = f", {self.seen.count:,} repeats {'among them' if self.repeats else 'left out'}"
        unreadable = f", {self.unreadable:,} left out that are no enriched events"
        return f"{self.shown:,} shown{repeats if self.seen.count else ''}{unreadable if self.unreadable else ''}"


@click.command(context_settings=CONTEXT_SETTINGS)
@click.option("--dead-letters", is_flag=True, help="Follow the dead-letter queue, not the enriched topic.")
@click.option(
    "--from",
    "start",
    default=END,
    callback=_parsed(_start),
    metavar="PLACE",
    help="beginning, end, an age (30s, 10m, 2h, 7d), or a time with zone (2026-11-26T07:00:00Z): when Kafka got it.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    callback=_parsed(Filter.parse),
    metavar="PATH=VALUE",
    help="Only what has this value there, e.g. event_name=purchase, items.item_id=SKU-1; repeat it for “and”.",
)
@click.option("--count", type=click.IntRange(1), help="Stop after so many.  [default: no limit]")
@click.option("--until-end", is_flag=True, help="Stop at the topic's present end instead of waiting for more.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["auto", "rows", "json"]),
    default="auto",
    help="rows for people, json lines for programs; auto: rows on a terminal.",
)
@click.option("--repeats", is_flag=True, help="Show also what a crash had published again.")
@click.option(
    "--personal",
    is_flag=True,
    help="Show personal data: with --dead-letters the payload, else a user_id that is no pseudonym.",
)
@kafka_options
@topic_options
@debug_option
def main(
    dead_letters: bool,
    start: Start,
    filters: list[Filter],
    count: int | None,
    until_end: bool,
    output: str,
    repeats: bool,
    personal: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Follow the events that come out of the pipeline, or the dead letters, until Ctrl-C.

    \b
    python -m pipelines.tail
    python -m pipelines.tail --from 10m --filter event_name=purchase
    python -m pipelines.tail --dead-letters --from beginning --until-end | jq -r .failure_type | sort | uniq -c
    """
    if not debug:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it logs each attempt to reach a broker that is away
    settings = KafkaSettings.load(options["bootstrap_servers"], options["kafka_config"])
    setting = "DEAD_LETTER_TOPIC" if dead_letters else "ENRICHED_TOPIC"
    name = options[setting.lower()]
    require_topics(settings, {setting: name}, {setting: ("READ",)})
    as_json = output == "json" or (output == "auto" and not sys.stdout.isatty())
    view = View(dead_letters, personal, repeats, filters)
    try:
        topic = Topic(settings, name)
        try:
            topic.begin(start)
            records = topic.records(until_end=until_end, stopped=_stop_signal())
            for document in islice(view.documents(records), count):
                _print(document, None if as_json else view.row)
        finally:
            topic.close()
    except BrokenPipeError:
        # Whoever read has seen enough. Python would complain once more when it flushes at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    except (kafka.errors.KafkaError, OSError) as error:
        raise kafka_problem(error, settings) from error
    click.echo(view.summary(), err=True)


def _print(document: dict[str, Any], row: Callable[[dict[str, Any]], Text] | None) -> None:
    """One line of JSON, or a `row` for people. Raises BrokenPipeError where the reader has gone."""
    if row is None:
        # ASCII: a record could otherwise send control characters to a terminal.
        sys.stdout.write(json.dumps(document, separators=(",", ":")) + "\n")
    else:
        _console.print(row(document), soft_wrap=True)
    sys.stdout.flush()


def _stop_signal() -> Callable[[], bool]:
    """Whether SIGINT or SIGTERM has come. The second one ends the process, should it hang."""
    asked = threading.Event()

    def stop(number: int, frame: object) -> None:
        asked.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return asked.is_set


if __name__ == "__main__":
    raise SystemExit(run(main, unread=0))
