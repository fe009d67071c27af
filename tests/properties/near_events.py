"""Events that nearly keep the contract: valid ones of any name, with a few fields removed, retyped or at a boundary."""

from __future__ import annotations

import copy
import random
from typing import Any

from builders import ABSENT, Json, cart_event, event, full_purchase, item, order, purchase, to_json
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary

# Stands in string values only: nothing that is said about a record may repeat it.
SECRET, SECRET_NUMBER = "s3cr3t-7f1d", "7391739173.55"
BLANKS = ("", " ", "\t\n", "\u00a0", "\u2003\u3000", "\u2028", "\u200b", "\u0085", "\x1f", "\ufeff")
TIMES = (
    "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "0000-01-01T00:00:00Z",
    "0000-02-29T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z",
    "2026-03-01T24:00:00Z", "2026-03-01T11:59:60Z", "2026-06-30T23:59:60Z", "2026-03-01T11:60:00Z",
    "2026-03-01T12:10:00Z",
    "2026-03-01T12:10:00.000001Z", "2026-03-01T12:10:00.0000009Z", "2026-03-02T02:00:00+14:00",
    "2026-02-28T22:00:00-14:00",
    "2026-03-02T06:00:00+18:00", "2026-03-02T06:01:00+18:01", "2026-03-01T11:59:58-00:00", "2026-03-01T11:59:58+5:30",
    "2026-03-01T17:29:58.123456789+05:30", "2026-03-01T11:59:58.1234567890Z", "2026-03-01T11:59:58.Z",
    "2026-03-01T11:59:58",
    "2026-03-01 11:59:58Z", "2026-03-01t11:59:58z", "2026-03-01", "1772366398", "now", "2016-03-03T12:00:00Z",
    "2016-03-03T11:59:59.999999Z", "2026-02-28T12:00:00Z", "2026-02-28T11:59:59.999999Z", "2026-03-02T12:00:00Z",
    "2026-03-02T12:00:00.000001Z", "1582-10-10T00:00:00Z", "1969-12-31T23:59:59.999999Z", "２026-03-01T11:59:58Z",
)  # fmt: skip
MONEY = tuple(
    map(Json, (
        "0", "-0", "-0.00", "0.01", "-0.01", "0.1", "0.10", "0.001", "0.010", "9999999999.99", "-9999999999.99",
        "10000000000",
        "9999999999.990", "9999999999.991", "9999999999.995", "-9999999999.995", "1e2", "1.10e1", "1.105e1", "110e-1",
        "1e-2", "1e-3",
        "1E+9", "1e10", "999999999999e-2", "1e400", "-1e400", "1e-400", "0e-400", "0e99999999999", "1e-99999999999",
        "1.00000000000000000001", "1.00000000000000000001e0", "100000000000000000001e-20",
        "0.10000000000000000000000000000000000000001",
        "1." + "0" * 50, "1" * 30 + "e-30", "9" * 38, "9" * 60, "0." + "0" * 998, SECRET_NUMBER,
    ))
)  # fmt: skip
WHOLE = tuple(
    map(Json, (
        "0", "-0", "1", "-1", "2", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
        "9223372036854775808", "1" + "0" * 25, "9" * 38, "9" * 39, "1.0", "1.5", "1e0", "10e-1", "1e400",
    ))
)  # fmt: skip
UUID = "3F0C2F5E-7d4c-4b62-9d3e-0a1b2c3d4e5f"
TEXTS: dict[str, tuple[Any, ...]] = {
    "event_id": (UUID, UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", UUID[:-1] + "g", f" {UUID}",
    f"urn:uuid:{UUID}"),
    "event_name": (*vocabulary.EVENT_NAMES, "Purchase", "purchase ", "view", "page-view"),
    "event_time": TIMES,
    "sent_at": TIMES,
    "schema_version": ("1-0-0", "1-0-9", "1-2-0", "2-0-0", "0-0-0", "1.0.0", "1-0", "01-0-0", "1-0-0 ",
    "1234567890-0-0"),
    "platform": (*vocabulary.PLATFORMS, "tv", "WEB"),
    "ecommerce.currency": ("EUR", "USD", "eur", "EURO", "XXX", "€"),
}  # fmt: skip
ANYTHING: tuple[Any, ...] = (
    None, True, False, 0, 5, Json("1.5"), "5", "", SECRET, f"{SECRET} 1e5", "😀", {}, [], {"a": 1}, {"a": None}, [None],
    [SECRET], [{}],
    {"a": SECRET}, Json(SECRET_NUMBER), Json("1e400"), Json("[" * 190 + "]" * 190), Json('{"a":1,"a":2}'),
    Json('"\\ud800"'),
    "1" * 45, "x" * 2000,
)  # fmt: skip
KEYS = (
    "enrichment",
    "_corrupt_record",
    "event",
    "failure",
    "foo",
    "Event_Id",
    "",
    " ",
    "a.b",
    "a`b",
    'a"b',
    "a\\b",
    "x" * 300,
    "email",
)


