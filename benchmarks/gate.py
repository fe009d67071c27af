"""Correctness first: is what a system wrote what it had to write? A run that fails this scores nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from deltalake import DeltaTable

from benchmarks.expected import COLUMNS, FIELDS, TEXTS, Expectations, catalog_text, digest
from benchmarks.ground import BUCKET, Ground

REASON_HEADERS = ("reason", "dlq.failure.type")
LAKE_COLUMNS = ("event_id", *TEXTS, "lateness_ms", "cart_value", "catalog_items")


def differences(sink: str, found: pl.DataFrame, expected: pl.DataFrame, *, repeats: bool = False) -> list[str]:
    """What is wrong with a sink's rows, a line each: ids that are missing, invented or doubled, then field by field.

    With `repeats` (after a crash) a Kafka topic may hold rows twice.
    """
    problems = []
    missing = expected.join(found, "event_id", "anti")
    invented = found.join(expected, "event_id", "anti")
    doubled = found.height - found["event_id"].n_unique()
    for count, what, rows in ((missing.height, "missing", missing), (invented.height, "invented", invented)):
        if count:
            problems.append(f"{sink}: {count:,} events are {what}, e.g. {rows['event_id'][0]}")
    if doubled and not repeats:
        problems.append(f"{sink}: {doubled:,} events are there more than once")
    both = expected.join(found.unique("event_id"), "event_id", suffix="_found")
    for name in FIELDS:
        wrong = both.filter(~pl.col(name).eq_missing(pl.col(f"{name}_found")))
        if wrong.height:
            row = wrong.row(0, named=True)
            told = f"{row[name]!r} expected, {row[f'{name}_found']!r} found in {row['event_id']}"
            problems.append(f"{sink}: {name} differs in {wrong.height:,} events, e.g. {told}")
    return problems


def dead_letter_differences(messages: Iterable[Any], expected: Expectations, *, repeats: bool = False) -> list[str]:
    """What is wrong with the dead letters: reasons, bytes."""
    found: Counter[tuple[str, bytes]] = Counter()
    for message in messages:
        found[reason_of(message.headers()), digest(message.value() or b"")] += 1
    if repeats:
        found = Counter({letter: min(count, expected.dead[letter]) or count for letter, count in found.items()})
    if found == expected.dead:
        return []
    reasons: Counter[str] = Counter()
    for (reason, _), count in found.items():
        reasons[reason] += count
    if reasons == expected.reasons:
        return [f"dead letters: {(found - expected.dead).total():,} have not the original bytes"]
    told = ", ".join(f"{r}: {reasons[r]:,} of {expected.reasons[r]:,}" for r in sorted({*reasons, *expected.reasons}))
    return [f"dead letters: reasons differ: {told}"]


def reason_of(headers: list[tuple[str, bytes]] | None) -> str:
    """The reason that a dead letter's headers give."""
    given = dict(headers or ())
    return next((given[name].decode() for name in REASON_HEADERS if given.get(name)), "none")


def from_kafka(messages: Iterable[Any]) -> pl.DataFrame:
    """The enriched topic's records as canonical rows."""
    return pl.DataFrame(list(_rows(messages)), schema=COLUMNS, orient="row")


def _rows(messages: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    for message in messages:
        value = message.value()
        event = orjson.loads(value)
        added = event["enrichment"]
        cart = added.get("cart_value")
        yield (
            event["event_id"].lower(),
            *[added.get(name) for name in TEXTS],
            added.get("lateness_ms"),
            None if cart is None else round(Decimal(str(cart)) * 100),
            catalog_text(added.get("catalog_items") or []),
        )


def from_lake(ground: Ground, prefix: str, is_delta: bool) -> pl.DataFrame:
    """The lake table's rows as canonical rows."""
    rows = pl.from_arrow(lake_table(ground, prefix, LAKE_COLUMNS, is_delta=is_delta))
    if not isinstance(rows, pl.DataFrame):
        raise TypeError(f"{prefix} is no table")
    return canonical(rows)


def canonical(rows: pl.DataFrame) -> pl.DataFrame:
    """The lake's columns in the form in which they are compared."""
    entry = pl.element().struct
    names = [entry.field(name).fill_null("") for name in ("item_id", "name", "brand", "category")]
    catalog = pl.col("catalog_items").list.eval(pl.concat_str(names, separator="|")).list.join(";").fill_null("")
    return rows.select(
        pl.col("event_id").str.to_lowercase(),
        *[pl.col(name).cast(pl.String) for name in TEXTS],
        pl.col("lateness_ms").cast(pl.Int64),
        cart_cents=(pl.col("cart_value").cast(pl.Float64) * 100).round().cast(pl.Int64),
        catalog_items=catalog,
    )


def lake_table(
    ground: Ground, prefix: str, columns: tuple[str, ...] | None = None, *, is_delta: bool = True
) -> pa.Table:
    """The table `events` below a prefix: Delta, or a folder of Parquet files."""
    wanted = None if columns is None else list(columns)
    if is_delta:
        options = ground.s3.for_deltalake()
        return DeltaTable(f"s3://{BUCKET}/{prefix}/events", storage_options=options).to_pyarrow_table(columns=wanted)
    store = pyarrow.fs.S3FileSystem(
        access_key=ground.environment["AWS_ACCESS_KEY_ID"],
        secret_key=ground.environment["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=re.sub(r"^https?://", "", ground.environment["AWS_ENDPOINT_URL"]),
        scheme="http",
        region=ground.environment["AWS_REGION"],
    )
    return pq.read_table(f"{BUCKET}/{prefix}/events", filesystem=store, columns=wanted)
