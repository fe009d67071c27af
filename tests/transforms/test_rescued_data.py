"""What no column takes is kept as JSON under its path, with a warning; but never what is private."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from builders import Json, cart_event, event, item, joined, raw

PREFIX = "k" * 250
# name → (record, the rescued data)
RESCUED = {
    "a string": (event(foo="x"), {"foo": "x"}),
    "a number": (event(foo=5), {"foo": 5}),
    "a fraction": (event(foo=Json("1.25")), {"foo": Decimal("1.25")}),
    "an exponent": (event(foo=Json("1e2")), {"foo": 100}),
    "a large integer": (event(foo=Json("12345678901234567890")), {"foo": 12345678901234567890}),
    "38 digits": (event(foo=Json("9" * 38)), {"foo": int("9" * 38)}),
    "a boolean": (event(foo=False), {"foo": False}),
    "an object": (event(foo={"a": {"b": [1, "x", True]}}), {"foo": {"a": {"b": [1, "x", True]}}}),
    "a null in an object": (event(foo={"a": None}), {"foo": {"a": None}}),
    "an empty object": (event(foo={}), {"foo": {}}),
    "an empty array": (event(foo=[]), {"foo": []}),
    "an empty string": (event(foo=""), {"foo": ""}),
    "text": (event(foo='😀 "שלום" \\ \n'), {"foo": '😀 "שלום" \\ \n'}),
    "several": (event(foo=1, bar="x", baz=[2]), {"foo": 1, "bar": "x", "baz": [2]}),
    "a page in an object": (event(list={"page": 2, "device": "tv"}), {"list": {"page": 2, "device": "tv"}}),
    "in a struct": (event(geo={"country": "DE", "zip": "10115"}), {"geo.zip": "10115"}),
    "in ecommerce": (event(ecommerce={"foo": {"a": 1}}), {"ecommerce.foo": {"a": 1}}),
    "in device": (event(device={"model": "X"}), {"device.model": "X"}),
    "in items": (
        cart_event(items=[item(), item(), item(), item(foo=1, bar="x")]),
        {"items[3].foo": 1, "items[3].bar": "x"},
    ),
    "the same in two items": (cart_event(items=[item(foo=1), item(foo=2)]), {"items[0].foo": 1, "items[1].foo": 2}),
    "a wrong-case key": (event(User_Agent_Hint="x", Platform="web"), {"User_Agent_Hint": "x", "Platform": "web"}),
    "a field named enrichment": (event(enrichment={"is_bot": True}), {"enrichment": {"is_bot": True}}),
    "a field named rescued_data": (event(rescued_data="x"), {"rescued_data": "x"}),
    "a platform": (event(platform="tv"), {"platform": "tv"}),
    "a platform in upper case": (event(platform="WEB"), {"platform": "WEB"}),
    "mistyped and unknown": (
        event(session_number="3", page={"title": 5}, foo=1),
        {"session_number": "3", "page.title": 5, "foo": 1},
    ),
}  # fmt: skip
ODD_KEYS = (
    "", " ", "a.b", "page.title", "items[0].foo", "a b", 'a"b', 'a\\"b', "a\\b", "a'b", '["foo"]', "$", "$.a",
    "a\nb", "a\u0000b", "ключ", "مفتاح", "😀", "e\u0301", "\u00e9", "1", "-", "null", "a" * 300, PREFIX + "1" * 50,
    PREFIX + "2" * 50, "x" * 10_000,
)  # fmt: skip
PRIVATE = {
    "ip_address": event(ip_address=["SECRET"]),
    "device": event(device="SECRET"),
    "device.user_agent": event(device={"user_agent": {"raw": "SECRET"}}),
    "page": event(page="https://shop.example/?email=SECRET"),
    "page.url": event(page={"url": ["https://shop.example/?email=SECRET"]}),
    "page.referrer": event(page={"referrer": {"url": "SECRET"}}),
    "user_id": event(user_id={"email": "SECRET"}),
}
PRIVATE_REPEATED = {
    "ip_address": event(ip_address=Json('["SECRET"],"ip_address":["SECRET"]')),
    "device": event(device=Json('"SECRET","device":"SECRET"')),
    "device.user_agent": event(device=Json('{"user_agent":["SECRET"],"user_agent":["SECRET"]}')),
    "page": event(page=Json('["SECRET"],"page":["SECRET"]')),
    "page.url": event(page=Json('{"url":["SECRET"],"url":["SECRET"]}')),
    "user_id": event(user_id=Json('["SECRET"],"user_id":["SECRET"]')),
}
PRIVATE_INSIDE = {
    "client": event(client={"ip_address": "SECRET", "user_agent": "SECRET"}),
    "geo.net": event(geo={"net": {"IP": "SECRET"}}),
    "visits": event(visits=[{"at": 1}, {"seen": [{"userId": "SECRET"}]}]),
    "session_number": event(session_number={"user_id": "SECRET"}),
    "context": event(context={"page": {"url": "https://shop.example/?email=SECRET"}}),
    "escaped": event(escaped=Json('{"user\\u005fid":"SECRET"}')),
    "twice": event(twice=Json('{"a":{"user_id":"SECRET"},"a":1}')),
    "items[0].seller": cart_event(items=[item(seller={"user-agent": "SECRET"})]),
}
REPEATED_IN = {
    "device": event(device=Json('{"foo":1,"foo":2,"user_agent":"SECRET"}')),
    "page": event(page=Json('{"foo":1,"foo":2,"url":"https://shop.example/?x=SECRET"}'), bar=1),
}
MANY = {f"key{n}": n for n in range(5000)}

TABLE = joined(
    {name: record for name, (record, _) in RESCUED.items()},
    {("odd", key): raw(json.dumps({**event(), key: "value"})) for key in ODD_KEYS},
    {"all odd": raw(json.dumps({**event(), **{key: number for number, key in enumerate(ODD_KEYS)}}))},
    {("odd item", key): raw(json.dumps(cart_event(items=[{"item_id": "a", key: 1}]))) for key in ODD_KEYS},
    {("private", path): record for path, record in PRIVATE.items()},
    {("private twice", path): record for path, record in PRIVATE_REPEATED.items()},
    {("private inside", path): record for path, record in PRIVATE_INSIDE.items()},
    {("repeated in", path): record for path, record in REPEATED_IN.items()},
    {
        "look-alike paths": event(**{"page.foo": 1, "page": {"foo": 2, '"foo"': 3}, '["page.foo"]': 4}),
        "unknown null": event(foo=None, page={"bar": None}),
        "private and not": event(foo={"a": {"ip": "SECRET"}}, bar={"a": 1}, page={"client": {"ip": "SECRET"}, "x": 2}),
        "dead": event(foo=1, event_name="x"),
        "20 unknown": event(**dict(list(MANY.items())[:20])),
        "21 unknown": event(**dict(list(MANY.items())[:21])),
        "5,000 unknown": event(**MANY),
        "5,000 unknown, one twice": event(**MANY, again=Json('1,"again":2')),
        "200 items of 20 unknown": cart_event(items=[item(**{f"a{k}": k for k in range(20)}) for _ in range(200)]),
    },
)


@pytest.mark.parametrize("name", RESCUED)
def test_what_no_column_takes_is_rescued_as_the_producer_wrote_it(outcomes, name):
    assert outcomes[name].rescued == RESCUED[name][1]


@pytest.mark.parametrize("name", RESCUED)
def test_every_rescued_path_is_warned_about(outcomes, name):
    assert {path for path, _ in outcomes[name].warned} >= set(RESCUED[name][1])


@pytest.mark.parametrize("name", RESCUED)
def test_the_row_and_the_enriched_record_carry_the_same_rescued_data(outcomes, name):
    outcome = outcomes[name]
    assert outcome.row.rescued_data == outcome.enriched["enrichment"]["rescued_data"]


@pytest.mark.parametrize("kind", ["odd", "odd item"])
@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key[-20:]))
def test_a_field_with_an_odd_name_is_rescued(outcomes, key, kind):
    assert list(outcomes[kind, key].rescued.values()) == ["value" if kind == "odd" else 1]


def test_odd_names_never_hide_one_another(outcomes):
    assert sorted(outcomes["all odd"].rescued.values()) == list(range(len(ODD_KEYS)))


def test_a_name_that_looks_like_a_path_is_not_mistaken_for_it(outcomes):
    rescued = outcomes["look-alike paths"].rescued
    assert sorted(rescued.values()) == [1, 2, 3, 4]
    assert rescued["page.foo"] == 2


def test_the_producers_enrichment_never_replaces_ours(outcomes):
    assert outcomes["a field named enrichment"].enriched["enrichment"]["is_bot"] is False


HELD_BACK = [case for case in TABLE if case[0] in {"private", "private twice", "private inside"}]


@pytest.mark.parametrize("case", HELD_BACK, ids=str)
def test_a_mistyped_private_field_is_warned_about_by_type_only(outcomes, case):
    assert case[1] in {path for path, _ in outcomes[case].warned}


@pytest.mark.parametrize("case", [*HELD_BACK, *(case for case in TABLE if case[0] == "repeated in")], ids=str)
def test_nothing_private_is_rescued_warned_about_or_passed_on(outcomes, case):
    outcome = outcomes[case]
    assert outcome.accepted
    passed_on = {k: v for k, v in outcome.enriched.items() if k != "user_id"}
    assert "SECRET" not in json.dumps(outcome.rescued, default=str) + str(outcome.warnings)
    assert "email" not in str(outcome.rescued)
    assert "SECRET" not in str(passed_on)


def test_what_is_beside_something_private_is_rescued(outcomes):
    assert outcomes["private and not"].rescued == {"bar": {"a": 1}, "page.x": 2}


def test_a_dead_record_rescues_nothing(outcomes):
    assert (outcomes["dead"].outcome.rescued_data, outcomes["dead"].outcome.warnings) == (None, None)


def test_an_unknown_null_is_accepted(outcomes):
    assert set(outcomes["unknown null"].rescued.values()) <= {None}


def test_twenty_warnings_are_all_listed(outcomes):
    assert [w.path for w in outcomes["20 unknown"].warnings].count("") == 0
    assert len(outcomes["20 unknown"].warnings) == 20


@pytest.mark.parametrize(
    ("name", "total"), [("21 unknown", 21), ("5,000 unknown", 5000), ("200 items of 20 unknown", 4000)]
)
def test_of_more_than_twenty_warnings_the_last_counts_the_rest(outcomes, name, total):
    warnings = outcomes[name].warnings
    assert len(warnings) == 20
    assert str(total - 19) in warnings[-1].message


@pytest.mark.parametrize(
    ("name", "total"), [("5,000 unknown", 5000), ("200 items of 20 unknown", 4000), ("5,000 unknown, one twice", 5001)]
)
def test_all_of_many_unknown_fields_are_rescued(outcomes, name, total):
    assert len(outcomes[name].rescued) == total


def test_a_long_path_is_cut_in_the_warning(outcomes):
    (warning,) = outcomes["odd", "x" * 10_000].warnings
    assert len(warning.path) <= 300
