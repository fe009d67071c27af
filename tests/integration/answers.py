"""The three questions, answered by DuckDB, by Spark, and by counting what was sent; values as text."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
from jobs import TIMEOUT_SECONDS, Site, json_of

from pipelines import questions
from pipelines.lake import TABLES

Answers = dict[str, list[list[str]]]
_SPARK_ANSWERS = str(Path(__file__).with_name("spark_answers.py"))


def duckdb_answers(site: Site) -> Answers:
    """By DuckDB on what delta-rs reads."""
    database = duckdb.connect()
    for table in TABLES:
        database.register(table, site.open_table(table).to_pyarrow_dataset())
    return {
        name: as_text(database.execute(questions.question(name, "DuckDB")).fetchall()) for name in questions.names()
    }


def spark_answers(site: Site) -> Answers:
    """By Spark, in a process of its own."""
    done = subprocess.run(
        ["spark-submit", _SPARK_ANSWERS, site.environment["LAKE_URI"]],
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def as_text(rows) -> list[list[str]]:
    return [[str(value) for value in row] for row in rows]


def sent_orders(site: Site, manifest: Path) -> dict[str, Decimal]:
    """Order → value, from the raw topic and the generator's word about which records it left as they should be."""
    faults = {(row["partition"], row["offset"]): row["fault"] for row in map(json.loads, manifest.open())}
    good = [json_of(r) for r in site.consume(site.topics.raw) if faults[r.partition, r.offset] is None]
    return {
        event["ecommerce"]["transaction_id"]: Decimal(str(event["ecommerce"]["value"]))
        for event in good
        if event["event_name"] == "purchase"
    }
