"""What the page shows, out of the marts: plain rows, no drawing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]

# As many columns as a phone can tell apart.
_MAX_BUCKETS = 60
_BUCKET_MINUTES = (1, 5, 15, 60, 360, 1440, 10_080, 43_200)
_BATCHES = 200

# What is drawn over time: per minute an amount, the things that it comes from, and how many of them were late.
_REVENUE = """
    select minute, revenue as amount, orders as things, late_orders as late_things
    from revenue_per_minute where currency = $currency"""
_SESSIONS = """
    select date_trunc('minute', started_at) as minute, count(*) as amount, count(*) as things,
           count(*) filter (where late_events > 0) as late_things
    from sessions where not is_bot group by 1"""
# Late ones may lie hours before all others: they would only stretch the picture.
_SPAN = """
    with per_minute as ({per_minute}), drawn as (from per_minute where things > late_things)
    select min(minute), max(minute), date_diff('minute', min(minute), max(minute)) + 1 from drawn"""
_EARLIER = """
    with per_minute as ({per_minute})
    select coalesce(sum(things), 0)::int, coalesce(sum(amount), 0) from per_minute where minute < $first"""
# Buckets without anything are there, with 0: a gap is a fact. A column is drawn a little narrower than its time.
_COLUMNS = """
    with per_minute as ({per_minute}),
    buckets as (
        select unnest(generate_series(
            time_bucket(to_minutes($width), $first), $last, to_minutes($width))) as bucket),
    taken as (
        select time_bucket(to_minutes($width), minute) as bucket, sum(amount) as amount, sum(things) as things
        from per_minute where minute >= $first group by 1)
    select strftime(bucket, '%Y-%m-%dT%H:%M:%SZ') as starts_at,
           strftime(bucket + to_seconds($width * 48), '%Y-%m-%dT%H:%M:%SZ') as ends_at,
           strftime(bucket, '%d %b %Y, %H:%M') as when, coalesce(amount, 0)::double as amount,
           coalesce(things, 0)::int as things
    from buckets left join taken using (bucket) order by bucket"""

_TOTALS = """
    select
        (select count(*) from stg_events) as events,
        (select count(*) from stg_dead_letters) as dead_letters,
        (select coalesce(sum(duplicate_records), 0)::bigint from batches) as duplicates,
        (select coalesce(sum(records_in), 0)::bigint from batches) as records,
        (select coalesce(sum(accepted_records), 0)::bigint from batches) as accepted,
        (select count(*) from batches) as batches,
        (select count(*) from stg_events where is_late) as late_events,
        (select count(*) from sessions) as sessions,
        (select count(*) from sessions where is_bot) as bot_sessions,
        (select count(*) from sessions where purchases > 0 and not is_bot) as buying_people,
        (select median(duration_seconds) from sessions where not is_bot) as median_session_seconds,
        (select count(*) from orders) as orders,
        (select strftime(max(processed_at), '%d %b %Y, %H:%M') from batches) as newest_batch,
        (select strftime(min(happened_at), '%d %b %Y, %H:%M') from stg_events) as first_event,
        (select strftime(max(happened_at), '%d %b %Y, %H:%M') from stg_events) as last_event"""
_MONEY = """
    select currency, count(*) as orders, sum(order_value) as revenue, sum(refunded_value) as refunded,
           avg(order_value)::decimal(18, 2) as average_order
    from orders group by currency order by orders desc, currency"""
_FUNNEL = "select step, sum(sessions)::bigint as sessions from funnel group by step, step_number order by step_number"
_SOURCES = """
    select coalesce(referrer_medium, 'unknown') as source, count(*) as sessions,
           count(*) filter (where purchases > 0) as buying_sessions
    from sessions where not is_bot group by 1 order by 2 desc, 1"""
_DEVICES = """
    select coalesce(device_class, 'unknown') as device, count(*) as sessions,
           count(*) filter (where purchases > 0) as buying_sessions
    from sessions where not is_bot group by 1 order by 2 desc, 1"""
_PRODUCTS = """
    select product_name as product, brand, sales.units_sold::bigint as units_sold, sales.revenue,
           item_views::bigint as item_views
    from product_sales as sales join products using (product_id)
    where currency = $currency order by revenue desc, product_id limit 10"""
_REASONS = """
    select failure_type as reason, sum(dead_letters)::bigint as dead_letters
    from data_quality group by 1 order by 2 desc, 1"""
_FIELDS = """
    select case field when '' then '(the whole value)' else field end as field, keyword, failure_type as reason,
           sum(errors)::bigint as errors
    from invalid_fields group by all order by errors desc, field, keyword limit 10"""
_PACE = f"""
    select strftime(processed_at, '%Y-%m-%dT%H:%M:%SZ') as processed_at,
           strftime(processed_at, '%d %b %Y, %H:%M:%S') as when, batch_id, records_in,
           round(records_per_second, 1) as records_per_second, duration_seconds,
           round(average_wait_seconds, 1) as average_wait_seconds, longest_wait_seconds
    from (from batches where records_in > 0 order by processed_at desc limit {_BATCHES}) order by processed_at"""  # noqa: S608


@dataclass(frozen=True)
class Timeline:
    """Columns of `minutes` each, from the first time that was not only late; what lies before that is only counted."""

    minutes: int
    columns: list[Row]
    earlier_things: int
    earlier_amount: Decimal


@dataclass(frozen=True)
class Figures:
    """All that is on the page. Money is of the currency that most orders are in; `money` has a row for each."""

    totals: Row
    money: list[Row]
    revenue: Timeline | None
    sessions: Timeline | None
    funnel: list[Row]
    sources: list[Row]
    devices: list[Row]
    products: list[Row]
    reasons: list[Row]
    fields: list[Row]
    pace: list[Row]


def read_figures(database: Path) -> Figures:
    """Ask the marts in the DuckDB file."""
    with duckdb.connect(str(database), read_only=True) as connection:
        money = _rows(connection, _MONEY)
        currency = {"currency": money[0]["currency"]} if money else {}
        return Figures(
            totals=_rows(connection, _TOTALS)[0],
            money=money,
            revenue=_timeline(connection, _REVENUE, currency) if money else None,
            sessions=_timeline(connection, _SESSIONS, {}),
            funnel=_rows(connection, _FUNNEL),
            sources=_rows(connection, _SOURCES),
            devices=_rows(connection, _DEVICES),
            products=_rows(connection, _PRODUCTS, currency) if money else [],
            reasons=_rows(connection, _REASONS),
            fields=_rows(connection, _FIELDS),
            pace=_rows(connection, _PACE),
        )


def _timeline(connection: duckdb.DuckDBPyConnection, per_minute: str, parameters: Row) -> Timeline | None:
    first, last, minutes = connection.execute(_SPAN.format(per_minute=per_minute), parameters).fetchall()[0]
    if first is None:
        return None
    width = next((each for each in _BUCKET_MINUTES if minutes / each <= _MAX_BUCKETS), _BUCKET_MINUTES[-1])
    drawn = {**parameters, "first": first, "last": last, "width": width}
    columns = _rows(connection, _COLUMNS.format(per_minute=per_minute), drawn)
    earlier = _EARLIER.format(per_minute=per_minute)
    things, amount = connection.execute(earlier, {**parameters, "first": first}).fetchall()[0]
    return Timeline(width, columns, things, amount)


def _rows(connection: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    result = connection.execute(query, parameters or {})
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
