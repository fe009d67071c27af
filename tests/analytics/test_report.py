"""The page has the marts' figures in it, needs nothing but itself, and is what it says in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from analytics_runs import PYTHON, TIMEOUT_SECONDS, Analytics
from deltalake import write_deltalake
from jobs import Site

from pipelines import lake

CHARTS = {"revenue", "products", "funnel", "devices", "timeline", "sources", "reasons", "throughput", "waits"}


class Page(HTMLParser):
    """What a reader gets of the page: its text, its charts, and what it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.fetched: list[str] = []
        self.scripts: list[str] = []
        self._within: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag if tag in {"script", "style"} else None
        if tag == "script":
            self.scripts.append("")
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]

    def handle_endtag(self, tag: str) -> None:
        self._within = None

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] += data
        elif self._within is None:
            self.text += f" {data.strip()}"

    @property
    def charts(self) -> dict[str, list[dict[str, Any]]]:
        """Rows per chart."""
        return {name: spec["data"]["values"] for name, spec in self._specs().items()}

    def _specs(self) -> dict[str, Any]:
        """As Vega-Lite gets them: layers share one table, which Altair may have moved to the top."""
        return {name: _with_rows(spec) for name, spec in json.loads(self.scripts[0]).items()}


def _with_rows(spec: dict[str, Any]) -> dict[str, Any]:
    return spec if "data" in spec else {**spec, "data": spec["layer"][0]["data"]}


@dataclass(frozen=True)
class Drawn:
    """A page and the models that it shows."""

    models: Analytics
    html: str

    @property
    def page(self) -> Page:
        return Page(self.html)


def draw(models: Analytics) -> Drawn:
    done = models.run("report", "--no-build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(models.page) in done.stdout
    return Drawn(models, models.page.read_text(encoding="utf-8"))


@pytest.fixture
def drawn(models: Analytics) -> Drawn:
    return draw(models)


def test_the_tiles_are_the_marts_totals(drawn: Drawn) -> None:
    totals = """
        select (select sum(order_value) from orders), (select count(*) from orders), (select count(*) from sessions),
               (select count(*) from stg_events), (select sum(dead_letters) from data_quality),
               (select sum(records_in) from batches)"""
    ((revenue, orders, sessions, events, dead_letters, records),) = drawn.models.ask(totals)
    text = drawn.page.text
    assert f"Revenue €{revenue:,.2f}" in text
    assert f"Orders {orders:,}" in text
    assert f"Sessions {sessions:,}" in text
    assert f"Events {events:,}" in text
    assert f"{dead_letters:,} of {records:,} records" in text


def test_the_charts_are_the_marts_rows(drawn: Drawn) -> None:
    charts = drawn.page.charts
    assert set(charts) == CHARTS
    on_time = """
        select sum(revenue) from revenue_per_minute where currency = (select mode(currency) from orders)
        and minute >= (select min(minute) from revenue_per_minute where orders > late_orders)"""
    assert sum(row["amount"] for row in charts["revenue"]) == pytest.approx(float(drawn.models.one(on_time)))
    funnel = drawn.models.ask("select sum(sessions)::int from funnel group by step_number order by step_number")
    assert [row["number"] for row in charts["funnel"]] == [sessions for (sessions,) in funnel]
    reasons = "select failure_type, sum(dead_letters)::int from data_quality group by 1 order by 2 desc, 1"
    assert [(row["name"], row["number"]) for row in charts["reasons"]] == drawn.models.ask(reasons)
    top = """
        select product_name from product_sales join products using (product_id)
        order by revenue desc, product_id limit 10"""
    assert [row["name"] for row in charts["products"]] == [name for (name,) in drawn.models.ask(top)]
    batches = "select records_in from batches where records_in > 0 order by processed_at"
    assert [row["records_in"] for row in charts["throughput"]] == [n for (n,) in drawn.models.ask(batches)]


def test_every_chart_has_its_figures_as_a_table_too(drawn: Drawn) -> None:
    text = drawn.page.text
    for rows in drawn.page.charts.values():
        for row in rows:
            assert str(row.get("name", row.get("when"))) in text


def test_the_page_needs_nothing_but_itself(drawn: Drawn) -> None:
    assert drawn.page.fetched == []
    assert re.search(r"""Content-Security-Policy" content="default-src 'none';""", drawn.html)
    assert not re.search(r"@import|url\(", drawn.html.partition("</style>")[0])
    assert len(drawn.html) < 1_500_000


def test_what_a_product_is_called_does_not_become_part_of_the_page(models: Analytics, tmp_path: Path) -> None:
    copy = Analytics(models.environment, tmp_path)
    shutil.copy(models.database, copy.database)
    name = "</script><img src=http://example.org/x onerror=alert(1)>"
    with duckdb.connect(str(copy.database)) as connection:
        connection.execute("update products set product_name = $1", [name])

    page = draw(copy).page

    assert page.fetched == []
    assert page.charts["products"][0]["name"] == name
    assert name in page.text


def test_an_empty_lake_has_models_and_a_page(shop: Site, tmp_path: Path) -> None:
    for name in (lake.EVENTS, lake.DEAD_LETTERS, lake.BATCH_AUDIT):
        write_deltalake(str(tmp_path / "lake" / name), shop.table(name).slice(0, 0))
    models = Analytics({**shop.environment, "LAKE_URI": str(tmp_path / "lake")}, tmp_path)

    done = models.run("report")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no batch yet" in done.stdout
    page = Page(models.page.read_text(encoding="utf-8"))
    assert page.charts == {}
    assert "The lake holds no batch yet" in page.text


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium (Debian: apt install chromium)")
def test_a_browser_without_a_network_draws_it_on_phone_and_desk_by_day_and_by_night(
    drawn: Drawn, tmp_path: Path
) -> None:
    command = [str(PYTHON), str(Path(__file__).with_name("look_at_page.py")), str(drawn.models.page), str(tmp_path)]
    seen = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS)
    looks = [json.loads(line) for line in seen.stdout.splitlines()]

    assert [(look["screen"], look["scheme"]) for look in looks] == [
        ("phone", "light"), ("phone", "dark"), ("desk", "light"), ("desk", "dark")
    ]  # fmt: skip
    for look in looks:
        assert (look["complaints"], look["charts"], look["drawn"]) == ([], len(CHARTS), len(CHARTS)), look
        assert not look["overflows"], look
    assert len({look["paper"] for look in looks}) == 2
