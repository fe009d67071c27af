"""One micro-batch on its way to the sinks: judge, count, write the tables, publish, audit; in this order.

Delta first, Kafka second, the audit last: a row in `batch_audit` says that a batch is everywhere. A crash in between
replays the batch; the ledger tells which of its records tables and topics may hold already, and only the others are
written again. What was decided about a record stays decided, even if the rules have changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import sinks, sources
from pipelines.cli import StoppedByPolicy
from pipelines.clients import KafkaSettings, S3Settings
from pipelines.counts import Counts, count
from pipelines.failpoints import reach
from pipelines.lake import DEAD_LETTERS, DUPLICATES, EVENTS, Lake
from pipelines.ledger import Commit, Ledger, Ranges
from pipelines.patience import of_the_store
from pipelines.recent_ids import RecentIds
from pipelines.settings import Topics
from pipelines.transforms.batches import Batch
from pipelines.transforms.duplicates import FOUND, accepted_ids, with_duplicates
from pipelines.transforms.outcomes import unpacked
from pipelines.transforms.records import sink_records
from pipelines.transforms.rows import dead_letter_rows, duplicate_rows, event_rows, with_dead_letter

Plan = Callable[[str, int], Batch]
Report = Callable[[Counts, Batch, float], None]
_COORDINATES = ["kafka_partition", "kafka_offset"]
# Up to so many records a batch costs less if Spark interprets its expressions: for each task it would write the code of
# each of its projections anew, only to find that it has it compiled already.
_INTERPRETED = 20_000


@dataclass(frozen=True)
class Guards:
    """What may keep a batch from being written, by raising.

    `before`: at its beginning; `read`: once its records are read; `write`: before each write.
    """

    before: Callable[[], None]
    read: Callable[[Batch], None]
    write: Callable[[], None]


@dataclass
class Delivery:
    """Writes batches of judged records. `plan` tells what (generation, batch id) covers; `report` hears of each batch.

    `ledger` is what the tables hold, kept up to date; without `recent_ids` nothing is a duplicate. `refusal` is the
    policy or the setting that stopped a batch. `in_hand`: a batch was begun, and did not end well so far.
    """

    kafka: KafkaSettings
    topics: Topics
    lake: Lake
    s3: S3Settings
    max_event_bytes: int
    max_dead_ratio: float | None
    plan: Plan
    report: Report
    guards: Guards
    recent_ids: RecentIds | None
    ledger: Ledger
    refusal: click.ClickException | None = field(default=None, init=False)
    in_hand: bool = field(default=False, init=False)

    def __call__(self, judged: DataFrame, batch_id: int) -> None:
        """Deliver one batch of what `judge` returns (the function that foreachBatch calls)."""
        try:
            self.guards.before()
            generation = judged.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
            batch = self.plan(str(generation), batch_id)
            reach("planned")
            if not self.ledger.lists(batch):
                self._deliver(judged, batch)
        except click.ClickException as refusal:
            self.refusal = refusal
            raise

    def _deliver(self, judged: DataFrame, batch: Batch) -> None:
        started = time.monotonic()
        self.in_hand = True
        seconds: dict[str, float] = {}
        _interpret(judged.sparkSession, batch)
        doubt = self.ledger.doubt_about(batch)
        # One read and one parse of the batch feed all sinks. Nothing that differs between batches may come before
        # this point: a literal in the projections would have Spark compile them again for each batch.
        kept = judged.persist(StorageLevel.MEMORY_AND_DISK)
        try:
            with _timed(seconds, "judge"):
                found = self._with_duplicates(unpacked(kept))
                counts = count(destinations(found))
            self.guards.read(batch)
            reach("cached")
            if not doubt:
                self._refuse_too_many_dead(counts, batch)
            versions = self._write(found, batch, counts, doubt, seconds)
            if doubt:
                # Written in two goes, perhaps under different rules: the tables know.
                counts = count(sources.decided(kept.sparkSession, self.lake, batch.topic_id, batch.offsets))
            self._audit(batch, counts, seconds, versions)
        finally:
            kept.unpersist()
        if self.recent_ids is not None:
            self.recent_ids.commit()
        self.ledger = self.ledger.after(batch, self.topics.raw)
        self.in_hand = False
        self.report(counts, batch, time.monotonic() - started)

    def _with_duplicates(self, judged: DataFrame) -> DataFrame:
        """The index of recent ids lives on the driver: only ids go there, and only what was found comes back."""
        if self.recent_ids is None:
            return with_duplicates(judged, None)
        with of_the_store():
            found: pa.Table = self.recent_ids.find(accepted_ids(judged).toArrow())
        frame = judged.sparkSession.createDataFrame(found, FOUND) if found.num_rows else None
        return with_duplicates(judged, frame)

    def _refuse_too_many_dead(self, counts: Counts, batch: Batch) -> None:
        limit = self.max_dead_ratio
        if limit is not None and counts.dead > limit * counts.records_in:
            reasons = sorted(counts.failures.items(), key=lambda item: (-item[1], item[0]))[:3]
            raise StoppedByPolicy(
                f"Batch {batch.batch_id}: {counts.dead:,} of {counts.records_in:,} records are dead "
                f"({counts.dead / counts.records_in:.0%}), more than MAX_DEAD_RATIO={limit:g} allows "
                f"({', '.join(f'{name} {n:,}' for name, n in reasons)}). Nothing of it was written. Find out why; "
                "then start again with a larger limit, or without one."
            )

    def _write(
        self, judged: DataFrame, batch: Batch, counts: Counts, doubt: Ranges, seconds: dict[str, float]
    ) -> dict[str, int]:
        """Write what is not there yet: into the tables, then to Kafka. Returns the versions that were written."""
        spark, commit = judged.sparkSession, Commit.of(batch, self.topics.raw)
        unwritten, unpublished = judged, judged
        if doubt:
            decided = sources.decided(spark, self.lake, batch.topic_id, doubt)
            unwritten = _without(judged, decided)
            counts = count(destinations(unwritten))
            unpublished = _without(judged, decided.where(F.col("table") == DUPLICATES))
        versions: dict[str, int] = {}

        def write(table: str, records: int, rows: Callable[[], DataFrame]) -> None:
            if records:
                with _timed(seconds, table):
                    self.guards.write()
                    versions[table] = sinks.append(rows(), self.lake, table, commit, once=not doubt)
            reach(f"after_{table}")

        write(EVENTS, counts.accepted, lambda: event_rows(unwritten, batch))
        write(DEAD_LETTERS, counts.dead, lambda: dead_letter_rows(with_dead_letter(unwritten, batch), batch))
        write(DUPLICATES, counts.duplicate, lambda: duplicate_rows(unwritten, batch))
        if doubt:
            unpublished = _without(unpublished, self._published(spark, batch.topic_id, doubt))
        if doubt or counts.accepted or counts.dead:
            with _timed(seconds, "kafka"):
                self.guards.write()
                letters = with_dead_letter(unpublished, batch)
                records = sink_records(letters, batch, self.topics.enriched, self.topics.dead_letter)
                sinks.publish(records, self.kafka, self.max_event_bytes)
        reach("after_kafka")
        return versions

    def _published(self, spark: SparkSession, topic_id: str, doubt: Ranges) -> DataFrame:
        """What of these ranges, all of which the tables have by now, is in the topic where it belongs.

        In the other one it may be too: of an earlier lake, where other rules judged it.
        """
        decided = sources.decided(spark, self.lake, topic_id, doubt)
        belongs = F.when(F.col("table") == EVENTS, self.topics.enriched).otherwise(self.topics.dead_letter)
        published = sources.published(spark, self.kafka, self.topics, topic_id, doubt)
        return published.join(F.broadcast(decided.withColumn("topic", belongs)), on=["topic", *_COORDINATES])

    def _audit(self, batch: Batch, counts: Counts, seconds: dict[str, float], versions: dict[str, int]) -> None:
        row = {
            "generation": batch.generation,
            "batch_id": batch.batch_id,
            "processed_at": batch.processed_time,
            "kafka_topic": self.topics.raw,
            "kafka_topic_id": batch.topic_id,
            "offsets": batch.offsets,
            "records_in": counts.records_in,
            "accepted": counts.accepted,
            "dead": counts.dead,
            "duplicate": counts.duplicate,
            "late": counts.late,
            "failures": counts.failures,
            "seconds": seconds,
            "table_versions": versions,
            "pipeline_version": batch.pipeline_version,
            "ruleset": batch.ruleset,
            "kind": "batch",
        }
        self.guards.write()
        with of_the_store():
            sinks.append_audit(self.lake, self.s3, row, self.ledger.entry(batch, self.topics.raw))
        reach("after_audit")


def _interpret(spark: SparkSession, batch: Batch) -> None:
    """Have a small batch's expressions interpreted, a large one's compiled; both say the same."""
    records = sum(end - start for start, end in batch.offsets.values())
    spark.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN" if records <= _INTERPRETED else "FALLBACK")


def _without(records: DataFrame, held: DataFrame) -> DataFrame:
    """The records whose coordinates `held` does not have. Broadcast: the order of the records stays as it is."""
    return records.join(F.broadcast(held.select(*_COORDINATES)), on=_COORDINATES, how="left_anti")


def destinations(outcomes: DataFrame) -> DataFrame:
    """Which table each outcome goes to: table, failure_type, is_late."""
    kind: Column = F.when(F.col("duplicate_of").isNotNull(), DUPLICATES).when(
        F.col("failure").isNotNull(), DEAD_LETTERS
    )
    return outcomes.select(
        F.coalesce(kind, F.lit(EVENTS)).alias("table"), F.col("failure.type").alias("failure_type"), "is_late"
    )


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[phase] = round(time.monotonic() - started, 3)