# Fields that rules read, or that have values of their own, more often than the rest.
FIELDS = [
    (place, field)
    for place, fields, weight in (
        ("", schemas.EVENT, 2), ("ecommerce", schemas.ECOMMERCE, 2), ("items", schemas.ITEM, 3), ("page", schemas.PAGE,
        1),
        ("device", schemas.DEVICE, 1), ("geo", schemas.GEO, 1), ("traffic", schemas.TRAFFIC, 1),
    )
    for field in fields
    for _ in range(weight)
]  # fmt: skip


def near_valid(choose: random.Random) -> bytes:
    """The JSON of an event that breaks a rule or two, or none."""
    document = _valid(choose)
    for _ in range(choose.choice((0, 1, 1, 1, 1, 2, 2, 3, 5))):
        change = choose.choice((*[_change_a_field] * 6, *[_change_the_items] * 2, *[_add_a_key] * 2, _change_the_time))
        change(document, choose)
    if choose.random() < 0.1:
        _repeat_a_key(choose.choice(_objects_in(document)), choose)
    members = list(document.items())
    choose.shuffle(members)
    return to_json(dict(members)).encode()


def _valid(choose: random.Random) -> dict[str, Any]:
    name = choose.choice(vocabulary.EVENT_NAMES)
    if choose.random() < 0.3:
        return {**full_purchase(), "event_name": name}
    if name == "purchase":
        return purchase()
    if name in vocabulary.NEEDS_ITEMS:
        return cart_event(name)
    return event(event_name=name, ecommerce=order()) if name == "refund" else event(event_name=name)


def _change_a_field(document: dict[str, Any], choose: random.Random) -> None:
    place, field = choose.choice(FIELDS)
    inside = document.get(place) if place else document
    if inside is None:
        inside = document[place] = [item()] if place == "items" else {}
    if isinstance(inside, list) and inside:
        inside = choose.choice(inside)
    if isinstance(inside, dict):
        _set(inside, field.name, _value_for(place, field, choose))


def _value_for(place: str, field: T.StructField, choose: random.Random) -> Any:
    path = f"{place}.{field.name}" if place else field.name
    if choose.random() < 0.15:
        return ABSENT
    if choose.random() < 0.4:
        return _anything(choose)
    if isinstance(field.dataType, T.DecimalType):
        return choose.choice(MONEY)
    if isinstance(field.dataType, T.IntegerType):
        return choose.choice(WHOLE)
    if isinstance(field.dataType, T.StringType):
        return choose.choice((*TEXTS.get(path, ()), *TEXTS.get(path, ()), *BLANKS, SECRET, "x"))
    return _anything(choose)


def _change_the_time(document: dict[str, Any], choose: random.Random) -> None:
    document["event_time"] = choose.choice(TIMES)


def _anything(choose: random.Random) -> Any:
    return copy.deepcopy(choose.choice(ANYTHING))


def _change_the_items(document: dict[str, Any], choose: random.Random) -> None:
    items = [item(quantity=choose.choice(WHOLE), price=choose.choice(MONEY)), item(item_id=ABSENT, item_name="x"), {}]
    size = choose.choice((0, 1, 1, 2, 3, 30, 200, 201))
    _set(document, "items", [dict(choose.choice((item(), item(), item(), *items))) for _ in range(size)])
    if size and choose.random() < 0.3:
        document["items"][choose.randrange(size)] = _anything(choose)


def _add_a_key(document: dict[str, Any], choose: random.Random) -> None:
    choose.choice(_objects_in(document))[choose.choice(KEYS)] = _anything(choose)


def _repeat_a_key(members: dict[str, Any], choose: random.Random) -> None:
    """Say a key twice. Its first value goes before its own name: `"a":1,"a":2` is the value `1,"a":2` of a."""
    key = choose.choice([*members] or ["foo"])
    values = [to_json(choose.choice((members.get(key), *ANYTHING, *MONEY, "x"))) for _ in range(2)]
    members[key] = Json(f"{values[0]},{to_json(key)}:{values[1]}")


def _objects_in(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The event, its structs and its items, as far as they are objects."""
    inside = [*document.values(), *(document["items"] if isinstance(document.get("items"), list) else [])]
    return [document, *(value for value in inside if isinstance(value, dict))]


def _set(members: dict[str, Any], key: str, value: Any) -> None:
    if value is ABSENT:
        members.pop(key, None)
    else:
        members[key] = value
