"""validate: each rule of the contract from both sides, every failing field named, no value told."""

from __future__ import annotations

import json

import pytest
from builders import ABSENT, Json, cart_event, event, item, joined, order, purchase

from pipelines.transforms import vocabulary

REQUIRED = ("event_id", "event_name", "event_time", "anonymous_id", "session_id")
NEEDS_ITEMS = ("add_to_cart", "remove_from_cart", "begin_checkout", "add_shipping_info", "add_payment_info")
NO_VALUE = {"absent": ABSENT, "null": None, "empty": "", "blank": " \t"}
UNSUPPORTED, MISSING, INVALID = "UNSUPPORTED_SCHEMA_VERSION", "MISSING_REQUIRED", "INVALID_VALUE"

ACCEPTED = {
    "no schema version": event(schema_version=ABSENT),
    "a null schema version": event(schema_version=None),
    "a newer addition": event(schema_version="1-0-12"),
    "another revision": event(schema_version="1-3-0"),
    "an upper-case uuid": event(event_id="3F0C2F5E-7D4C-4B62-9D3E-0A1B2C3D4E5F"),
    "a uuid of no version": event(event_id="00000000-0000-0000-0000-000000000000"),
    **{f"a plain {name}": event(event_name=name) for name in vocabulary.EVENT_NAMES
       if name not in {*NEEDS_ITEMS, "purchase", "refund"}},
    **{f"{name} with an item": cart_event(name) for name in NEEDS_ITEMS},
    "a purchase": purchase(),
    "a purchase of nothing's worth": purchase(ecommerce=order(value=0)),
    "a refund": event(event_name="refund", ecommerce={"transaction_id": "T-1"}),
    "a refund with items": cart_event("refund", ecommerce={"transaction_id": "T-1"}),
    "an empty cart viewed": event(event_name="view_cart", items=[]),
    "null items where none are needed": event(items=None),
    "value with currency": event(ecommerce={"value": 1, "currency": "USD"}),
    "currency without value": event(ecommerce={"currency": "JPY"}),
    "an empty ecommerce": event(ecommerce={}),
    "200 items": cart_event(items=[item()] * 200),
    "an item with an id only": cart_event(items=[{"item_id": "a"}]),
    "an item with a name only": cart_event(items=[{"item_name": "a"}]),
    "an item with a blank id and a name": cart_event(items=[{"item_id": " ", "item_name": "a"}]),
    "a price of zero": cart_event(items=[item(price=0)]),
    "a quantity of one": cart_event(items=[item(quantity=1)]),
}  # fmt: skip
# name → (record, failure type, path, keyword)
REJECTED = {
    "a newer model": (event(schema_version="2-0-0"), UNSUPPORTED, "schema_version", "const"),
    "an older model": (event(schema_version="0-1-0"), UNSUPPORTED, "schema_version", "const"),
    **{
        f"schema version {text!r}": (event(schema_version=text), INVALID, "schema_version", "format")
        for text in ("1.0.0", "1-0", "v1-0-0", "1-0-0-0", "1-0-x", "-1-0-0", "01-0-0", "1-0-0\n", "１-0-0", "x")
    },
    **{
        f"{name} {state}": (event(**{name: value}), MISSING, name, "required")
        for name in REQUIRED
        for state, value in NO_VALUE.items()
    },
    "wrong-case key": (event(session_id=ABSENT, Session_Id="s"), MISSING, "session_id", "required"),
    **{
        f"event_id {text!r}": (event(event_id=text), INVALID, "event_id", "format")
        for text in (
            "1",
            "3f0c2f5e7d4c4b629d3e0a1b2c3d4e5f",
            "{3f0c2f5e-7d4c-4b62-9d3e-0a1b2c3d4e5f}",
            "3f0c2f5e-7d4c-4b62-9d3e-0a1b2c3d4e5g",
            "3f0c2f5e-7d4c-4b62-9d3e-0a1b2c3d4e5f\n",
            "urn:uuid:3f0c2f5e-7d4c-4b62-9d3e-0a1b2c3d4e5f",
        )
    },
    **{
        f"event_name {text!r}": (event(event_name=text), INVALID, "event_name", "enum")
        for text in ("pageview", "Page_View", "page_view ", "purchase\n", "event")
    },
    **{
        f"purchase without {name} ({state})": (
            purchase(ecommerce=order(**{name: value})), MISSING, f"ecommerce.{name}", "required",
        )
        for name in ("transaction_id", "currency")
        for state, value in NO_VALUE.items()
    },
    "purchase without value": (
        purchase(ecommerce=order(value=ABSENT)), MISSING, "ecommerce.value", "required",
    ),
    "purchase with a null value": (
        purchase(ecommerce=order(value=None)), MISSING, "ecommerce.value", "required",
    ),
    "refund without transaction": (
        event(event_name="refund", ecommerce={"refund_reason": "x"}), MISSING, "ecommerce.transaction_id",
        "required",
    ),
    "refund without ecommerce": (
        event(event_name="refund"), MISSING, "ecommerce.transaction_id", "required",
    ),
    "value without currency": (
        event(ecommerce={"value": 1}), MISSING, "ecommerce.currency", "required",
    ),
    **{
        f"{name} with {state} items": (cart_event(name, items=value), MISSING, "items", "minItems")
        for name in NEEDS_ITEMS
        for state, value in (("absent", ABSENT), ("null", None), ("no", []))
    },
    "purchase without items": (purchase(items=ABSENT), MISSING, "items", "minItems"),
    "201 items": (cart_event(items=[item()] * 201), INVALID, "items", "maxItems"),
    "201 items where none are needed": (event(items=[item()] * 201), INVALID, "items", "maxItems"),
    "an item without a name": (
        cart_event(items=[item(), item(item_id=ABSENT)]), MISSING, "items[1].item_id", "required",
    ),
    "an item with blank names": (
        cart_event(items=[item(item_id=" ", item_name="")]), MISSING, "items[0].item_id", "required",
    ),
    "an empty item": (cart_event(items=[{}]), MISSING, "items[0].item_id", "required"),
    "an empty item in a view": (event(items=[{}]), MISSING, "items[0].item_id", "required"),
    "a negative price": (
        cart_event(items=[item(price=Json("-0.01"))]), INVALID, "items[0].price", "minimum",
    ),
    "a quantity of zero": (
        cart_event(items=[item(), item(), item(quantity=0)]), INVALID, "items[2].quantity", "minimum",
    ),
    "a negative quantity": (
        cart_event(items=[item(quantity=-1)]), INVALID, "items[0].quantity", "minimum",
    ),
    **{
        f"currency {text!r}": (
            purchase(ecommerce=order(currency=text)), INVALID, "ecommerce.currency", "enum",
        )
        for text in ("eur", "XXX", "EURO", "EUR ", "€")
    },
    "an unknown currency without a value": (
        event(ecommerce={"currency": "XXX"}), INVALID, "ecommerce.currency", "enum",
    ),
    "items that are an object": (cart_event(items={"item_id": "a"}), "TYPE_MISMATCH", "items", "type"),
    "items that are text": (event(items="a"), "TYPE_MISMATCH", "items", "type"),
    "an item that is a number": (cart_event(items=[item(), 5]), "TYPE_MISMATCH", "items[1]", "type"),
    "an item that is an array": (event(items=[[]]), "TYPE_MISMATCH", "items[0]", "type"),
}  # fmt: skip

