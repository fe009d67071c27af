"""Small batches are interpreted, large ones compiled (`pipelines/delivery.py`): both say the same of every record."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import raw
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from pipelines import schemas
from pipelines.reference_data import ReferenceData
from pipelines.transforms.batches import Batch
from pipelines.transforms.duplicates import FOUND, with_duplicates
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes
from pipelines.transforms.records import sink_records
from pipelines.transforms.rows import dead_letter_rows, duplicate_rows, event_rows, with_dead_letter

MODE = "spark.sql.codegen.factoryMode"
PARTS: dict[str, Callable[[DataFrame, Batch], DataFrame]] = {
    "events": event_rows,
    "dead letters": lambda outcomes, batch: dead_letter_rows(with_dead_letter(outcomes, batch), batch),
    "duplicates": duplicate_rows,
    "Kafka records": lambda outcomes, batch: sink_records(with_dead_letter(outcomes, batch), batch, "enriched", "dead"),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession, reference: ReferenceData) -> DataFrame:
    """The outcomes of all records that the tests of this folder are about; each tenth one is a duplicate."""
    modules = [importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    tables = [module.TABLE for module in modules if hasattr(module, "TABLE")]
    records = [raw(value).row(offset) for offset, value in enumerate(v for table in tables for v in table.values())]
    finds = [(0, offset, 0, offset - 1) for offset in range(1, len(records), 10)]
    judged = to_outcomes(spark.createDataFrame(records, schemas.RAW_RECORD), Rules(EnrichmentRules(reference)))
    return with_duplicates(judged, spark.createDataFrame(finds, FOUND))


@pytest.fixture
def mode(spark: SparkSession) -> Iterator[Callable[[str], None]]:
    """Sets the session's mode until the test ends."""
    yield lambda mode: spark.conf.set(MODE, mode)
    spark.conf.unset(MODE)


@pytest.mark.parametrize("part", PARTS)
def test_interpreted_and_compiled_batches_are_the_same(spark, batch, outcomes, mode, part):
    frames = []
    for name in ("NO_CODEGEN", "CODEGEN_ONLY"):
        mode(name)
        rows = PARTS[part](outcomes, batch)
        frames.append(spark.createDataFrame(rows.collect(), rows.schema))
    assert frames[0].count() > 5
    assert_df_equality(*frames, ignore_row_order=False)
