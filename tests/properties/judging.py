"""The whole pipeline over many batches of raw records, and a small input for a claim that fails."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from builders import Raw
from contract_model import Prediction, predict
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms.outcomes import Rules, to_outcomes
from pipelines.transforms.records import enriched_json

_PARTITIONS = 2


@dataclass(frozen=True)
class Judged:
    """A raw record, its outcomes, and those it has among other neighbours, in another order and partition."""

    record: Raw
    rows: list[Row]
    again: list[Row]

    @property
    def outcome(self) -> Row:
        """Its first outcome (there should be no other)."""
        return self.rows[0]

    @property
    def failure_type(self) -> str | None:
        """The failure's type, None if it is accepted."""
        return self.outcome.failure and self.outcome.failure.type

    @cached_property
    def predicted(self) -> Prediction:
        """What the contract says about it."""
        received_at = self.record.row(0)[-2]
        return predict(self.record.bytes, received_at and round(received_at.timestamp()) * 1_000_000)

    def __str__(self) -> str:
        errors = (
            [(e.path, e.keyword) for e in self.outcome.failure.errors] if self.outcome.failure else self.outcome.event
        )
        expected = [c[1:] for c in self.predicted.complaints] or self.predicted.event
        return (
            f"{self.record.bytes!r}\n  is {self.failure_type or 'accepted'}: {errors}"
            f"\n  predicted {self.predicted.failure_type or 'accepted'}: {expected}"
        )


class Judge:
    """`to_outcomes`, planned once: planning takes seconds, and then a batch of thousands about one.

    Spark reads a batch from files in `folder` whenever the plan runs.
    """

    def __init__(self, spark: SparkSession, folder: Path, rules: Rules) -> None:
        self._spark, self._folder = spark, folder
        outcomes = to_outcomes(records_in(spark, folder), rules)
        enriched = F.when(F.col("failure").isNull(), enriched_json())
        columns = [field for field in outcomes.schema if field.name != "judged"]
        self._plan = outcomes.select(*map(_plain, columns), enriched.alias("enriched"))

    def __call__(self, records: Sequence[Raw], choose: random.Random) -> list[Judged]:
        """What becomes of each record; `choose` makes the second order."""
        rows = [record.row(offset) for offset, record in enumerate(records)]
        once = self._outcomes(rows, len(rows) // 2)
        again = self._outcomes(choose.sample(rows, len(rows)), choose.randrange(len(rows) + 1))
        return [Judged(record, once[at], again[at]) for at, record in enumerate(records)]

    def _outcomes(self, rows: list[tuple[Any, ...]], cut: int) -> list[list[Row]]:
        put(self._folder, [rows[:cut], rows[cut:]])
        found: list[list[Row]] = [[] for _ in rows]
        try:
            for row in self._plan.collect():
                found[row.kafka_offset].append(row)
        except Exception as error:
            raise AssertionError(f"Spark fails on {self._culprit(rows)!r}") from error
        return found

    def _culprit(self, rows: list[tuple[Any, ...]]) -> bytes | str:
        """The value of a row that makes the plan fail; where that ended Spark too, the files in which it is."""
        while len(rows) > 1:
            half = rows[: len(rows) // 2]
            put(self._folder, [half, []])
            if self._spark.sparkContext._jsc.sc().isStopped():
                return f"a record in {self._folder}, and ends"
            try:
                self._plan.collect()
                rows = rows[len(half) :]
            except Exception:
                rows = half
        return rows[0][1]

    def smallest(self, failing: Judged, fails: Callable[[Judged], bool]) -> Judged:
        """The record with as many bytes cut out of its value as can go without mending it."""
        size = len(failing.record.bytes or b"") // 2
        while size:
            value = failing.record.bytes or b""
            shorter = [value[:at] + value[at + size :] for at in range(0, len(value), size)]
            judged = self([Raw(one, received_at=failing.record.received_at) for one in shorter], random.Random(0))  # noqa: S311
            still = next(filter(fails, judged), None)
            failing, size = still or failing, size if still else size // 2
        return failing


def records_in(spark: SparkSession, folder: Path) -> DataFrame:
    """Raw records, read from the folder's files whenever an action runs."""
    path = str(folder)

    def load(parts: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        for part in parts:
            with open(f"{path}/{part}.pickle", "rb") as file:
                yield from pickle.load(file)  # noqa: S301

    parts = spark.sparkContext.parallelize(range(_PARTITIONS), _PARTITIONS)
    return spark.createDataFrame(parts.mapPartitions(load), schemas.RAW_RECORD, verifySchema=False)


def put(folder: Path, parts: list[list[tuple[Any, ...]]]) -> None:
    """Rows of `schemas.RAW_RECORD` for the next run, by partition."""
    for number, rows in enumerate(parts):
        (folder / f"{number}.pickle").write_bytes(pickle.dumps(rows))


def _plain(field: T.StructField) -> Column:
    """The column, but times as numbers: Python has neither the year 0 nor 10000."""
    if isinstance(field.dataType, T.TimestampType):
        return F.unix_micros(field.name).alias(field.name)
    return (F.unix_date(field.name) if isinstance(field.dataType, T.DateType) else F.col(field.name)).alias(field.name)
