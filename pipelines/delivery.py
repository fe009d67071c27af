"""One micro-batch on its way to the sinks: count, write the tables, publish, audit; in this order.

Delta first, Kafka second, the audit last: a crash in between replays the same batch under the same id, the
tables skip what they have, Kafka may see the batch twice, and an audit row says that a batch is everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines import schemas, sinks
from pipelines.clients import KafkaSettings
from pipelines.lake import BATCH_AUDIT, DEAD_LETTERS, EVENTS, Lake
from pipelines.settings import Topics
from pipelines.transforms.batches import Batch
from pipelines.transforms.records import sink_records
from pipelines.transforms.rows import dead_letter_rows, event_rows, with_dead_letter

Plan = Callable[[str, int], Batch]
Report = Callable[["Counts", Batch, float], None]


@dataclass(frozen=True)
class Counts:
    """How many records of a batch had which outcome."""

    records_in: int = 0
    late: int = 0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def dead(self) -> int:
        """Dead records."""
        return sum(self.failures.values())

    @property
    def accepted(self) -> int:
        """Accepted records."""
        return self.records_in - self.dead


@dataclass(frozen=True)
class Delivery:
    """Writes batches of outcomes. `plan` tells what (generation, batch id) covers; `report` hears of each batch.

    `before` runs first and may raise to keep a batch from being written.
    """

    kafka: KafkaSettings
    topics: Topics
    lake: Lake
    max_event_bytes: int
    plan: Plan
    report: Report
    before: Callable[[], None]

    def __call__(self, outcomes: DataFrame, batch_id: int) -> None:
        """Deliver one batch (the function that foreachBatch calls)."""
        self.before()
        started = time.monotonic()
        generation = outcomes.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        batch = self.plan(str(generation), batch_id)
        seconds: dict[str, float] = {}
        # One read and one parse of the batch feed all sinks. Nothing that differs between batches may come before
        # this point: a literal in the wide projections would have Spark compile them again for each batch.
        kept = outcomes.persist(StorageLevel.MEMORY_AND_DISK)
        try:
            with _timed(seconds, "count"):
                counts = count(kept)
            versions = self._write(kept, batch, counts, seconds)
            self._audit(kept, batch, counts, seconds, versions)
        finally:
            kept.unpersist()
        self.report(counts, batch, time.monotonic() - started)

    def _write(self, kept: DataFrame, batch: Batch, counts: Counts, seconds: dict[str, float]) -> dict[str, int]:
        versions = {}
        if counts.accepted:
            with _timed(seconds, EVENTS):
                versions[EVENTS] = sinks.append(event_rows(kept, batch), self.lake, EVENTS, batch)
        if counts.dead:
            with _timed(seconds, DEAD_LETTERS):
                rows = dead_letter_rows(with_dead_letter(kept, batch), batch)
                versions[DEAD_LETTERS] = sinks.append(rows, self.lake, DEAD_LETTERS, batch)
        if counts.records_in:
            with _timed(seconds, "kafka"):
                records = sink_records(
                    with_dead_letter(kept, batch), batch, self.topics.enriched, self.topics.dead_letter
                )
                sinks.publish(records, self.kafka, self.max_event_bytes)
        return versions

    def _audit(
        self,
        kept: DataFrame,
        batch: Batch,
        counts: Counts,
        seconds: dict[str, float],
        versions: dict[str, int],
    ) -> None:
        spark = kept.sparkSession
        row = {
            "generation": batch.generation,
            "batch_id": batch.batch_id,
            "processed_at": batch.processed_time,
            "kafka_topic": self.topics.raw,
            "kafka_topic_id": batch.topic_id,
            "offsets": [(p, start, end) for p, (start, end) in batch.offsets.items()],
            "records_in": counts.records_in,
            "accepted": counts.accepted,
            "dead": counts.dead,
            "duplicate": 0,
            "late": counts.late,
            "failures": counts.failures,
            "seconds": seconds,
            "table_versions": versions,
            "pipeline_version": batch.pipeline_version,
            "ruleset": batch.ruleset,
            "kind": "batch",
            "reason": None,
        }
        values = tuple(row[name] for name in schemas.BATCH_AUDIT.names)
        audit = spark.createDataFrame([values], schemas.BATCH_AUDIT).coalesce(1)
        sinks.append(audit, self.lake, BATCH_AUDIT, batch)


def count(outcomes: DataFrame) -> Counts:
    """Count outcomes by failure type; a row per type comes to the driver."""
    by_type = outcomes.groupBy(F.col("failure.type").alias("failure_type")).agg(
        F.count(F.lit(1)).alias("records"), F.count_if("is_late").alias("late")
    )
    rows: list[Any] = by_type.collect()
    return Counts(
        records_in=sum(row.records for row in rows),
        late=sum(row.late for row in rows if row.failure_type is None),
        failures={row.failure_type: row.records for row in rows if row.failure_type is not None},
    )


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[phase] = round(time.monotonic() - started, 3)
