"""Distributions of long runs against the figures of the profiles."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest
from raw_contract import parse_time
from simulated_time import NOW_MS

from generator.catalog import Popularity, load_catalog
from generator.chance import Chance
from generator.columns import joined
from generator.personas import CODE, EVENT_NAMES
from generator.profiles import PROFILES
from generator.shop import Shop
from generator.simulation import Simulation
from generator.visits import GAP_MEDIAN_SECONDS, GAP_SIGMA

POPULARITY = Popularity(load_catalog())


def long_run(profile: str, events: int):
    """(all steps, number of visitors) of a shop in which everybody who comes back does so soon."""
    rules = PROFILES[profile]
    kinds = np.ones(len(POPULARITY.products), np.int64)
    simulation = Simulation(POPULARITY, kinds, rules, Chance(5, "shop"))
    shop = Shop(simulation, rules, Chance(5, "traffic"), 500, sooner=500)
    steps, visitors = [], 0
    for _, found in shop.windows(lambda _: None):
        steps += [each.steps for each in found]
        visitors += sum(int((each.visitors.visits == 1).sum()) for each in found)
        if sum(len(each.at) for each in steps) > events:
            return steps, visitors
    raise AssertionError


@pytest.fixture(scope="module", params=["steady", "engaged", "black-friday"])
def run(request):
    steps, visitors = long_run(request.param, 450_000)
    codes = sum((Counter(each.code.tolist()) for each in steps), Counter())
    return PROFILES[request.param], {name: codes[CODE[name]] for name in EVENT_NAMES}, visitors, steps


def test_funnel_and_events_per_visitor_are_the_profiles(run):
    profile, counts, visitors, _ = run
    figures = profile.figures
    views, carts, purchases = counts["view_item"], counts["add_to_cart"], counts["purchase"]
    assert carts / views == pytest.approx(figures.carts_per_view, rel=0.06)
    assert purchases / carts == pytest.approx(figures.purchases_per_cart, rel=0.06)
    assert (views + carts + purchases) / visitors == pytest.approx(figures.events_per_visitor, rel=0.05)
    assert sum(counts.values()) / visitors == pytest.approx(profile.steps_per_visitor, rel=0.05)


def test_gaps_are_log_normal(run):
    gaps = []
    for steps in run[3][:40]:
        order = np.lexsort((steps.number, steps.visit))
        visit, at = steps.visit[order], steps.at[order]
        gaps.append(np.diff(at)[visit[1:] == visit[:-1]])
    logs = np.log(np.concatenate(gaps) / 1000)
    assert logs.mean() == pytest.approx(math.log(GAP_MEDIAN_SECONDS), abs=0.02)
    assert logs.std() == pytest.approx(GAP_SIGMA, rel=0.02)
    assert ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3 == pytest.approx(0, abs=0.05)


def test_products_are_wanted_by_zipfs_law(run):
    steps = joined(run[3])
    views = np.bincount(steps.product[steps.code == CODE["view_item"]], minlength=len(POPULARITY.products))
    ranked = np.sort(views)[::-1][:100]
    slope, _ = np.polyfit(np.log(np.arange(1, 101)), np.log(ranked), 1)
    assert slope == pytest.approx(-1, abs=0.05)


def test_traffic_follows_hours_and_weekdays(generate):
    start_ms = NOW_MS - 14 * 86_400_000
    records = generate(60_000, profile="diurnal", start_ms=start_ms, end_ms=NOW_MS)
    hours = Counter(int(parse_time(moment(record)).timestamp() // 3600) for record in records)
    profile = PROFILES["diurnal"]
    expected = {hour: profile.intensity(hour * 3600) * 60_000 / (14 * 24) for hour in hours}
    assert sum(abs(hours[hour] - count) for hour, count in expected.items()) / 60_000 < 0.15


def moment(record) -> str:
    return record.value.split(b'"event_time":"', 1)[1].split(b'"', 1)[0].decode()


def test_prices_change_over_the_weeks_and_a_product_has_one_price_at_a_time(generate):
    prices = {}
    for record in islice(generate(40_000, start_ms=NOW_MS - 40 * 86_400_000, end_ms=NOW_MS), 40_000):
        event = json_of(record)
        if event["event_name"] == "view_item":
            item = event["items"][0]
            prices.setdefault(item["item_id"], []).append(item["price"])
    changes = [sum(a != b for a, b in pairwise(seen)) for seen in prices.values()]
    assert max(changes) <= 8
    assert sum(change > 0 for change in changes) > len(changes) / 2


def json_of(record):
    return json.loads(record.value)
