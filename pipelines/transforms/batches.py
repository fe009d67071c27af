"""The facts of one micro-batch that its rows and records name."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Batch:
    """One planned micro-batch.

    `generation` is the streaming query's id: it lives as long as its checkpoint. `planned_at_ms` (milliseconds
    since the epoch) is the batch's time in Spark's offset log, so a replayed batch writes the same times again.
    `offsets` maps each partition of the raw topic `topic_id` to its range [start, end).
    """

    generation: str
    batch_id: int
    planned_at_ms: int
    topic_id: str
    offsets: dict[int, tuple[int, int]]
    pipeline_version: str
    ruleset: str

    @property
    def processed_time(self) -> datetime.datetime:
        """The batch's time, UTC."""
        return datetime.datetime.fromtimestamp(self.planned_at_ms / 1000, datetime.timezone.utc)

    def processed_at(self) -> Column:
        """The batch's time, of records that have `kafka_partition`."""
        return F.timestamp_millis(_constant(self.planned_at_ms))

    def number(self) -> Column:
        """The batch's id, of records that have `kafka_partition`."""
        return _constant(self.batch_id)

    def release(self) -> list[Column]:
        """pipeline_version and ruleset."""
        return [F.lit(self.pipeline_version).alias("pipeline_version"), F.lit(self.ruleset).alias("ruleset")]

    @property
    def processor(self) -> str:
        """Who processed it, as dead letters say."""
        return f"ecommerce-enrich/{self.pipeline_version}"


def _constant(value: int) -> Column:
    """A long that stays out of generated code: Spark writes numbers into it, and would compile it for each batch.

    Arrays it hands over beside the code. The index, always 0, keeps the optimizer from looking inside.
    """
    return F.get(F.array(F.lit(value).cast("long")), F.coalesce("kafka_partition", F.lit(0)) * 0)
