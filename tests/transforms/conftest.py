"""One Spark session for the folder, and the outcomes of every raw record that the tests are about.

Analysing the pipeline's plan takes many seconds however few rows it gets. So a test module names all its
inputs in one TABLE, all tables go through the pipeline together, and the tests look at single outcomes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from builders import TOPIC_ID, Raw, raw
from local_spark import local_spark
from observed import Observed
from pyspark.sql import Row, SparkSession

from pipelines import schemas
from pipelines.reference_data import ReferenceData, load_reference_data
from pipelines.transforms.batches import Batch
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes
from pipelines.transforms.records import sink_records
from pipelines.transforms.rows import dead_letter_rows, event_rows, with_dead_letter

BATCH = Batch(
    generation="00000000-0000-4000-8000-000000000001",
    batch_id=7,
    planned_at_ms=1_772_366_403_004,  # 2026-03-01T12:00:03.004Z
    topic_id=TOPIC_ID,
    offsets={0: (0, 1000)},
    pipeline_version="0.0.0",
    ruleset="ruleset-1",
)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session in UTC, without a user interface."""
    before = {name: os.environ.get(name) for name in ("TZ", "SPARK_LOCAL_IP")}
    os.environ.update(TZ="UTC", SPARK_LOCAL_IP="127.0.0.1")
    time.tzset()  # rows hold instants in the machine's zone
    session = local_spark().config("spark.sql.shuffle.partitions", "1").getOrCreate()
    yield session
    session.stop()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value
    time.tzset()


@pytest.fixture(scope="session")
def batch() -> Batch:
    """The micro-batch that all rows and records name."""
    return BATCH


@pytest.fixture(scope="session")
def reference() -> ReferenceData:
    """The bundled catalogue, referrers and user agents."""
    return load_reference_data()


@pytest.fixture(scope="session")
def everything(
    spark: SparkSession, reference: ReferenceData, request: pytest.FixtureRequest
) -> Callable[[ModuleType], dict[str, Observed]]:
    """What became of a module's TABLE. The tables of all modules with the same RULES go through together."""
    modules = {item.module for item in request.session.items if hasattr(item.module, "TABLE")}
    results: dict[str, dict[str, Observed]] = {}
    failures: dict[str, Exception] = {}

    def outcomes_of(module: ModuleType) -> dict[str, Observed]:
        if module.__name__ in failures:  # do not run it again for each test
            raise failures[module.__name__]
        if module.__name__ not in results:
            alike = [m for m in modules if rules_of(m) == rules_of(module)]
            failures.update(
                {m.__name__: RuntimeError("a record breaks the query: run each module alone") for m in alike}
            )
            records = [raw(value) for m in alike for value in m.TABLE.values()]
            observed = iter(observe(spark, records, reference, **rules_of(module)))
            results.update({m.__name__: {name: next(observed) for name in m.TABLE} for m in alike})
            failures.clear()
        return results[module.__name__]

    return outcomes_of


@pytest.fixture(scope="module")
def outcomes(everything: Any, request: pytest.FixtureRequest) -> dict[str, Observed]:
    """Name → what became of that raw record of the module's TABLE."""
    return everything(request.module)


def rules_of(module: ModuleType) -> dict[str, Any]:
    """What a test module wants other than the defaults: fields of Rules, and `pseudonym_key`."""
    return getattr(module, "RULES", {})


def observe(
    spark: SparkSession,
    records: list[Raw],
    reference: ReferenceData,
    pseudonym_key: bytes | None = None,
    **rules: Any,
) -> list[Observed]:
    """Run the whole pipeline over the records; their offsets are their places in the list."""
    rows = [record.row(offset) for offset, record in enumerate(records)]
    frame = spark.createDataFrame(rows, schemas.RAW_RECORD).coalesce(1)
    enrichment = EnrichmentRules(reference, pseudonym_key=pseudonym_key)
    outcomes = with_dead_letter(to_outcomes(frame, Rules(enrichment, **rules)), BATCH).cache()
    found: dict[str, list[list[Any]]] = {}
    for name, part, offset_of in (
        ("outcomes", outcomes, lambda row: row.kafka_offset),
        ("events", event_rows(outcomes, BATCH), lambda row: row.kafka_offset),
        ("dead_letters", dead_letter_rows(outcomes, BATCH), lambda row: row.kafka_offset),
        ("records", sink_records(outcomes, BATCH, "enriched", "dead"), source_offset),
    ):
        found[name] = [[] for _ in records]
        for row in part.collect():
            found[name][offset_of(row)].append(row)
    outcomes.unpersist()
    return [Observed(*parts) for parts in zip(*found.values(), strict=True)]


def source_offset(record: Row) -> int:
    """The offset of the raw record that a Kafka record names; ours is the last header of that name."""
    return next(int(value) for key, value in reversed(record.headers) if key == "source.offset")
