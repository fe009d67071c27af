"""The models' totals are those of the lake and of the generator, and what arrives later is counted, once."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from analytics_runs import Analytics
from jobs import Site

from pipelines import figures, lake

ACCEPTED = {None, "late"}


@dataclass(frozen=True)
class Sent:
    """What the generator sent and the contract accepts, from its manifest and the raw topic."""

    events: list[dict[str, Any]]
    faults: Counter[str | None]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event_name"] == name]

    @property
    def revenue(self) -> Decimal:
        return sum((event["ecommerce"]["value"] for event in self.named("purchase")), Decimal(0))


@pytest.fixture(scope="module")
def sent(shop: Site) -> Sent:
    manifest = [json.loads(line) for line in (shop.folder / "manifest.jsonl").read_text().splitlines()]
    values = {(r.partition, r.offset): r.value for r in shop.consume(shop.topics.raw)}
    good = [values[row["partition"], row["offset"]] for row in manifest if row["fault"] in ACCEPTED]
    events = [json.loads(value, parse_float=Decimal) for value in good]
    return Sent(events, Counter(row["fault"] for row in manifest))


@pytest.fixture(scope="module")
def tables(shop: Site, models: Analytics) -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake's tables in DuckDB, as they are after the first build."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in lake.TABLES:
            connection.register(name, shop.table(name))
        yield connection


def test_accepted_events_purchases_and_revenue_are_the_generators(models: Analytics, sent: Sent) -> None:
    assert len(sent.named("purchase")) > 5, "too few to prove anything"
    assert models.one("select count(*) from stg_events") == len(sent.events)
    assert models.one("select sum(events) from sessions") == len(sent.events)
    assert models.one("select count(*) from sessions") == len(
        {(e["anonymous_id"], e["session_id"]) for e in sent.events}
    )
    assert models.one("select count(*) from orders") == len(sent.named("purchase"))
    assert models.one("select sum(order_value) from orders") == sent.revenue
    assert models.one("select sum(revenue) from revenue_per_minute") == sent.revenue
    sold = [item for event in sent.named("purchase") for item in event["items"]]
    assert models.one("select sum(units_sold) from product_sales") == sum(item["quantity"] for item in sold)
    assert models.one("select sum(revenue) from product_sales") == sum(i["price"] * i["quantity"] for i in sold)


def test_dead_letters_and_duplicates_are_the_injected_faults(models: Analytics, sent: Sent) -> None:
    faults = sent.faults
    dead = sum(faults[name] for name in ("malformed", "missing_field", "wrong_type", "bad_timestamp"))
    assert models.one("select sum(dead_letters) from data_quality") == dead > 0
    assert models.one("select sum(duplicate_records) from batches") == faults["duplicate"] > 0
    assert models.one("select count(*) from stg_events where is_late") == faults["late"] > 0


def test_marts_sum_up_to_the_lakes_tables(models: Analytics, tables: duckdb.DuckDBPyConnection) -> None:
    reasons = "select failure_type, sum(dead_letters)::bigint from data_quality group by 1 order by 2 desc, 1"
    assert models.ask(reasons) == figures.dead_letters_by_reason(tables)
    steps = "select step, sum(sessions)::bigint from funnel group by step, step_number order by step_number"
    assert models.ask(steps) == figures.funnel(tables)
    per_minute = """
        select date_trunc('minute', derived_at)::timestamp, sum(ecommerce.value), count(*) from events
        where event_name = 'purchase' group by 1 order by 1"""
    minutes = "select minute, revenue, orders from revenue_per_minute order by 1"
    assert models.ask(minutes) == tables.execute(per_minute).fetchall()
    customers = "select count(distinct user_pseudonym) from events"
    assert models.ask("select count(*) from customers") == tables.execute(customers).fetchall()
    audit = "select sum(records_in), sum(accepted), sum(dead), sum(duplicate) from batch_audit"
    batches = "select sum(records_in), sum(accepted_records), sum(dead_records), sum(duplicate_records) from batches"
    assert models.ask(batches) == tables.execute(audit).fetchall()


def test_nothing_that_was_private_is_in_the_models(models: Analytics, sent: Sent) -> None:
    """Addresses, user ids, and what dead letters hold."""
    everything = repr(models.contents())
    private = {str(event[name]) for event in sent.events for name in ("ip_address", "user_id") if event.get(name)}
    assert private
    assert [value for value in private if value in everything] == []


def test_a_second_run_changes_nothing_and_late_events_are_counted(shop: Site, models: Analytics, sent: Sent) -> None:
    before = models.contents()
    models.build()
    assert models.contents() == before

    purchase = sent.named("purchase")[0]
    session = f"from sessions where session_id = '{purchase['session_id']}'"
    ((events, late_events, purchases),) = models.ask(f"select events, late_events, purchases {session}")
    dead_letters = models.one("select sum(dead_letters) from data_quality")
    late = {**purchase, "event_id": str(uuid.uuid4()), "event_time": "2026-01-02T03:04:05Z", "sent_at": None}
    late["ecommerce"] = {**purchase["ecommerce"], "transaction_id": "T-LATE", "value": Decimal("1234.50")}
    producer = shop.kafka.producer()
    for value in (json.dumps(late, default=float).encode(), b"not json"):
        producer.send(shop.topics.raw, value=value, key=purchase["anonymous_id"].encode())
    producer.flush()
    producer.close()
    shop.drain()
    said = models.build()

    assert re.search(rf"stg_events\s+{len(sent.events) + 1:,}", said)
    assert models.one("select sum(order_value) from orders") == sent.revenue + Decimal("1234.50")
    minute = "select orders, late_orders, revenue from revenue_per_minute where minute = '2026-01-02 03:04:00'"
    assert models.ask(minute) == [(1, 1, Decimal("1234.50"))]
    assert models.ask(f"select events, late_events, purchases {session}") == [
        (events + 1, late_events + 1, purchases + 1)
    ]
    assert models.one(f"select started_at::varchar {session}") == "2026-01-02 03:04:05"
    assert models.one("select sum(dead_letters) from data_quality") == dead_letters + 1
