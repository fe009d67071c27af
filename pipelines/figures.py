"""Figures out of the lake's tables, by DuckDB. Duplicates count once: an event is its event_id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines import lake

FUNNEL_STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
_SHOWN_EVENTS = ("search", "add_to_cart", "purchase")
_MINUTES = 60


@dataclass(frozen=True)
class ExampleEvent:
    """An enriched event for people: labels and short texts, the same labels for every event."""

    name: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Revenue:
    """Amounts per minute without gaps, from `first` to `last` (HH:MM, UTC)."""

    amounts: list[float]
    first: str
    last: str
    note: str


def row_counts(database: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows per table."""
    return {name: int(_rows(database, f"select count(*) from {name}")[0][0]) for name in lake.TABLES}  # noqa: S608


def dead_letters_by_reason(database: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """(failure type, dead letters), the most frequent first."""
    return _rows(database, "select failure_type, count(*) from dead_letters group by 1 order by 2 desc, 1")


def revenue_per_minute(database: duckdb.DuckDBPyConnection) -> Revenue | None:
    """Purchases of the last hour of events, in the currency that most of them use; None without purchases.

    Late events are left out: they belong to minutes long gone.
    """
    rows = _rows(
        database,
        f"""
        with purchases as (
            select any_value(date_trunc('minute', derived_at)) as minute,
                   any_value(ecommerce.currency) as currency, any_value(ecommerce.value) as value
            from events where event_name = 'purchase' and not is_late group by lower(event_id)),
        chosen as (from purchases where currency = (select mode(currency) from purchases)),
        span as (
            select date_trunc('minute', max(derived_at)) as last_minute,
                   greatest(date_trunc('minute', min(derived_at)),
                            last_minute - interval {_MINUTES - 1} minutes) as first_minute
            from events where not is_late),
        minutes as (
            select unnest(generate_series(first_minute, last_minute, interval 1 minute)) as minute from span)
        select strftime(minute, '%H:%M'), coalesce(sum(value), 0)::double, count(value), any_value(currency)
        from minutes left join chosen using (minute) group by minute order by minute""",  # noqa: S608
    )
    purchases = sum(row[2] for row in rows)
    if not purchases:
        return None
    currency = next(row[3] for row in rows if row[3])
    total = sum(row[1] for row in rows)
    return Revenue(
        amounts=[row[1] for row in rows],
        first=rows[0][0],
        last=rows[-1][0],
        note=f"{currency}, UTC; {purchases:,} purchases, {total:,.2f} {currency} in all",
    )


def funnel(database: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """(step, sessions that had such an event), in the order of the steps."""
    counted = dict(_rows(database, "select event_name, count(distinct session_id) from events group by event_name"))
    return [(step, counted.get(step, 0)) for step in FUNNEL_STEPS]


def example_events(database: duckdb.DuckDBPyConnection) -> list[ExampleEvent]:
    """One event each of some kinds, those with most to show."""
    return [ExampleEvent(name, _facts(row)) for name in _SHOWN_EVENTS if (row := _example(database, name)) is not None]


def _example(database: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any] | None:
    found = (
        database.execute(
            """
            select strftime(derived_at, '%H:%M:%S') as happened, strftime(received_at, '%H:%M:%S') as arrived,
                   user_pseudonym, geo.country as country, device_class, os, browser, referrer_medium,
                   utm_source, utm_medium, page_path, ecommerce.search_term as search_term, items,
                   catalog_items, cart_value, ecommerce.currency as currency, kafka_partition, kafka_offset
            from events where event_name = ? and not is_late
            order by user_pseudonym is null, utm_source is null, abs(coalesce(len(items), 0) - 2),
                     kafka_partition, kafka_offset
            limit 1""",
            [name],
        )
        .to_arrow_table()
        .to_pylist()
    )
    return found[0] if found else None


def _facts(row: dict[str, Any]) -> dict[str, str]:
    pseudonym = row["user_pseudonym"]
    source = " / ".join(filter(None, (row["utm_source"], row["utm_medium"])))
    return {
        "happened": f"{row['happened']} UTC",
        "arrived": f"{row['arrived']} UTC",
        "who": f"member {pseudonym[:11]}…" if pseudonym else "guest",
        "where": row["country"] or "",
        "device": " · ".join(filter(None, (row["device_class"], row["os"], row["browser"]))),
        "came from": " · ".join(filter(None, (row["referrer_medium"], source))),
        "page": row["page_path"] or "",
        "searched": row["search_term"] or "",
        "items": _items(row["items"] or [], row["catalog_items"] or []),
        "cart value": f"{row['cart_value']:,.2f} {row['currency']}" if row["cart_value"] is not None else "",
        "raw record": f"partition {row['kafka_partition']} offset {row['kafka_offset']}",
    }


def _items(items: list[dict[str, Any]], catalog_items: list[dict[str, Any]]) -> str:
    """The first two items, by their names in the catalogue."""
    names = [
        f"{item['quantity'] or 1} × {(known or {}).get('name') or item['item_name'] or item['item_id']}"
        for item, known in zip(items, catalog_items, strict=False)
    ]
    more = f"\n+ {len(names) - 2} more" if len(names) > 2 else ""
    return "\n".join(names[:2]) + more


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return database.execute(query).fetchall()
