"""What the simulated shop sends without faults: valid, consistent and plausible events."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest
from raw_contract import EVENT_NAMES, parse_time, undeclared, verdict
from simulated_time import NOW, NOW_MS

from generator.catalog import load_catalog

Event = dict[str, Any]


@pytest.fixture(scope="module")
def records(generate):
    return generate(30_000, start_ms=NOW_MS - 3_000_000, end_ms=NOW_MS)


@pytest.fixture(scope="module")
def events(records) -> list[Event]:
    return [json.loads(record.value, parse_float=Decimal) for record in records]


@pytest.fixture(scope="module")
def live_events(generate) -> list[Event]:
    return [json.loads(record.value) for record in generate(3_000)]


def by(events: list[Event], field: str) -> dict[str, list[Event]]:
    groups = defaultdict(list)
    for event in events:
        groups[event[field]].append(event)
    return groups


def test_every_event_is_accepted_by_the_contract(records):
    assert Counter(verdict(record.value, NOW) for record in records) == {"accepted": 30_000}


def test_no_event_has_a_field_that_would_be_rescued(events):
    assert {path for event in events for path in undeclared(event)} == set()


def test_values_are_compact_utf8_json_with_the_shoppers_key(records):
    for record in records[:2_000]:
        event = json.loads(record.value)
        assert record.value == json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        assert record.key == event["anonymous_id"].encode()


def test_event_ids_are_unique(events):
    assert len({event["event_id"].lower() for event in events}) == len(events)


def test_every_event_name_occurs_and_the_funnel_narrows(events):
    counts = Counter(event["event_name"] for event in events)
    assert set(counts) == EVENT_NAMES
    funnel = (
        "view_item",
        "add_to_cart",
        "begin_checkout",
        "add_shipping_info",
        "add_payment_info",
        "purchase",
    )
    assert [counts[name] for name in funnel] == sorted((counts[name] for name in funnel), reverse=True)
    assert counts["view_item"] > 5 * counts["add_to_cart"]
    assert 200 <= counts["purchase"] <= 600


def test_value_is_the_sum_of_price_times_quantity(events):
    valued = [event for event in events if "value" in event.get("ecommerce", {})]
    assert len(valued) > 5_000
    for event in valued:
        total = sum(item["price"] * item["quantity"] for item in event.get("items", []))
        assert event["ecommerce"]["value"] == total


def test_items_are_the_catalogues_at_its_price_less_the_discount(events):
    products = {product.item_id: product for product in load_catalog().products}
    for item in (item for event in events for item in event.get("items", [])):
        product = products[item["item_id"]]
        assert (item["item_name"], item["item_brand"]) == (product.name, product.brand)
        assert (item["price"] + item.get("discount", 0)) * 100 == product.price_cents


def test_a_session_belongs_to_one_shopper_counts_its_events_and_its_time_never_falls(events):
    for session in by(events, "session_id").values():
        assert len({event["anonymous_id"] for event in session}) == 1
        assert [event["session_event_index"] for event in session] == list(range(1, len(session) + 1))
        times = [parse_time(event["event_time"]) for event in session]
        assert times == sorted(times)


def test_live_sessions_never_go_back_in_time(live_events):
    for session in by(live_events, "session_id").values():
        times = [parse_time(event["event_time"]) for event in session]
        assert times == sorted(times)


def test_a_shopper_keeps_device_and_place_and_counts_sessions(events):
    for shopper in by(events, "anonymous_id").values():
        assert len({json.dumps([event["device"], event["geo"], event["ip_address"]]) for event in shopper}) == 1
        numbers = [event["session_number"] for event in shopper]
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(1, numbers[-1] + 1))


def test_a_shopper_signs_in_once_and_stays_the_same_user(events):
    stitched = 0
    for shopper in by(events, "anonymous_id").values():
        users = [event["user_id"] for event in shopper]
        known = [user for user in users if user is not None]
        assert len(set(known)) <= 1
        assert users[len(users) - len(known) :] == known
        stitched += 0 < len(known) < len(users)
    assert stitched > 50


def test_the_cart_is_what_was_put_in_and_not_taken_out(events):
    checked = 0
    for shopper in by(events, "anonymous_id").values():
        cart: Counter[tuple[str, str | None]] = Counter()
        for event in shopper:
            items = {
                (i["item_id"], i.get("item_variant")): i["quantity"] for i in event.get("items", []) if "quantity" in i
            }
            if event["event_name"] == "add_to_cart":
                cart.update(items)
            elif event["event_name"] == "remove_from_cart":
                cart.subtract(items)
            elif event["event_name"] in {"view_cart", "begin_checkout", "add_payment_info", "purchase"}:
                assert items == +cart
                checked += 1
            if event["event_name"] == "purchase":
                cart.clear()
    assert checked > 1_000


def test_a_purchase_follows_the_checkouts_stages_in_its_session(events):
    stages = ["begin_checkout", "add_shipping_info", "add_payment_info", "purchase"]
    for session in by(events, "session_id").values():
        names = [event["event_name"] for event in session if event["event_name"] in stages]
        for at, name in enumerate(names):
            if name == "purchase":
                assert names[at - 3 : at + 1] == stages


def test_a_refund_names_an_earlier_purchase_and_gives_back_no_more_than_it_cost(events):
    paid: dict[str, Decimal] = {}
    refunds = 0
    for event in events:
        ecommerce = event.get("ecommerce", {})
        if event["event_name"] == "purchase":
            assert ecommerce["transaction_id"] not in paid
            paid[ecommerce["transaction_id"]] = ecommerce["value"]
        elif event["event_name"] == "refund":
            assert 0 < ecommerce["value"] <= paid[ecommerce["transaction_id"]]
            refunds += 1
    assert refunds > 0


def test_addresses_come_from_the_documentation_ranges(events):
    ranges = [ipaddress.ip_network(net) for net in ("203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32")]
    seen = {ipaddress.ip_address(event["ip_address"]) for event in events}
    used = {net for net in ranges for address in seen if address in net}
    assert used == set(ranges)
    assert all(any(address in net for net in ranges) for address in seen)


def test_some_visits_come_from_campaigns_some_from_bots_some_from_apps(events):
    landings = [event for event in events if event["session_event_index"] == 1]
    urls = [event["page"].get("url", "") for event in landings]
    assert sum("utm_source=" in url for url in urls) > len(landings) / 20
    assert any("utm_source=" in url and "traffic" not in event for url, event in zip(urls, landings, strict=True))
    assert any("Googlebot" in event["device"]["user_agent"] for event in landings)
    assert {event["platform"] for event in landings} == {"web", "ios", "android"}


def test_a_past_window_has_no_sent_at_and_is_filled_from_end_to_end(events):
    assert not any("sent_at" in event for event in events)
    minutes = Counter(int((NOW - parse_time(event["event_time"])).total_seconds() // 60) for event in events)
    minutes[49] += minutes.pop(50, 0)  # the first one may lie on the edge
    assert set(minutes) == set(range(50))
    assert max(minutes.values()) < 2 * min(minutes.values())


def test_live_events_are_sent_a_moment_after_they_happen(live_events):
    for event in live_events:
        delay = (parse_time(event["sent_at"]) - parse_time(event["event_time"])).total_seconds()
        assert 0 <= delay < 10


def test_a_past_without_an_end_stops_before_now(generate):
    records = generate(10_000, start_ms=NOW_MS - 20_000)
    times = [parse_time(json.loads(record.value)["event_time"]) for record in records]
    assert 1_000 < len(records) < 4_000
    assert max(times) <= NOW.replace(minute=1)
