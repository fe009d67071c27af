"""The JSON type and range of every declared field: what rejects, what is rescued, what is exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import Json, cart_event, event, item, joined, order, purchase

OTHER_TYPES = {"integer": 5, "number": Json("1.5"), "boolean": True, "object": {"a": "b"}, "array": ["a"]}
REQUIRED_TEXTS = ("event_id", "event_name", "anonymous_id", "session_id")
# path → (a record in which that field has the value, name of the field's JSON type)
CRITICAL = {
    **{name: (lambda v, name=name: event(**{name: v}), "string") for name in (*REQUIRED_TEXTS, "schema_version")},
    "ecommerce.transaction_id": (lambda v: purchase(ecommerce=order(transaction_id=v)), "string"),
    "ecommerce.currency": (lambda v: purchase(ecommerce=order(currency=v)), "string"),
    "items[0].item_id": (lambda v: cart_event(items=[item(item_id=v)]), "string"),
    "items[0].item_name": (lambda v: cart_event(items=[item(item_name=v)]), "string"),
    "items[0].quantity": (lambda v: cart_event(items=[item(quantity=v)]), "integer"),
    "items[1].price": (lambda v: cart_event(items=[item(), item(price=v)]), "number"),
    "items[0].list_price": (lambda v: cart_event(items=[item(list_price=v)]), "number"),
    "items[0].discount": (lambda v: cart_event(items=[item(discount=v)]), "number"),
    **{
        f"ecommerce.{name}": (lambda v, name=name: purchase(ecommerce=order(**{name: v})), "number")
        for name in ("value", "tax", "shipping", "discount")
    },
}
OPTIONAL = {
    **{name: (lambda v, name=name: event(**{name: v}), "string") for name in ("sent_at", "platform")},
    **{
        name: (lambda v, name=name: event(**{name: v}), "integer") for name in ("session_number", "session_event_index")
    },
    "page.title": (lambda v: event(page={"title": v}), "string"),
    "device.screen": (lambda v: event(device={"screen": v}), "string"),
    "geo.city": (lambda v: event(geo={"city": v}), "string"),
    "traffic.campaign": (lambda v: event(traffic={"campaign": v}), "string"),
    "ecommerce.coupon": (lambda v: event(ecommerce={"coupon": v}), "string"),
    "items[0].item_brand": (lambda v: cart_event(items=[item(item_brand=v)]), "string"),
    "items[0].index": (lambda v: cart_event(items=[item(index=v)]), "integer"),
}
CONTAINERS = {
    "page": event,
    "geo": event,
    "traffic": event,
    "device": event,
}
_FITTING = {"string": (), "integer": ("integer",), "number": ("integer", "number")}


def _misfits(fields):
    """(path, actual type) → (record, value) for every JSON type that the field does not have."""
    found = {}
    for path, (record_of, declared) in fields.items():
        for actual, value in {**OTHER_TYPES, "string": "12.5"}.items():
            if actual != declared and actual not in _FITTING[declared]:
                found[path, actual] = (record_of(value), value)
    return found


MISTYPED, RESCUED = _misfits(CRITICAL), _misfits(OPTIONAL)
TOO_LARGE = {
    "items[0].quantity": cart_event(items=[item(quantity=2_147_483_648)]),
    "items[1].quantity": cart_event(items=[item(), item(quantity=9_223_372_036_854_775_808)]),
    "items[2].quantity": cart_event(items=[item(), item(), item(quantity=Json("-1" + "0" * 25))]),
    "items[0].price": cart_event(items=[item(price=10_000_000_000)]),
    "ecommerce.value": purchase(ecommerce=order(value=Json("10000000000.00"))),
    "ecommerce.tax": purchase(ecommerce=order(tax=Json("1e400"))),
    "ecommerce.shipping": purchase(ecommerce=order(shipping=Json("-1e400"))),
    "ecommerce.discount": purchase(ecommerce=order(discount=Json("9" * 50))),
    "items[0].list_price": cart_event(items=[item(list_price=Json("9" * 900))]),
    "items[0].discount": cart_event(items=[item(discount=Json("12345678901234567890123456789012345678.50"))]),
}
EXACT = {
    "0": "0",
    "-0.0": "0",
    "12": "12",
    "12.5": "12.5",
    "12.50": "12.5",
    "12.500": "12.5",
    "12." + "5" + "0" * 30: "12.5",
    "1e2": "100",
    "1E+2": "100",
    "1.5e1": "15",
    "1.23e2": "123",
    "115e-2": "1.15",
    "1.15e0": "1.15",
    "12e-1": "1.2",
    "9999999999.99": "9999999999.99",
    "999999999999e-2": "9999999999.99",
    "0e400": "0",
}
INEXACT = (
    "1.239",
    "0.001",
    "12.505",
    "1e-3",
    "0.30000000000000004",
    "9999999999.991",
    "115e-3",
    "1." + "0" * 40 + "1",
    "1.00000000000000000001e0",
    "100000000000000000001e-20",
    "9999999999990001e-6",
    "1e-400",
)
NUMBERS_IN_TEXT = event(user_id="1" * 45, ecommerce={"tax": Json("1.5e1")})
NULLS = {
    path: record_of(None)
    for path, (record_of, _) in {**CRITICAL, **OPTIONAL}.items()
    if path not in REQUIRED_TEXTS
    and path not in {"ecommerce.transaction_id", "ecommerce.currency", "ecommerce.value", "items[0].item_id"}
}
WHOLE_NUMBERS = {"5.0": 5, "5e0": 5, "-3": -3, "2147483647": 2147483647, "0": 0}
OVERFLOWS = ("2147483648", "-2147483649", "9223372036854775808", "1e400", "1.5")

TABLE = joined(
    {("mistyped", *key): record for key, (record, _) in MISTYPED.items()},
    {("rescued", *key): record for key, (record, _) in RESCUED.items()},
    {("container", name, value): build(**{name: value}) for name, build in CONTAINERS.items() for value in ("x", 5)},
    {("too large", path): record for path, record in TOO_LARGE.items()},
    {("exact", text): cart_event(items=[item(price=Json(text))]) for text in EXACT},
    {("exact tax", text): event(ecommerce={"tax": Json(text)}, foo=1) for text in EXACT},
    {("inexact", text): cart_event(items=[item(price=Json(text))]) for text in INEXACT},
    {("inexact tax", text): event(ecommerce={"tax": Json(text)}, foo=1) for text in INEXACT},
    {("null", path): record for path, record in NULLS.items()},
    {("whole", text): event(session_number=Json(text)) for text in WHOLE_NUMBERS},
    {("overflow", text): event(session_number=Json(text)) for text in OVERFLOWS},
    {"digits in a text": NUMBERS_IN_TEXT},
    {("negative", "value"): purchase(ecommerce=order(value=Json("-5.25")))},
)


@pytest.mark.parametrize(("path", "actual"), MISTYPED)
def test_a_wrong_json_type_where_a_rule_reads_rejects_the_record(outcomes, path, actual):
    outcome = outcomes["mistyped", path, actual]
    assert (outcome.verdict, outcome.stage) == ("TYPE_MISMATCH", "validate")


@pytest.mark.parametrize(("path", "actual"), MISTYPED)
def test_a_type_error_names_the_field_the_declared_and_the_given_type(outcomes, path, actual):
    (error,) = outcomes["mistyped", path, actual].errors
    assert (error.path, error.keyword, error.expected) == (path, "type", CRITICAL[path][1])
    assert error.actual_type == actual


@pytest.mark.parametrize("path", TOO_LARGE)
def test_a_number_too_large_for_its_column_rejects_the_record(outcomes, path):
    outcome = outcomes["too large", path]
    assert (outcome.verdict, outcome.complaints) == ("TYPE_MISMATCH", {(path, "range")})


@pytest.mark.parametrize(("path", "actual"), RESCUED)
def test_a_wrong_json_type_that_no_rule_reads_is_rescued_as_it_is(outcomes, path, actual):
    _, value = RESCUED[path, actual]
    expected = Decimal(str(value)) if isinstance(value, Json) else value
    assert outcomes["rescued", path, actual].rescued == {path: expected}


@pytest.mark.parametrize(("path", "actual"), RESCUED)
def test_a_rescued_field_is_null_and_warned_about(outcomes, path, actual):
    outcome = outcomes["rescued", path, actual]
    assert {where for where, _ in outcome.warned} == {path}
    value = outcome.event
    for name in path.replace("[0]", ".0").split("."):
        value = value[int(name)] if name == "0" else value[name]
    assert value is None


@pytest.mark.parametrize("value", ["x", 5])
@pytest.mark.parametrize("name", CONTAINERS)
def test_an_optional_object_that_is_none_is_null_and_warned_about(outcomes, name, value):
    outcome = outcomes["container", name, value]
    assert {where for where, _ in outcome.warned} == {name}
    assert outcome.event[name] is None or not any(outcome.event[name])


@pytest.mark.parametrize("text", EXACT)
def test_money_with_at_most_two_decimals_is_exact(outcomes, text):
    assert outcomes["exact", text].event["items"][0].price == Decimal(EXACT[text])


@pytest.mark.parametrize("text", EXACT)
def test_money_of_an_unusual_event_is_exact_too(outcomes, text):
    assert outcomes["exact tax", text].event.ecommerce.tax == Decimal(EXACT[text])


@pytest.mark.parametrize("text", INEXACT)
def test_money_with_more_decimals_is_rejected_never_rounded(outcomes, text):
    outcome = outcomes["inexact", text]
    assert (outcome.verdict, outcome.complaints) == ("INVALID_VALUE", {("items[0].price", "multipleOf")})


@pytest.mark.parametrize("text", INEXACT)
def test_money_that_no_event_needs_is_not_rounded_either(outcomes, text):
    outcome = outcomes["inexact tax", text]
    assert (outcome.verdict, outcome.complaints) == ("INVALID_VALUE", {("ecommerce.tax", "multipleOf")})


@pytest.mark.parametrize("path", NULLS)
def test_null_is_the_same_as_a_missing_optional_field(outcomes, path):
    assert outcomes["null", path].warnings == []


@pytest.mark.parametrize("text", WHOLE_NUMBERS)
def test_a_whole_number_in_any_notation_is_an_integer_or_rescued(outcomes, text):
    outcome = outcomes["whole", text]
    kept = outcome.rescued.get("session_number", outcome.event.session_number)
    assert kept == WHOLE_NUMBERS[text]


@pytest.mark.parametrize("text", OVERFLOWS)
def test_an_integer_that_does_not_fit_and_no_rule_reads_is_null_with_a_warning(outcomes, text):
    outcome = outcomes["overflow", text]
    assert outcome.event.session_number is None
    assert {path for path, _ in outcome.warned} == {"session_number"}


def test_money_may_be_negative_where_no_rule_forbids_it(outcomes):
    assert outcomes["negative", "value"].event.ecommerce.value == Decimal("-5.25")


def test_digits_in_a_text_make_no_money_inexact(outcomes):
    assert outcomes["digits in a text"].event.ecommerce.tax == Decimal(15)
