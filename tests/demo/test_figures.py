"""The demo's figures are those of the tables: events once, late ones left out where minutes are shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines import figures

NOON = dt.datetime(2026, 5, 4, 12, 0, 30, tzinfo=dt.timezone.utc)
_MONEY = pa.decimal128(12, 2)
_ITEM = pa.struct([("item_id", pa.string()), ("item_name", pa.string()), ("quantity", pa.int32())])
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "event_name", "session_id", "anonymous_id", "user_id")),
        ("derived_at", pa.timestamp("us", "UTC")),
        ("received_at", pa.timestamp("us", "UTC")),
        ("is_late", pa.bool_()),
        ("ecommerce", pa.struct([("value", _MONEY), ("currency", pa.string()), ("search_term", pa.string())])),
        ("geo", pa.struct([("country", pa.string())])),
        ("items", pa.list_(_ITEM)),
        ("catalog_items", pa.list_(pa.struct([("name", pa.string())]))),
        ("cart_value", pa.decimal128(28, 2)),
        *((n, pa.string()) for n in ("user_pseudonym", "device_class", "os", "browser", "referrer_medium")),
        *((n, pa.string()) for n in ("utm_source", "utm_medium", "page_path")),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
    ]
)


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def event(name: str, event_id: str = "e", *, minute: int = 0, **fields: Any) -> dict[str, Any]:
    at = NOON + dt.timedelta(minutes=minute)
    own = {"event_name": name, "event_id": event_id, "derived_at": at, "received_at": at, "is_late": False}
    return {**own, **fields}


def purchase(event_id: str, amount: str, currency: str = "EUR", **fields: Any) -> dict[str, Any]:
    return event("purchase", event_id, ecommerce={"value": Decimal(amount), "currency": currency}, **fields)


def with_events(database: duckdb.DuckDBPyConnection, *rows: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    database.register("events", pa.Table.from_pylist(list(rows), _SCHEMA))
    return database


def test_revenue_has_a_value_for_every_minute(database: duckdb.DuckDBPyConnection) -> None:
    with_events(database, purchase("a", "1.50"), purchase("b", "2.00"), purchase("c", "4.00", minute=3))

    revenue = figures.revenue_per_minute(database)

    assert revenue == figures.Revenue([3.5, 0, 0, 4], "12:00", "12:03", "EUR, UTC; 3 purchases, 7.50 EUR in all")


def test_a_purchase_that_was_sent_twice_is_revenue_once(database: duckdb.DuckDBPyConnection) -> None:
    with_events(database, purchase("a", "1.50"), purchase("A", "1.50"))

    revenue = figures.revenue_per_minute(database)

    assert revenue is not None
    assert revenue.amounts == [1.5]


def test_late_purchases_and_other_currencies_stay_out_of_the_chart(database: duckdb.DuckDBPyConnection) -> None:
    late = purchase("l", "9.00", minute=-300, is_late=True)
    with_events(database, purchase("a", "1.50"), purchase("b", "2.00"), purchase("c", "9.00", "USD"), late)

    revenue = figures.revenue_per_minute(database)

    assert revenue is not None
    assert revenue.amounts == [3.5]


def test_the_chart_ends_with_the_newest_hour(database: duckdb.DuckDBPyConnection) -> None:
    with_events(database, purchase("a", "1.00", minute=-600), purchase("b", "2.00"))

    revenue = figures.revenue_per_minute(database)

    assert revenue is not None
    assert (len(revenue.amounts), revenue.amounts[-1], revenue.first) == (60, 2, "11:01")


@pytest.mark.parametrize("rows", [[], [event("page_view")]])
def test_without_purchases_there_is_no_revenue(database: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    assert figures.revenue_per_minute(with_events(database, *rows)) is None


def test_the_funnel_counts_sessions(database: duckdb.DuckDBPyConnection) -> None:
    with_events(
        database,
        event("view_item", session_id="s1"),
        event("view_item", session_id="s1"),
        event("view_item", session_id="s2"),
        event("add_to_cart", session_id="s1"),
        event("page_view", session_id="s3"),
    )

    assert figures.funnel(database) == [
        ("view_item", 2),
        ("add_to_cart", 1),
        ("begin_checkout", 0),
        ("purchase", 0),
    ]


def test_an_example_shows_no_personal_data(database: duckdb.DuckDBPyConnection) -> None:
    """A user_id that no pseudonym replaced does not show, nor do the other ids of a person."""
    private = {"anonymous_id": "SECRET-1", "user_id": "SECRET-2", "session_id": "SECRET-3"}
    items = [{"item_id": f"sku-{i}", "item_name": f"Item {i}", "quantity": i} for i in (1, 2, 3)]
    known = [{"name": "Known 1"}, {"name": None}, {"name": None}]
    with_events(database, purchase("a", "1.50", items=items, catalog_items=known, kafka_partition=1, **private))

    (example,) = figures.example_events(database)

    assert example.name == "purchase"
    assert example.facts["who"] == "guest"
    assert example.facts["items"] == "1 × Known 1\n2 × Item 2\n+ 1 more"
    assert "SECRET" not in str(example)
