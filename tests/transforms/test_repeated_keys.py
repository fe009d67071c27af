"""A key that is there twice: the last one counts, with a warning; wherever it is."""

from __future__ import annotations

import pytest
from builders import Json, cart_event, event, first, joined

# name → (record, what to look at in the event, its value)
LAST_WINS = {
    "at the top": (first(event(), '"session_id":"first"'), lambda e: e.session_id, "session-1"),
    "with an escaped key": (
        first(event(), r'"session\u005fid":"first"'),
        lambda e: e.session_id,
        "session-1",
    ),
    "three times": (first(event(), '"session_id":1,"session_id":null'), lambda e: e.session_id, "session-1"),
    "first of a wrong type": (first(event(), '"event_id":{"a":[1]}'), lambda e: e.session_id, "session-1"),
    "last one null": (event(user_id=Json('"u","user_id":null')), lambda e: e.user_id, None),
    "a struct": (
        event(page=Json('{"title":"first"},"page":{"url":"https://shop.example/b"}')),
        lambda e: tuple(e.page),
        ("https://shop.example/b", None, None),
    ),
    "in a struct": (event(page=Json('{"title":"first","title":"last"}')), lambda e: e.page.title, "last"),
    "in a struct beside a valid one": (
        event(page=Json('{"title":"first","title":"last"}'), geo={"country": "DE"}),
        lambda e: (e.page.title, e.geo.country),
        ("last", "DE"),
    ),
    "in ecommerce": (
        event(ecommerce=Json('{"value":"x","value":12.5,"currency":"EUR"}')),
        lambda e: str(e.ecommerce.value),
        "12.50",
    ),
    "items": (
        cart_event(items=Json('[{"item_id":"a"}],"items":[{"item_id":"b"},{"item_id":"c"}]')),
        lambda e: [i.item_id for i in e["items"]],
        ["b", "c"],
    ),
    "in an item": (
        cart_event(items=Json('[{"item_id":"a","item_id":"b"}]')),
        lambda e: [i.item_id for i in e["items"]],
        ["b"],
    ),
    "in the second item": (
        cart_event(items=Json('[{"item_id":"a","quantity":2},{"item_id":"b","quantity":1,"quantity":3}]')),
        lambda e: [(i.item_id, i.quantity) for i in e["items"]],
        [("a", 2), ("b", 3)],
    ),
    "an unknown one": (event(foo=Json('1,"foo":2')), lambda e: e.session_id, "session-1"),
    "deep in an unknown field": (
        event(foo=Json('{"a":[{"b":1,"b":2}]}')),
        lambda e: e.session_id,
        "session-1",
    ),
    "deep in an unknown field of a struct": (
        event(page={"title": "t", "foo": Json('{"a":{"b":1,"b":2},"title":"x"}')}, geo={"country": "DE"}),
        lambda e: (e.page.title, e.geo.country, e.session_id),
        ("t", "DE", "session-1"),
    ),
    "deep in an unknown field of ecommerce": (
        event(ecommerce=Json('{"value":1,"currency":"EUR","foo":{"a":1,"a":2}}')),
        lambda e: (str(e.ecommerce.value), e.ecommerce.currency),
        ("1.00", "EUR"),
    ),
    "first an object, last text": (
        event(page={"title": Json('{"a":1},"title":"last"')}),
        lambda e: e.page.title,
        "last",
    ),
    "first text, last an object": (
        event(page={"title": Json('"first","title":{"a":1}')}),
        lambda e: e.page.title,
        None,
    ),
    "first a struct, last text": (event(page=Json('{"title":"first"},"page":"x"')), lambda e: e.page, None),
    "with an escaped quote": (event(**{'a"b': Json(r'1,"a\u0022b":2')}), lambda e: e.session_id, "session-1"),
    "beside text that looks like a key": (
        event(user_id=Json(r'"x","user_id":"\"a\":1,\\\"a\\\":"')),
        lambda e: e.user_id,
        '"a":1,\\"a\\":',
    ),
    "the empty key": (event(**{"": Json('1,"":2')}), lambda e: e.session_id, "session-1"),
}
# name → (record, failure type, what it complains about)
LAST_FAILS = {
    "a required one": (event(session_id=Json('"s","session_id":5')), "TYPE_MISMATCH", ("session_id", "type")),
    "a required one, last null": (
        event(session_id=Json('"s","session_id":null')),
        "MISSING_REQUIRED",
        ("session_id", "required"),
    ),
    "a price": (
        cart_event(items=Json('[{"item_id":"a","price":1,"price":"1"}]')),
        "TYPE_MISMATCH",
        ("items[0].price", "type"),
    ),
    "a required one, an object in which a key is repeated": (
        event(session_id=Json('{"a":1,"a":2}')),
        "TYPE_MISMATCH",
        ("session_id", "type"),
    ),
    "the items, last text": (event(items=Json('[{"item_id":"a"}],"items":"x"')), "TYPE_MISMATCH", ("items", "type")),
    "an item, beside one that is text": (
        event(items=Json('["x",{"item_id":"a","item_id":"b"}]')),
        "TYPE_MISMATCH",
        ("items[0]", "type"),
    ),
    "the items": (
        cart_event(items=Json('[{"item_id":"a"}],"items":[]')),
        "MISSING_REQUIRED",
        ("items", "minItems"),
    ),
}
RESCUED = {
    "unknown beside repeated": first(event(foo={"a": [1, "x"]}), '"session_id":"first"'),
    "unknown repeated": event(foo=Json('1,"foo":2')),
    "unknown, repeated inside": event(foo=Json('{"a":1,"a":2}'), bar={"a": {"b": [1]}}),
    "unknown in a struct": event(page={"foo": {"a": [1, "x"]}}, user_id=Json('"u","user_id":"v"')),
}

TABLE = joined(
    {name: record for name, (record, _, _) in LAST_WINS.items()},
    {name: record for name, (record, _, _) in LAST_FAILS.items()},
    RESCUED,
)


@pytest.mark.parametrize("name", LAST_WINS)
def test_the_last_of_repeated_keys_counts(outcomes, name):
    _, look_at, expected = LAST_WINS[name]
    assert look_at(outcomes[name].event) == expected


@pytest.mark.parametrize("name", LAST_WINS)
def test_a_repeated_key_is_warned_about(outcomes, name):
    assert "duplicate_key" in {keyword for _, keyword in outcomes[name].warned}


@pytest.mark.parametrize("name", LAST_FAILS)
def test_the_last_of_repeated_keys_is_the_one_that_rejects(outcomes, name):
    _, failure_type, complaint = LAST_FAILS[name]
    assert outcomes[name].verdict == failure_type
    assert outcomes[name].complaints == {complaint}


def test_an_unknown_field_beside_a_repeated_key_is_rescued_as_json(outcomes):
    assert outcomes["unknown beside repeated"].rescued == {"foo": {"a": [1, "x"]}}


def test_the_last_of_a_repeated_unknown_key_is_rescued(outcomes):
    assert outcomes["unknown repeated"].rescued == {"foo": 2}


def test_an_unknown_field_that_repeats_a_key_is_rescued_as_text_and_its_neighbour_as_json(outcomes):
    rescued = outcomes["unknown, repeated inside"].rescued
    assert rescued == {"foo": '{"a":1,"a":2}', "bar": {"a": {"b": [1]}}}


def test_an_unknown_field_in_a_struct_beside_a_repeated_key_is_rescued_as_json(outcomes):
    assert outcomes["unknown in a struct"].rescued == {"page.foo": {"a": [1, "x"]}}
