"""What arrives on later days, on a lake in a folder: copies of the shop's rows under other dates."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from analytics_runs import Analytics
from deltalake import write_deltalake
from jobs import Site

from pipelines import lake

# Two sessions, one of which has an order.
_FIRST_DAY = """
    with numbered as (from events order by kafka_partition, kafka_offset)
    select * from events
    where session_id in (
        (select session_id from numbered where event_name = 'purchase' limit 1),
        (select session_id from numbered where event_name <> 'purchase' limit 1))"""
# A record of the first day that arrives {days} days later, and what is different in it.
_LATER = """
    select * replace (
        {changed},
        load_date + {days} as load_date, received_at + to_days({days}) as received_at,
        processed_at + to_days({days}) as processed_at, true as is_late, kafka_offset + 100000 * {days} as kafka_offset)
    from first_day where event_name = 'purchase' limit 1"""
_BATCH = """
    select * replace (processed_at + to_days({days}) as processed_at, batch_id + {days} as batch_id)
    from batch_audit order by processed_at limit 1"""


class Days:
    """A lake in a folder that grows by days."""

    def __init__(self, shop: Site, folder: Path) -> None:
        self._folder = folder
        self._rows = duckdb.connect()
        self._rows.execute("set TimeZone = 'UTC'")
        for name in (lake.EVENTS, lake.DEAD_LETTERS, lake.BATCH_AUDIT):
            self._rows.register(name, shop.table(name))
        self._rows.register("first_day", self._rows.execute(_FIRST_DAY).to_arrow_table())
        self._append(lake.EVENTS, "from first_day")
        self._append(lake.DEAD_LETTERS, "from dead_letters limit 0")
        self._append(lake.BATCH_AUDIT, "from batch_audit")

    def add(self, days: int, *changes: str) -> None:
        """What arrives so many days after the first one: copies of the purchase, each with something changed."""
        for changed in changes:
            self._append(lake.EVENTS, _LATER.format(days=days, changed=changed))
        self._append(lake.BATCH_AUDIT, _BATCH.format(days=days))

    def _append(self, table: str, query: str) -> None:
        rows: pa.Table = self._rows.execute(query).to_arrow_table()
        write_deltalake(str(self._folder / table), rows, mode="append")


@pytest.fixture
def days(shop: Site, tmp_path: Path) -> Days:
    return Days(shop, tmp_path / "lake")


@pytest.fixture
def analytics(shop: Site, tmp_path: Path) -> Analytics:
    return Analytics({**shop.environment, "LAKE_URI": str(tmp_path / "lake")}, tmp_path)


def test_days_that_arrive_later_are_counted_and_days_too_far_back_are_named(days: Days, analytics: Analytics) -> None:
    analytics.build()
    events, orders = analytics.one("select count(*) from stg_events"), analytics.one("select count(*) from orders")
    buyers = "select events, last_load_date from sessions where purchases > 0"
    ((session_events, first_day),) = analytics.ask(buyers)

    resend = "event_id as event_id"
    days.add(10, resend, "'00000000-0000-4000-8000-000000000001' as event_id, 5 as event_fingerprint")
    analytics.build()
    assert analytics.one("select count(*) from stg_events") == events + 1, "the re-send is no event, the other one is"
    assert analytics.ask(buyers) == [(session_events + 1, first_day + timedelta(days=10))]
    assert analytics.one("select count(*) from orders") == orders, "it claims a transaction that there was"
    assert analytics.one("select max(purchase_events) from orders") == 2

    days.add(3, "'00000000-0000-4000-8000-000000000002' as event_id, 6 as event_fingerprint")
    missed = analytics.run("build")
    assert missed.returncode == 1
    assert "failed: test no_event_is_missing" in missed.stdout

    repaired = analytics.run("dbt", "build", "--vars", f"first_arrival_date: {first_day}")
    assert repaired.returncode == 0, repaired.stdout
    assert analytics.one("select count(*) from stg_events") == events + 2
    assert analytics.one("select max(purchase_events) from orders") == 3


def test_models_of_another_lake_are_not_mixed_in(days: Days, shop: Site, analytics: Analytics) -> None:
    elsewhere = Analytics(shop.environment, analytics.folder)
    elsewhere.build()
    of_the_shop = elsewhere.one("select count(*) from stg_events")

    said = analytics.build()

    assert "held the models of another lake" in said
    assert analytics.one("select count(*) from stg_events") < of_the_shop


def test_a_file_of_somebody_else_is_left_alone(days: Days, analytics: Analytics) -> None:
    with duckdb.connect(str(analytics.database)) as connection:
        connection.execute("create table mine as select 1")

    refused = analytics.run("build")

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "was not made by this program" in refused.stderr
    assert analytics.one("from mine") == 1
