"""The raw event's contract in plain Python, from its text, not from the pipeline."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

EVENT_NAMES = {
    "page_view", "search", "view_item_list", "select_item", "view_item", "add_to_wishlist", "add_to_cart",
    "remove_from_cart", "view_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase",
    "refund", "login", "sign_up",
}  # fmt: skip
REQUIRED = ("event_id", "event_name", "event_time", "anonymous_id", "session_id")
NEEDS_ITEMS = {
    "add_to_cart", "remove_from_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase",
}  # fmt: skip
MONEY = ("value", "tax", "shipping", "discount")
ITEM_MONEY = ("price", "list_price", "discount")

STRUCTS = {
    "page": {"url", "title", "referrer"},
    "device": {"category", "user_agent", "screen", "language"},
    "geo": {"country", "region", "city"},
    "traffic": {"source", "medium", "campaign", "term", "content", "click_id"},
}
ECOMMERCE_TEXTS = {
    "transaction_id", "cart_id", "currency", "coupon", "payment_type", "shipping_tier", "item_list_id",
    "search_term", "refund_reason",
}  # fmt: skip
ITEM_TEXTS = {"item_id", "item_name", "item_brand", "item_category", "item_variant", "coupon"}
TEXTS = {"schema_version", *REQUIRED, "sent_at", "user_id", "platform", "ip_address"}
INTEGERS = {"session_number", "session_event_index"}

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)",
)


def verdict(value: bytes | None, received_at: datetime) -> str:
    """``accepted`` or the contract's failure type."""
    if value is None or not value.strip():
        return "EMPTY_VALUE"
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "NOT_UTF8"
    try:
        event = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except ValueError:
        return "NOT_JSON"
    if not isinstance(event, dict):
        return "NOT_OBJECT"
    if _missing(event):
        return "MISSING_REQUIRED"
    if _mistyped(event):
        return "TYPE_MISMATCH"
    if _invalid(event):
        return "INVALID_VALUE"
    return _time_verdict(event, received_at)


def undeclared(event: dict[str, Any]) -> list[str]:
    """Fields that the contract does not declare, or that do not have their declared type."""
    found = []
    for name, value in event.items():
        if name in TEXTS:
            found += [name] * (not isinstance(value, str) and not (name == "user_id" and value is None))
        elif name in INTEGERS:
            found += [name] * (type(value) is not int)
        elif name in STRUCTS:
            found += [
                f"{name}.{field}"
                for field, part in value.items()
                if field not in STRUCTS[name] or not isinstance(part, str)
            ]
        elif name == "ecommerce":
            found += [f"{name}.{field}" for field in value if field not in ECOMMERCE_TEXTS | set(MONEY)]
            found += [field for field in ECOMMERCE_TEXTS if field in value and not isinstance(value[field], str)]
        elif name == "items":
            declared = ITEM_TEXTS | set(ITEM_MONEY) | {"quantity", "index"}
            found += [f"items.{field}" for item in value for field in item if field not in declared]
        else:
            found.append(name)
    return found


def parse_time(text: str) -> datetime | None:
    """The moment, or None if it is not RFC 3339 as the contract has it."""
    match = _RFC3339.fullmatch(text)
    if not match:
        return None
    try:
        moment = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment + timedelta(seconds=float(match[2] or 0))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _missing(event: dict[str, Any]) -> list[str]:
    missing = [name for name in REQUIRED if _blank(event.get(name))]
    ecommerce = event.get("ecommerce") or {}
    needs = {"purchase": ["transaction_id", "value", "currency"], "refund": ["transaction_id"]}
    name = event.get("event_name")
    fields = needs.get(name, []) if isinstance(name, str) else []
    if not _blank(ecommerce.get("value")):
        fields = [*fields, "currency"]
    missing += [f"ecommerce.{field}" for field in fields if _blank(ecommerce.get(field))]
    items = event.get("items")
    if isinstance(name, str) and name in NEEDS_ITEMS and (items is None or items == []):
        missing.append("items")
    for item in items if isinstance(items, list) else []:
        if _blank(item.get("item_id")) and _blank(item.get("item_name")):
            missing.append("items[].item_id")
    return missing


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _mistyped(event: dict[str, Any]) -> list[str]:
    texts = [name for name in (*REQUIRED, "schema_version") if name != "event_time" and name in event]
    wrong = [name for name in texts if not isinstance(event[name], str)]
    ecommerce = event.get("ecommerce") or {}
    for name in ("transaction_id", "currency"):
        wrong += [name] * (ecommerce.get(name) is not None and not isinstance(ecommerce[name], str))
    wrong += [name for name in MONEY if ecommerce.get(name) is not None and not _is_number(ecommerce[name])]
    items = event.get("items")
    if items is None:
        return wrong
    if not isinstance(items, list):
        return [*wrong, "items"]
    for item in items:
        for name in ("item_id", "item_name"):
            wrong += [name] * (item.get(name) is not None and not isinstance(item[name], str))
        for name in (*ITEM_MONEY, "quantity"):
            wrong += [name] * (item.get(name) is not None and not _is_number(item[name]))
    return wrong


def _invalid(event: dict[str, Any]) -> list[str]:
    wrong = [] if event["event_name"] in EVENT_NAMES else ["event_name"]
    try:
        UUID(event["event_id"])
    except ValueError:
        wrong.append("event_id")
    wrong += [] if re.fullmatch(r"1-\d+-\d+", event.get("schema_version", "1-0-0")) else ["schema_version"]
    ecommerce, items = event.get("ecommerce") or {}, event.get("items") or []
    wrong += [] if re.fullmatch("[A-Z]{3}", ecommerce.get("currency", "EUR")) else ["currency"]
    wrong += ["items"] * (len(items) > 200)
    amounts = [ecommerce[name] for name in MONEY if name in ecommerce]
    amounts += [item[name] for item in items for name in ITEM_MONEY if name in item]
    wrong += ["money" for amount in amounts if Decimal(amount) != round(Decimal(amount), 2)]
    wrong += ["price" for item in items if item.get("price", 0) < 0]
    wrong += ["quantity" for item in items if item.get("quantity", 1) < 1]
    return wrong


def _time_verdict(event: dict[str, Any], received_at: datetime) -> str:
    event_time = parse_time(event["event_time"]) if isinstance(event["event_time"], str) else None
    if event_time is None:
        return "TIMESTAMP_INVALID"
    derived_at = derived(event, received_at)
    if derived_at > received_at + timedelta(seconds=600):
        return "TIMESTAMP_FUTURE"
    if derived_at < received_at - timedelta(days=3650):
        return "TIMESTAMP_ANCIENT"
    return "accepted"


def derived(event: dict[str, Any], received_at: datetime) -> datetime:
    """When the event happened, corrected by the device's own clock error where sent_at shows it."""
    event_time = parse_time(event["event_time"])
    sent_at = parse_time(event.get("sent_at", ""))
    assert event_time is not None
    if sent_at is None or abs(received_at - sent_at) > timedelta(hours=24):
        return event_time
    return received_at - (sent_at - event_time)
