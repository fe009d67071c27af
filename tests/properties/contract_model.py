"""What the contract says about one raw value, in plain Python, one function per rule: its failure and failing fields.

It shares the lists of names and codes with the transforms, and none of their code. Where the contract leaves room, the
function that fills it says how.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract_types import END_MICROS, FIRST_MICROS, Complaint, Event, Number, fitting, instant, is_blank
from json_grammar import kind_of

from pipelines.transforms import vocabulary

MAX_EVENT_BYTES = 921_600
MAX_FUTURE_MICROS = 600 * 1_000_000
MAX_AGE_MICROS = 3650 * 86_400 * 1_000_000
MAX_CLOCK_DISTANCE_MICROS = 86_400 * 1_000_000
# The first of these among a record's complaints is its failure type.
PRECEDENCE = (
    "EMPTY_VALUE", "SIZE_VIOLATION", "NOT_UTF8", "NOT_JSON", "NOT_OBJECT", "UNSUPPORTED_SCHEMA_VERSION",
    "MISSING_REQUIRED",
    "TYPE_MISMATCH", "INVALID_VALUE", "TIMESTAMP_INVALID", "TIMESTAMP_FUTURE", "TIMESTAMP_ANCIENT",
)  # fmt: skip
MALFORMED = Complaint("NOT_JSON", "", "malformed")


@dataclass(frozen=True)
class Prediction:
    """The failing fields, none for an accepted record, and the values that fit the event's declared fields."""

    complaints: tuple[Complaint, ...]
    event: Event | None = None

    @property
    def failure_type(self) -> str | None:
        """The failure's type, None if the record is accepted."""
        return min((c.failure_type for c in self.complaints), key=PRECEDENCE.index, default=None)


def predict(value: bytes | None, received_at: int | None) -> Prediction:
    """What becomes of a raw value that arrived at `received_at` (µs since 1970)."""
    early = _not_decodable(value) or _not_an_object(value.decode() if value else "")
    if early:
        return Prediction((early,))
    text = (value or b"").decode()
    document = json.loads(text, parse_int=Number, parse_float=Number)
    event, misfits = fitting(document)
    complained = {complaint.path for complaint in misfits}
    found = [*misfits, *(c for rule in RULES for c in rule(event, complained)), *_times(event, received_at)]
    return Prediction(tuple(found), event)


def _not_decodable(value: bytes | None) -> Complaint | None:
    if value is None or is_blank(value.decode(errors="replace")):
        return Complaint("EMPTY_VALUE", "", "minLength")
    if len(value) > MAX_EVENT_BYTES:
        return Complaint("SIZE_VIOLATION", "", "maxLength")
    try:
        value.decode()
    except UnicodeDecodeError:
        return Complaint("NOT_UTF8", "", "encoding")
    return None


def _not_an_object(text: str) -> Complaint | None:
    kind = kind_of(text)
    if kind == "object":
        return None
    return Complaint("NOT_OBJECT", "", "type") if kind == "other" else Complaint("NOT_JSON", "", kind)


def _schema_version(event: Event, _: set[str]) -> Iterator[Complaint]:
    version = event["schema_version"]
    if version is None:
        return
    match = re.fullmatch(r"(0|[1-9][0-9]{0,8})(?:-(?:0|[1-9][0-9]{0,8})){2}", version)
    if not match:
        yield Complaint("INVALID_VALUE", "schema_version", "format")
    elif match[1] != "1":
        yield Complaint("UNSUPPORTED_SCHEMA_VERSION", "schema_version", "const")


def _required(event: Event, complained: set[str]) -> Iterator[Complaint]:
    """A value that does not fit is complained about once, as what it is."""
    for name in ("event_id", "event_name", "event_time", "anonymous_id", "session_id"):
        if is_blank(event[name]) and name not in complained:
            yield Complaint("MISSING_REQUIRED", name, "required")


