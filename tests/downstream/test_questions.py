"""The three questions on hand-made rows, their dialects, and `ask` on a small lake."""

from __future__ import annotations

import csv
import datetime
import io
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from lakes import small_lake

from pipelines import ask, cli, questions

_EVENTS = """
    create table events (
        event_name varchar, anonymous_id varchar, session_id varchar, event_date date, received_at timestamp,
        kafka_topic_id varchar default 't', kafka_partition int default 0, kafka_offset bigint,
        ecommerce struct(transaction_id varchar, "value" decimal(12,2), currency varchar),
        items struct(item_id varchar, item_name varchar, price decimal(12,2), quantity int)[])"""
DAY = "2026-11-26"


class Events:
    """A table of events in DuckDB; each is a minute after the one before."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._database.execute(_EVENTS)
        self._count = 0

    def add(
        self, event_name: str, session: str = "s", order: str = "", value: str = "0", day: str = DAY, items=()
    ) -> None:
        money = {"transaction_id": order, "value": Decimal(value), "currency": "EUR"} if order else None
        lines = [dict(zip(("item_id", "item_name", "price", "quantity"), item, strict=True)) for item in items]
        self._count += 1
        self._database.execute(
            """insert into events (event_name, anonymous_id, session_id, event_date, received_at, kafka_offset,
                                   ecommerce, items) values (?, 'a', ?, ?, ?, ?, ?, ?)""",
            [event_name, session, day, f"{DAY} 10:{self._count:02}:00", self._count, money, lines or None],
        )

    def answer(self, name: str) -> list[tuple]:
        return self._database.execute(questions.question(name, "DuckDB")).fetchall()


@pytest.fixture
def events() -> Events:
    return Events()


def test_an_order_that_was_reported_twice_counts_once_as_it_was_reported_first(events: Events) -> None:
    events.add("purchase", order="T-1", value="10.50")
    events.add("purchase", order="T-1", value="99.00", day="2026-11-27")
    events.add("purchase", order="T-2", value="4.50")
    events.add("refund", order="T-2", value="4.50")
    assert events.answer("revenue_per_day") == [
        (datetime.date(2026, 11, 26), "EUR", 2, Decimal("15.00"), Decimal("4.50"), Decimal("10.50"))
    ]


def test_a_session_counts_for_a_step_that_it_reached_by_all_steps_before(events: Events) -> None:
    for session in ("1", "2", "3", "4"):
        events.add("view_item", session)
        events.add("view_item", session)
    for session in ("1", "2", "5"):
        events.add("add_to_cart", session)
    for session in ("1", "4", "5"):
        events.add("purchase", session, order=session)
    assert events.answer("funnel") == [
        ("view_item", 4, None, 1.0),
        ("add_to_cart", 2, 0.5, 0.5),
        ("purchase", 1, 0.5, 0.25),
    ]


def test_products_earn_price_times_quantity_of_the_orders_that_count(events: Events) -> None:
    lamp, chair = ("SKU-1", "Lamp", Decimal("10.00"), 3), (None, "Chair", Decimal("20.00"), None)
    events.add("purchase", order="T-1", value="50", items=[lamp, chair])
    events.add("purchase", order="T-1", value="50", items=[lamp])
    events.add("add_to_cart", items=[lamp])
    events.add("purchase", order="T-2", value="10", items=[(*lamp[:3], 1)])
    assert events.answer("top_products") == [
        ("SKU-1", "EUR", "Lamp", 4, Decimal("40.00")),
        ("Chair", "EUR", "Chair", 1, Decimal("20.00")),
    ]


@pytest.mark.parametrize(("name", "rows"), [("revenue_per_day", 0), ("funnel", 3), ("top_products", 0)])
def test_a_lake_without_events_can_be_asked(events: Events, name: str, rows: int) -> None:
    assert len(events.answer(name)) == rows


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        ("DuckDB", "    cross join unnest(items) as line (item)"),
        ("Trino", "    cross join unnest(transform(items, i -> row(i))) as line (item)"),
        ("Athena", "    cross join unnest(transform(items, i -> row(i))) as line (item)"),
        ("Spark", "    lateral view explode(items) line as item"),
    ],
)
def test_each_engine_gets_its_own_line(engine: str, line: str) -> None:
    sql = questions.question("top_products", engine).splitlines()
    before = sql.index("    from reports")
    assert sql[before + 1 : before + 3] == [line, "    where report_number = 1"]


def test_duckdb_takes_the_files_as_they_are(events: Events) -> None:
    events.add("purchase", order="T-1", items=[("SKU-1", "Lamp", Decimal("10.00"), 3)])
    for name in questions.names():
        as_it_is = (questions.FOLDER / f"{name}.sql").read_text()
        assert events._database.execute(as_it_is).fetchall() == events.answer(name)


def run(lake: Path, *arguments: str) -> int:
    return cli.run(ask.main, ["--lake", str(lake), *arguments])


def test_ask_without_a_question_lists_them(tmp_path: Path, capsys) -> None:
    assert run(tmp_path) == 0
    assert "revenue_per_day    What was sold per day?" in capsys.readouterr().out


def test_ask_answers_any_sql_as_csv_where_it_is_piped(tmp_path: Path, capsys, monkeypatch) -> None:
    small_lake(tmp_path / "lake")
    monkeypatch.setattr("sys.stdin", io.StringIO("select count(*) as records, null as nothing from events"))
    assert run(tmp_path / "lake", "-") == 0
    assert capsys.readouterr().out == "records,nothing\n18,\n"


def test_ask_answers_with_times_bytes_and_what_is_nested(tmp_path: Path, capsys, monkeypatch) -> None:
    small_lake(tmp_path / "lake")
    sql = """select to_timestamp(0.5) as at, timestamp '2026-01-01 10:00:00' as local, date '2026-01-01' as day,
                    [{'price': 1.50::decimal(12,2), 'name': 'é'}] as items, 'ab'::blob as bytes, '' as empty,
                    1 as n, 2 as n, map {'x': 1} as counts, interval '1 day 3 hours 500 milliseconds' as lasted"""
    monkeypatch.setattr("sys.stdin", io.StringIO(sql))
    assert run(tmp_path / "lake", "-") == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["at", "local", "day", "items", "bytes", "empty", "n", "n", "counts", "lasted"],
        ["1970-01-01T00:00:00.500000+00:00", "2026-01-01T10:00:00", "2026-01-01",
         '[{"price": "1.50", "name": "é"}]', "6162", "", "1", "2", '{"x": 1}', "P0M1DT10800.5S"],
    ]  # fmt: skip


def test_nothing_in_a_value_can_command_the_terminal(tmp_path: Path, capsys) -> None:
    """Products are named by producers: neither rich's markup nor escapes mean anything in an answer."""
    small_lake(tmp_path / "lake")
    names = ["Mug [large]", "x [/b]", "a\u001b]0;title\u0007", "\u202egnp"]
    union = " union all ".join(f"select '{name}' as \"n [x]\"" for name in names)
    (tmp_path / "own.sql").write_text(union)
    assert run(tmp_path / "lake", str(tmp_path / "own.sql"), "--format", "table") == 0
    shown = capsys.readouterr().out
    assert [text in shown for text in ("n [x]", "Mug [large]", "x [/b]", "a·]0;title·", "·gnp")] == [True] * 5
    assert "\u001b" not in shown


def test_ask_answers_a_file_as_a_table(tmp_path: Path, capsys) -> None:
    small_lake(tmp_path / "lake")
    (tmp_path / "own.sql").write_text("select 'x' as letter, 7 as number")
    assert run(tmp_path / "lake", str(tmp_path / "own.sql"), "--format", "table") == 0
    assert capsys.readouterr().out.split() == ["letter", "number", "─" * 15, "x", "7"]


@pytest.mark.parametrize(
    ("question", "said"),
    [("no_such_question", "neither a question (funnel, revenue_per_day, top_products)"), ("broken.sql", "nothing")],
)
def test_what_cannot_be_asked_is_one_line(tmp_path: Path, capsys, monkeypatch, question: str, said: str) -> None:
    small_lake(tmp_path / "lake")
    monkeypatch.chdir(tmp_path)
    Path("broken.sql").write_text("select nothing from events")
    assert run(tmp_path / "lake", question) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