TABLE = joined(ACCEPTED, {name: case[0] for name, case in REJECTED.items()})


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_event_that_keeps_the_rules_is_accepted(outcomes, name):
    assert outcomes[name].verdict == "accepted"


@pytest.mark.parametrize("name", REJECTED)
def test_an_event_that_breaks_one_rule_is_rejected_for_just_that(outcomes, name):
    _, failure_type, path, keyword = REJECTED[name]
    outcome = outcomes[name]
    assert (outcome.verdict, outcome.stage) == (failure_type, "validate")
    assert outcome.complaints == {(path, keyword)}


@pytest.mark.parametrize("name", REJECTED)
def test_every_error_says_what_was_expected_and_what_is_wrong(outcomes, name):
    assert all(error.expected and error.message for error in outcomes[name].errors)


@pytest.mark.parametrize("name", REJECTED)
def test_the_dead_letter_names_the_same_failure_in_its_row_and_its_headers(outcomes, name):
    outcome, (_, failure_type, path, _) = outcomes[name], REJECTED[name]
    assert (outcome.row.failure_type, outcome.headers["dlq.failure.type"]) == (failure_type, failure_type)
    assert outcome.row.failure_fields == json.loads(outcome.headers["dlq.failure.fields"]) == [path]


def test_another_revision_is_warned_about(outcomes):
    assert outcomes["another revision"].warned == {("schema_version", "revision")}


@pytest.mark.parametrize("name", ["no schema version", "a null schema version", "a newer addition"])
def test_an_absent_version_and_a_newer_addition_are_nothing_to_warn_about(outcomes, name):
    assert outcomes[name].warnings == []


def test_an_absent_schema_version_is_the_first_one(outcomes):
    outcome = outcomes["no schema version"]
    assert (outcome.row.schema_version, outcome.headers["schema_version"]) == ("1-0-0", "1-0-0")