def _order(event: Event, complained: set[str]) -> Iterator[Complaint]:
    """What purchase and refund need of ecommerce, and value of its currency.

    Where ecommerce is no object, its fields are absent: they are missing, and ecommerce is mistyped. A value that does
    not fit asks for no currency.
    """
    shop = event["ecommerce"] or {}
    is_purchase = event["event_name"] == "purchase"
    needed = {
        "transaction_id": is_purchase or event["event_name"] == "refund",
        "value": is_purchase,
        "currency": is_purchase or shop.get("value") is not None,
    }
    for name, is_needed in needed.items():
        value = shop.get(name)
        absent = value is None if name == "value" else is_blank(value)
        if is_needed and absent and f"ecommerce.{name}" not in complained:
            yield Complaint("MISSING_REQUIRED", f"ecommerce.{name}", "required")


def _known_words(event: Event, _: set[str]) -> Iterator[Complaint]:
    """Blank text is absent: it may be missing, but it is no wrong word."""
    name, event_id = event["event_name"], event["event_id"]
    currency = (event["ecommerce"] or {}).get("currency")
    if not is_blank(event_id) and not re.fullmatch(r"(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", event_id):
        yield Complaint("INVALID_VALUE", "event_id", "format")
    if not is_blank(name) and name not in vocabulary.EVENT_NAMES:
        yield Complaint("INVALID_VALUE", "event_name", "enum")
    if not is_blank(currency) and currency not in vocabulary.CURRENCIES:
        yield Complaint("INVALID_VALUE", "ecommerce.currency", "enum")


def _number_of_items(event: Event, complained: set[str]) -> Iterator[Complaint]:
    items = event["items"]
    needed = event["event_name"] in {
        *("add_to_cart", "remove_from_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase")
    }
    if needed and not items and "items" not in complained:
        yield Complaint("MISSING_REQUIRED", "items", "minItems")
    if len(items or []) > 200:
        yield Complaint("INVALID_VALUE", "items", "maxItems")


def _each_item(event: Event, complained: set[str]) -> Iterator[Complaint]:
    for at, item in enumerate(event["items"] or []):
        if item is None:
            continue
        nameless = is_blank(item["item_id"]) and is_blank(item["item_name"])
        if nameless and not complained & {f"items[{at}].item_id", f"items[{at}].item_name"}:
            yield Complaint("MISSING_REQUIRED", f"items[{at}].item_id", "required")
        if (item["price"] or 0) < 0:
            yield Complaint("INVALID_VALUE", f"items[{at}].price", "minimum")
        if item["quantity"] is not None and item["quantity"] < 1:
            yield Complaint("INVALID_VALUE", f"items[{at}].quantity", "minimum")


def _times(event: Event, received_at: int | None) -> Iterator[Complaint]:
    """The bounds judge `derived_at`: the event's time, corrected if `sent_at` is within 24 h of the arrival."""
    text = event["event_time"]
    happened = None if is_blank(text) else instant(text)
    if not is_blank(text) and happened is None:
        yield Complaint("TIMESTAMP_INVALID", "event_time", "format")
    if happened is None:
        return
    if received_at is None:
        if happened >= END_MICROS:
            yield Complaint("TIMESTAMP_FUTURE", "event_time", "maximum")
        if happened < FIRST_MICROS:
            yield Complaint("TIMESTAMP_ANCIENT", "event_time", "minimum")
        return
    sent = instant(event["sent_at"]) if event["sent_at"] else None
    if sent is not None and abs(received_at - sent) <= MAX_CLOCK_DISTANCE_MICROS:
        happened = received_at - (sent - happened)
    if happened > received_at + MAX_FUTURE_MICROS:
        yield Complaint("TIMESTAMP_FUTURE", "event_time", "maximum")
    if happened < received_at - MAX_AGE_MICROS:
        yield Complaint("TIMESTAMP_ANCIENT", "event_time", "minimum")


RULES = (_schema_version, _required, _order, _known_words, _number_of_items, _each_item)


def values(event: Event) -> dict[str, Any]:
    """The event's values without nulls and empty structs."""
    flat = {name: value for name, value in event.items() if not isinstance(value, (dict, list))}
    for name in ("page", "device", "geo", "traffic", "ecommerce"):
        flat.update({f"{name}.{inner}": value for inner, value in (event[name] or {}).items()})
    for at, item in enumerate(event["items"] or []):
        flat.update({f"items[{at}].{inner}": value for inner, value in (item or {}).items()})
    return {path: value for path, value in flat.items() if value is not None} | {"items": len(event["items"] or [])}
