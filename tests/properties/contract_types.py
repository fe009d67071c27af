"""The event's declared fields and when a JSON value fits one: the model's half that is about single values.

A value that does not fit counts as absent, with a complaint if a rule reads the field.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

PLATFORMS = ("web", "ios", "android")
# place → kind → names
DECLARED = {
    "": {
        "text": "schema_version event_id event_name event_time anonymous_id session_id user_id ip_address",
        "time": "sent_at",
        "platform": "platform",
        "integer": "session_number session_event_index",
    },
    "page": {"text": "url title referrer"},
    "device": {"text": "category user_agent screen language"},
    "geo": {"text": "country region city"},
    "traffic": {"text": "source medium campaign term content click_id"},
    "ecommerce": {
        "text": "transaction_id cart_id currency coupon payment_type shipping_tier item_list_id search_term "
        "refund_reason",
        "money": "value tax shipping discount",
    },
    "items[]": {
        "text": "item_id item_name item_brand item_category item_variant coupon",
        "money": "price list_price discount",
        "integer": "quantity index",
    },
}
# A misfit here rejects the record; elsewhere it is rescued.
READ_BY_RULES = {
    *("schema_version", "event_id", "event_name", "event_time", "anonymous_id", "session_id", "ecommerce", "items"),
    *(f"ecommerce.{name}" for name in ("transaction_id", "currency", "value", "tax", "shipping", "discount")),
    *(f"items[].{name}" for name in ("item_id", "item_name", "price", "list_price", "discount", "quantity")),
}
FIRST_MICROS = -2_208_988_800 * 1_000_000
END_MICROS = 253_370_764_800 * 1_000_000
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)

Event = dict[str, Any]


@dataclass(frozen=True)
class Number:
    """A JSON number as it was written."""

    text: str


class Complaint(NamedTuple):
    """A failing field."""

    failure_type: str
    path: str
    keyword: str


def fitting(document: dict[str, Any]) -> tuple[Event, list[Complaint]]:
    """The declared fields, None where no value fits; and the complaints."""
    event, complaints = _members(document, "", "")
    for name in ("page", "device", "geo", "traffic", "ecommerce"):
        value, event[name] = document.get(name), None
        if isinstance(value, dict):
            event[name], found = _members(value, name, f"{name}.")
            complaints += found
        elif value is not None and name in READ_BY_RULES:
            complaints.append(Complaint("TYPE_MISMATCH", name, "type"))
    event["items"], found = _items(document.get("items"))
    return event, complaints + found


def _items(value: Any) -> tuple[list[Event | None] | None, list[Complaint]]:
    """The items, None for one that is no object (null is none either)."""
    if not isinstance(value, list):
        return None, [] if value is None else [Complaint("TYPE_MISMATCH", "items", "type")]
    items: list[Event | None] = []
    complaints = []
    for at, element in enumerate(value):
        found = [Complaint("TYPE_MISMATCH", f"items[{at}]", "type")]
        item = None
        if isinstance(element, dict):
            item, found = _members(element, "items[]", f"items[{at}].")
        items.append(item)
        complaints += found
    return items, complaints


def _members(members: dict[str, Any], place: str, prefix: str) -> tuple[Event, list[Complaint]]:
    event: Event = {}
    complaints = []
    for kind, names in DECLARED[place].items():
        for name in names.split():
            value = members.get(name)
            keyword = misfit(value, kind)
            event[name] = _typed(value) if keyword is None else None
            if keyword and (f"{place}.{name}" if place else name) in READ_BY_RULES:
                complaints.append(Complaint(_failure_type(prefix + name, value, keyword), prefix + name, keyword))
    return event, complaints


def _failure_type(path: str, value: Any, keyword: str) -> str:
    if path == "event_time" and isinstance(value, Number):
        return "TIMESTAMP_INVALID"
    return "INVALID_VALUE" if keyword == "multipleOf" else "TYPE_MISMATCH"


def misfit(value: Any, kind: str) -> str | None:
    """The keyword of what is wrong with a value in a field of that kind, None if nothing is; null fits anywhere."""
    if value is None:
        return None
    if kind in ("integer", "money"):
        return _number_misfit(value, kind)
    if not isinstance(value, str):
        return "type"
    allowed = {"platform": value in PLATFORMS, "time": kind != "time" or is_representable(instant(value))}
    return None if allowed.get(kind, True) else "format"


def _number_misfit(value: Any, kind: str) -> str | None:
    if not isinstance(value, Number):
        return "type"
    if kind == "money":
        cents, is_exact = _cents(value)
        if cents is None or abs(cents) >= 10**12:
            return "range"
        return None if is_exact else "multipleOf"
    # 1.0 and 1e0 are whole numbers and no integers: schema languages differ, this contract is strict.
    if not re.fullmatch(r"-?[0-9]+", value.text):
        return "type"
    return None if -(2**31) <= int(value.text) < 2**31 else "range"


def _cents(number: Number) -> tuple[int | None, bool]:
    """The number in hundredths, rounded half up (None: too many digits to say), and whether nothing was rounded."""
    sign, whole, fraction, exponent = _NUMBER.fullmatch(number.text).groups(default="")  # type: ignore[union-attr]
    digits, shift = int(whole + fraction), int(exponent or 0) - len(fraction) + 2
    if digits == 0:
        return 0, True
    if shift > 20:
        return None, True
    if -shift > len(whole + fraction):
        return 0, False
    cents, rest = divmod(digits * 10 ** max(shift, 0), 10 ** max(-shift, 0))
    cents += 2 * rest >= 10 ** max(-shift, 0)
    return (-cents if sign else cents), not rest


def _typed(value: Any) -> Any:
    if not isinstance(value, Number):
        return value
    cents, _ = _cents(value)
    return int(value.text) if re.fullmatch(r"-?[0-9]+", value.text) else Decimal(cents or 0).scaleb(-2)


def is_blank(text: str | None) -> bool:
    """Null, or nothing but Unicode separators and ASCII white space (tab, line ends, blank; not U+001C to U+001F)."""
    return text is None or all(c in "\t\n\v\f\r" or unicodedata.category(c)[0] == "Z" for c in text)


def is_representable(micros: int | None) -> bool:
    """Whether all readers of the tables know the instant: the years 1900 to 9998."""
    return micros is not None and FIRST_MICROS <= micros < END_MICROS


def instant(text: str) -> int | None:
    """RFC 3339 text as µs since 1970 (further digits are cut), None if it is not one.

    `T` and `Z` in upper case, no leap seconds, and no offset beyond ±18:00: that is all that Java knows as a zone.
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, ahead_hours, ahead_minutes = match.groups()[6:]
    offset = int(ahead_hours or 0) * 60 + int(ahead_minutes or 0)
    if hour > 23 or minute > 59 or second > 59 or offset > 18 * 60 or int(ahead_minutes or 0) > 59:
        return None
    try:  # Python has no year 0; the calendar repeats every 400 years
        days = datetime.date(2000 + year % 400, month, day).toordinal() + (year // 400 - 5) * 146_097 - 719_163
    except ValueError:
        return None
    seconds = ((days * 24 + hour) * 60 + minute - (-offset if sign == "-" else offset)) * 60 + second
    return seconds * 1_000_000 + int((fraction or "").ljust(6, "0")[:6])
