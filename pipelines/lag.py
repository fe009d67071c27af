"""How far the stream is behind: ``python -m pipelines.lag [--wait SECONDS]``. Needs no Spark.

Reads:  the raw topic's end offsets; the Delta table `batch_audit`, whose rows mean “delivered everywhere”.
Writes: a line per partition to the terminal. Spark commits no consumer group, so Kafka's own tools see no lag.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import click
import duckdb
import kafka.errors
from kafka import TopicPartition

from pipelines import lake
from pipelines.cli import (
    CONTEXT_SETTINGS,
    ConfigurationError,
    RunFailed,
    debug_option,
    kafka_options,
    lake_options,
    run,
    topic_options,
)
from pipelines.clients import KafkaSettings, S3Settings, kafka_problem
from pipelines.delta_tables import MissingTableError, open_tables
from pipelines.lake import Lake
from pipelines.preflight import check_topics
from pipelines.settings import Topics
from pipelines.terminal import page, plain_table

_POLL_SECONDS = 2.0
_REPORT_SECONDS = 10.0

_DELIVERED = """
    select span.partition, max(span.end_offset)
    from (select unnest(offsets) as span from audit where kafka_topic_id = ?)
    group by span.partition"""


@dataclass(frozen=True)
class Backlog:
    """Next offset to process, end offset and first offset of each partition of the raw topic."""

    delivered: dict[int, int]
    ends: dict[int, int]
    firsts: dict[int, int] = field(default_factory=dict)

    def next_offset(self, partition: int) -> int:
        """The first offset that waits: what Kafka has deleted meanwhile does not."""
        return max(self.delivered.get(partition, 0), self.firsts.get(partition, 0))

    def behind(self, partition: int) -> int:
        """Records of a partition that wait."""
        return max(0, self.ends[partition] - self.next_offset(partition))

    @property
    def total(self) -> int:
        """Records that wait."""
        return sum(map(self.behind, self.ends))


def await_delivery(backlog: Backlog, topic_id: str, place: Lake, s3: S3Settings, seconds: float) -> Backlog:
    """Wait until a backlog is delivered; what is delivered now. Raises RunFailed after `seconds`."""
    began = reported = time.monotonic()
    while backlog.total:
        now = time.monotonic()
        if now - began >= seconds:
            raise RunFailed(
                f"{backlog.total:,} records still wait after {seconds:.0f} s: does pipelines/enrich.py run? Its log "
                "says. A longer --wait gives it more time."
            )
        if now - reported >= _REPORT_SECONDS:
            reported = now
            click.echo(f"{backlog.total:,} records wait ({now - began:.0f} s)", err=True)
        time.sleep(min(_POLL_SECONDS, max(0.1, seconds - (now - began))))
        with suppress(ConfigurationError):  # a store that is away for a moment
            backlog = replace(backlog, delivered=_delivered_so_far(place, s3, topic_id))
    return backlog


def offsets_of(settings: KafkaSettings, topic: str) -> tuple[dict[int, int], dict[int, int]]:
    """Partition → first offset, and → end offset of a topic, as a read_committed consumer sees it."""
    try:
        consumer = settings.consumer(isolation_level="read_committed")
        try:
            partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
            firsts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
            return _by_partition(firsts), _by_partition(ends)
        finally:
            consumer.close()
    except kafka.errors.KafkaError as error:
        raise kafka_problem(error, settings) from error


def _by_partition(offsets: dict[TopicPartition, int]) -> dict[int, int]:
    return {tp.partition: int(offset) for tp, offset in offsets.items()}


def delivered_offsets(place: Lake, s3: S3Settings, topic_id: str) -> dict[int, int]:
    """Partition → next offset after all batches in `batch_audit`. Raises ConfigurationError where it is missing."""
    table = open_tables(place, s3, [lake.BATCH_AUDIT])[lake.BATCH_AUDIT]
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as database:
        database.register("audit", table.to_pyarrow_dataset())
        return dict(database.execute(_DELIVERED, [topic_id]).fetchall())


def _delivered_so_far(place: Lake, s3: S3Settings, topic_id: str) -> dict[int, int]:
    try:
        return delivered_offsets(place, s3, topic_id)
    except MissingTableError:  # the job has not made its tables yet
        return {}


@click.command(context_settings=CONTEXT_SETTINGS)
@click.option(
    "--wait",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Wait, at most so long, until what is in the raw topic now has been delivered.",
)
@kafka_options
@topic_options
@lake_options
@debug_option
def main(wait: float | None, debug: bool, **options: Any) -> None:
    """Show how many raw records wait to be processed, per partition.

    Exit codes: 0 shown, or delivered within --wait; 1 not delivered within --wait; 2 configuration.
    """
    kafka_settings = KafkaSettings.load(options["bootstrap_servers"], options["kafka_config"])
    topics = Topics(options["raw_topic"], options["enriched_topic"], options["dead_letter_topic"])
    place, s3 = Lake(options["lake"]), S3Settings(options["s3_endpoint"], options["s3_region"])
    topic_id = check_topics(kafka_settings, topics)
    firsts, ends = offsets_of(kafka_settings, topics.raw)
    delivered = (delivered_offsets if wait is None else _delivered_so_far)(place, s3, topic_id)
    backlog = Backlog(delivered, ends, firsts)
    if wait is not None:
        backlog = await_delivery(backlog, topic_id, place, s3, wait)
    show(backlog)


def show(backlog: Backlog) -> None:
    """A table of the partitions, and the total."""
    table = plain_table()
    for column in ("partition", "delivered up to", "end", "lag"):
        table.add_column(column, justify="right")
    for partition, end in backlog.ends.items():
        table.add_row(
            str(partition), f"{backlog.next_offset(partition):,}", f"{end:,}", f"{backlog.behind(partition):,}"
        )
    console = page()
    console.print(table)
    console.print(f"{backlog.total:,} records wait.")


if __name__ == "__main__":
    raise SystemExit(run(main))
