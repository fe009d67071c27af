"""Turning a good event into a record with exactly one fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from generator.faults import BAD_TIMESTAMP_VARIANTS, MALFORMED_VARIANTS

Event = dict[str, Any]

_REQUIRED = ("event_id", "event_name", "event_time", "anonymous_id", "session_id")
_NEEDS_ITEMS = frozenset(
    {"add_to_cart", "remove_from_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase"}
)
# 1970 lies this many days back at least: an age limit beyond it makes no date we write ancient.
ANCIENT_FROM_DAYS = 20_000

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(event: Event) -> bytes:
    """The event as compact UTF-8 JSON."""
    return _ENCODER.encode(event).encode()


# --- malformed: bytes that are no JSON object


def _truncated(value: bytes, rng: Random) -> bytes:
    # A cut inside a UTF-8 sequence would be another fault, so the broken tail goes too.
    return value[: rng.randrange(1, len(value))].decode(errors="ignore").encode()


def _not_utf8(value: bytes, rng: Random) -> bytes:
    at = rng.randrange(1, len(value))
    return value[:at] + b"\xff\xfe" + value[at:]


def _with_session_number(value: bytes, number: float) -> bytes:
    return encode({**json.loads(value), "session_number": number})


_MALFORMED: dict[str, Callable[[bytes, Random], bytes | None]] = {
    "truncated": _truncated,
    "trailing_garbage": lambda value, rng: value + rng.choice((b" xx", b"}", b",", b"\x00")),
    "two_documents": lambda value, _: value + value,
    "not_a_number": lambda value, _: _with_session_number(value, float("nan")),
    "infinity": lambda value, rng: _with_session_number(value, rng.choice((float("inf"), float("-inf")))),
    "single_quotes": lambda value, _: value.replace(b'"', b"'"),
    "comment": lambda value, _: b"{/* v1 */" + value[1:],
    "byte_order_mark": lambda value, _: b"\xef\xbb\xbf" + value,
    "invalid_utf8": _not_utf8,
    "latin1": lambda value, _: b'{"caf\xe9":true,' + value[1:],
    "tombstone": lambda _value, _: None,
    "empty": lambda _value, _: b"",
    "blank": lambda _value, rng: b" " * rng.randrange(1, 9),
    "array": lambda value, _: b"[" + value + b"]",
    "string": lambda value, _: json.dumps(value.decode()).encode(),
    "number": lambda _value, rng: str(rng.randrange(10_000)).encode(),
    "null": lambda _value, _: b"null",
}
_MALFORMED_NAMES = tuple(MALFORMED_VARIANTS)


def malformed(event: Event, rng: Random) -> tuple[bytes | None, str]:
    """(value, variant): a value that is not one JSON object; None is a tombstone."""
    variant = rng.choice(_MALFORMED_NAMES)
    return _MALFORMED[variant](encode(event), rng), variant


# --- missing_field


def _missable(event: Event) -> list[tuple[str, dict[str, Any], str]]:
    """(path, parent, name) of all that the contract requires of this event and could be left out."""
    found = [(name, event, name) for name in _REQUIRED]
    name, ecommerce = event["event_name"], event.get("ecommerce", {})
    conditional = {
        "purchase": ("transaction_id", "value", "currency"),
        "refund": ("transaction_id", "currency"),
    }
    fields = conditional.get(name, ("currency",) if "value" in ecommerce else ())
    found += [(f"ecommerce.{field}", ecommerce, field) for field in fields]
    if name in _NEEDS_ITEMS:
        found.append(("items", event, "items"))
    return found


def missing_field(event: Event, rng: Random) -> tuple[bytes, str]:
    """(value, variant): a required field is absent, null or blank. Changes `event`."""
    path, parent, name = rng.choice(_missable(event))
    ways = ("absent", "null", "blank") if isinstance(parent[name], str) else ("absent", "null")
    way = rng.choice(ways)
    if way == "absent":
        del parent[name]
    else:
        parent[name] = None if way == "null" else rng.choice(("", " ", "   "))
    return encode(event), f"{path} {way}"


# --- wrong_type

_NOT_A_STRING: dict[str, Callable[[Any], Any]] = {
    "number": lambda _: 42,
    "boolean": lambda _: True,
    "object": lambda value: {"value": value},
    "array": lambda value: [value],
}
_NOT_A_NUMBER: dict[str, Callable[[Any], Any]] = {
    "string": str,
    "boolean": lambda _: True,
    "object": lambda value: {"amount": value},
}
_NOT_AN_ARRAY: dict[str, Callable[[Any], Any]] = {
    "object": lambda value: value[0] if value else {},
    "string": lambda _: "none",
    "number": len,
}
# Not event_time: whatever is wrong with it is a bad timestamp.
_TEXTS = ("event_id", "event_name", "anonymous_id", "session_id", "schema_version")
_MONEY = ("value", "tax", "shipping", "discount")


def _retypable(event: Event) -> list[tuple[str, Any, str, dict[str, Callable[[Any], Any]]]]:
    """(path, parent, name, ways) of all fields of this event whose type a rule reads."""
    ecommerce: dict[str, Any] = event.get("ecommerce", {})
    items: list[dict[str, Any]] = event.get("items", [])
    found: list[tuple[str, Any, str, dict[str, Callable[[Any], Any]]]] = []
    found += [(name, event, name, _NOT_A_STRING) for name in _TEXTS]
    found += [
        (f"ecommerce.{name}", ecommerce, name, _NOT_A_STRING)
        for name in ("transaction_id", "currency")
        if name in ecommerce
    ]
    found += [(f"ecommerce.{name}", ecommerce, name, _NOT_A_NUMBER) for name in _MONEY if name in ecommerce]
    if items:
        found.append(("items", event, "items", _NOT_AN_ARRAY))
        last = len(items) - 1
        found += [(f"items[{last}].{name}", items[last], name, _NOT_A_STRING) for name in ("item_id", "item_name")]
        found += [
            (f"items[{last}].{name}", items[last], name, _NOT_A_NUMBER)
            for name in ("price", "quantity")
            if name in items[last]
        ]
    return found


def wrong_type(event: Event, rng: Random) -> tuple[bytes, str]:
    """(value, variant): a field that a rule reads has the wrong JSON type. Changes `event`."""
    path, parent, name, ways = rng.choice(_retypable(event))
    way = rng.choice(tuple(ways))
    parent[name] = ways[way](parent[name])
    return encode(event), f"{path} {way}"


# --- bad_timestamp


def bad_timestamp(event: Event, rng: Random, event_ms: int, max_event_age_days: int) -> tuple[bytes, str]:
    """(value, variant): an event_time that cannot be read, or cannot be true. Changes `event`."""
    has_ancient = 0 < max_event_age_days < ANCIENT_FROM_DAYS
    variant = rng.choice(tuple(name for name in BAD_TIMESTAMP_VARIANTS if has_ancient or name != "ancient"))
    good: str = event["event_time"]
    event["event_time"] = {
        "unparseable": rng.choice(("yesterday", "N/A", "01/02/2026 10:00")),
        "impossible_date": f"{good[:4]}-02-30T{good[11:]}",
        "date_only": good[:10],
        "zoneless": good[:23],
        "space_for_t": good.replace("T", " "),
        "epoch_milliseconds": event_ms,
        "future": f"{rng.randrange(2100, 2400)}{good[4:8]}01{good[10:]}",
        "ancient": f"1970-01-{rng.randrange(1, 29):02d}{good[10:]}",
    }[variant]
    return encode(event), variant


# --- what is about a whole event


def id_conflict(event: Event) -> bytes:
    """The same id with another content: the page got another title. Changes `event`."""
    event["page"] = {**event.get("page", {}), "title": "Something else"}
    return encode(event)


def oversize(event: Event, max_event_bytes: int) -> bytes:
    """An event of one byte more than the pipeline takes. Changes `event`."""
    event["page"] = {**event.get("page", {}), "title": ""}
    missing = max_event_bytes + 1 - len(encode(event))
    event["page"]["title"] = "x" * missing
    return encode(event)


def with_key(event: Event, anonymous_id: str) -> bytes:
    """The event as another shopper's. Changes `event`."""
    event["anonymous_id"] = anonymous_id
    return encode(event)


_DRIFTS: dict[str, Callable[[Event], Event]] = {
    "new_field": lambda event: {**event, "loyalty": {"tier": "gold", "points": 1200}},
    "addition": lambda event: {**event, "schema_version": "1-0-1", "consent": ["ads", "analytics"]},
    "renamed_field": lambda event: {("client_id" if k == "anonymous_id" else k): v for k, v in event.items()},
    "type_change": lambda event: {**event, "session_id": {"id": event["session_id"]}},
    "new_model": lambda event: {**event, "schema_version": "2-0-0"},
}


def drifted(event: Event, variant: str) -> bytes:
    """The event as a new release of the tracker writes it."""
    return encode(_DRIFTS[variant](event))
