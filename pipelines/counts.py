"""How many records of a batch had which outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.lake import DEAD_LETTERS, DUPLICATES, EVENTS


@dataclass(frozen=True)
class Counts:
    """Records by outcome; `late` are accepted, `failures` counts dead ones by failure type."""

    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def dead(self) -> int:
        """Dead records."""
        return sum(self.failures.values())

    @property
    def records_in(self) -> int:
        """All of them."""
        return self.accepted + self.dead + self.duplicate

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        names = {**self.failures, **other.failures}
        return Counts(
            self.accepted + other.accepted,
            self.duplicate + other.duplicate,
            self.late + other.late,
            {name: self.failures.get(name, 0) + other.failures.get(name, 0) for name in names},
        )

    def __str__(self) -> str:
        duplicates = f" + {self.duplicate:,} duplicate" if self.duplicate else ""
        return f"{self.records_in:,} in = {self.accepted:,} accepted + {self.dead:,} dead{duplicates}"


def count(records: DataFrame) -> Counts:
    """Count rows of (table, failure_type, is_late): which table each record goes to. Some rows come to the driver."""
    kinds: list[Any] = (
        records.groupBy("table", "failure_type")
        .agg(F.count(F.lit(1)).alias("records"), F.count_if("is_late").alias("late"))
        .collect()
    )
    totals = {table: sum(row.records for row in kinds if row.table == table) for table in (EVENTS, DUPLICATES)}
    return Counts(
        accepted=totals[EVENTS],
        duplicate=totals[DUPLICATES],
        late=sum(row.late for row in kinds if row.table == EVENTS),
        failures={row.failure_type: row.records for row in kinds if row.table == DEAD_LETTERS},
    )
