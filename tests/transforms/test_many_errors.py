"""A record that fails in many places: all are named, the table's first type names the record, no value is told."""

from __future__ import annotations

import json

import pytest
from builders import ABSENT, Json, cart_event, event, item, joined, order, purchase

from pipelines import schemas

MARKER, MARKED_NUMBER = "LEAK-7391-secret", Json("73917391.7391")


def _marked(data_type, value):
    """An object in which every declared field holds `value`."""
    if hasattr(data_type, "fields"):
        return {f.name: _marked(f.dataType, value) for f in data_type}
    if hasattr(data_type, "elementType"):
        return [_marked(data_type.elementType, value)]
    return value


LEAKS = {
    "text everywhere": _marked(schemas.EVENT, MARKER),
    "objects everywhere": _marked(schemas.EVENT, {MARKER: MARKER}),
    "arrays everywhere": _marked(schemas.EVENT, [MARKER]),
    "numbers everywhere": _marked(schemas.EVENT, MARKED_NUMBER),
    "text instead of structs": dict.fromkeys(schemas.EVENT.names, MARKER),
    "text instead of items": purchase(items=[MARKER]),
    "a bad currency": purchase(ecommerce=order(currency=MARKER)),
    "a bad time": event(event_time=MARKER),
    "a bad version": event(schema_version=MARKER),
    "no JSON": f'{{"event_id": "{MARKER}"',
    "no object": f'["{MARKER}"]',
    "no UTF-8": MARKER.encode() + b"\xff",
}
# (in the order of the contract's table) type → changes that bring it about
TYPES = {
    "UNSUPPORTED_SCHEMA_VERSION": {"schema_version": "2-0-0"},
    "MISSING_REQUIRED": {"session_id": ABSENT},
    "TYPE_MISMATCH": {"anonymous_id": 5},
    "INVALID_VALUE": {"event_name": "x"},
    "TIMESTAMP_INVALID": {"event_time": "x"},
}
_NAMES = list(TYPES)
PAIRS = [(a, b) for i, a in enumerate(_NAMES) for b in _NAMES[i + 1 :]]
ALL_WRONG = event(
    schema_version="1.0",
    event_id="x",
    event_name="purchase",
    event_time=5,
    session_id=None,
    anonymous_id={},
    ecommerce=order(transaction_id=" ", value="1", currency="eur", tax=Json("1.005")),
    items=[item(quantity=0), item(item_id=ABSENT), item(price="9"), item(price=-1), "x", {"price": -1}],
)

TABLE = joined(
    LEAKS,
    {pair: event(**TYPES[pair[0]], **TYPES[pair[1]]) for pair in PAIRS},
    {
        "late and invalid": event(event_name="x", event_time="2126-03-01T12:00:00Z"),
        "future": event(event_time="2126-03-01T12:00:00Z"),
        "ancient": event(event_time="1996-03-01T12:00:00Z"),
        "all wrong": ALL_WRONG,
        "30 bad prices": cart_event(items=[item(price=-1)] * 30),
        "30 bad prices, then one missing": cart_event(items=[item(price=-1)] * 30 + [item(item_id=ABSENT)]),
        "30 mistyped prices": cart_event(items=[item(price="1")] * 30),
        "empty object": "{}",
    },
)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_the_first_type_of_the_table_names_the_record(outcomes, pair):
    assert outcomes[pair].verdict == pair[0]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_the_other_field_is_named_too(outcomes, pair):
    fields = {path for part in pair for path in TYPES[part]}
    assert {error.path for error in outcomes[pair].errors} == fields


def test_an_unusable_value_outranks_a_time_out_of_bounds(outcomes):
    outcome = outcomes["late and invalid"]
    assert outcome.verdict == "INVALID_VALUE"
    assert outcome.complaints == {("event_name", "enum"), ("event_time", "maximum")}


@pytest.mark.parametrize(("name", "keyword"), [("future", "maximum"), ("ancient", "minimum")])
def test_a_time_out_of_bounds_names_event_time(outcomes, name, keyword):
    assert outcomes[name].verdict == f"TIMESTAMP_{name.upper()}"
    assert outcomes[name].complaints == {("event_time", keyword)}


def test_every_failing_field_is_named(outcomes):
    assert outcomes["all wrong"].complaints == {
        ("schema_version", "format"),
        ("event_id", "format"),
        ("session_id", "required"),
        ("anonymous_id", "type"),
        ("ecommerce.transaction_id", "required"),
        ("ecommerce.value", "type"),
        ("ecommerce.currency", "enum"),
        ("ecommerce.tax", "multipleOf"),
        ("items[0].quantity", "minimum"),
        ("items[1].item_id", "required"),
        ("items[2].price", "type"),
        ("items[3].price", "minimum"),
        ("items[4]", "type"),
        ("items[5].item_id", "required"),
        ("items[5].price", "minimum"),
    } | {error for error in outcomes["all wrong"].complaints if error[0] == "event_time"}
    assert "event_time" in {path for path, _ in outcomes["all wrong"].complaints}


def test_an_empty_object_misses_every_required_field(outcomes):
    required = ("event_id", "event_name", "event_time", "anonymous_id", "session_id")
    assert outcomes["empty object"].verdict == "MISSING_REQUIRED"
    assert outcomes["empty object"].complaints == {(name, "required") for name in required}


@pytest.mark.parametrize("name", ["30 bad prices", "30 mistyped prices"])
def test_at_most_twenty_errors_and_fields_are_listed(outcomes, name):
    outcome = outcomes[name]
    assert (len(outcome.errors), len(outcome.row.failure_fields)) == (20, 20)
    assert len(json.loads(outcome.headers["dlq.failure.errors"])) == 20


def test_the_type_is_chosen_from_all_errors_not_only_from_the_listed_ones(outcomes):
    assert outcomes["30 bad prices, then one missing"].verdict == "MISSING_REQUIRED"


@pytest.mark.parametrize("name", LEAKS)
def test_no_value_is_told_in_the_errors(outcomes, name):
    assert not outcomes[name].accepted
    told = str(outcomes[name].errors)
    assert MARKER not in told
    assert MARKED_NUMBER not in told


@pytest.mark.parametrize("name", LEAKS)
def test_no_value_is_told_in_the_failure_headers(outcomes, name):
    told = {k: v for k, v in outcomes[name].headers.items() if k.startswith(("__connect.", "dlq.failure."))}
    assert MARKER not in str(told)
    assert MARKED_NUMBER not in str(told)


@pytest.mark.parametrize("name", LEAKS)
def test_the_errors_in_the_headers_are_those_of_the_row(outcomes, name):
    outcome = outcomes[name]
    listed = json.loads(outcome.headers["dlq.failure.errors"])
    assert [{k: v for k, v in row.asDict().items() if v is not None} for row in outcome.row.failure_errors] == listed
