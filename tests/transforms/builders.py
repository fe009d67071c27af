"""Valid events and raw Kafka records; a test names only the field it is about.

`event(user_id=ABSENT)` leaves a field out, `Json("1e2")` puts text into the document as it is.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

RECEIVED_AT = "2026-03-01T12:00:00Z"
ANONYMOUS_ID = "anon-1"
TOPIC, TOPIC_ID = "ecommerce_events_raw", "dG9waWMtaWQtMDAwMDAwMQ"
ABSENT = object()


class Json(str):
    """A piece of JSON text, to be written as it is."""


def event(**changes: Any) -> dict[str, Any]:
    """A page view that keeps the contract, without remarks."""
    return _changed(
        {
            "schema_version": "1-0-0",
            "event_id": "3f0c2f5e-7d4c-4b62-9d3e-0a1b2c3d4e5f",
            "event_name": "page_view",
            "event_time": "2026-03-01T11:59:58Z",
            "anonymous_id": ANONYMOUS_ID,
            "session_id": "session-1",
        },
        changes,
    )


def cart_event(name: str = "add_to_cart", **changes: Any) -> dict[str, Any]:
    """An event with one item of the catalogue."""
    return event(event_name=name, **{"items": [item()], **changes})


def purchase(**changes: Any) -> dict[str, Any]:
    """A purchase of one item of the catalogue."""
    return cart_event("purchase", **{"ecommerce": order(), **changes})


def order(**changes: Any) -> dict[str, Any]:
    """What `ecommerce` holds in a purchase."""
    return _changed({"transaction_id": "T-1", "value": Json("86.90"), "currency": "EUR"}, changes)


def item(**changes: Any) -> dict[str, Any]:
    """One element of `items`; the bundled catalogue knows it."""
    return _changed({"item_id": "SKU-AUD-001", "price": Json("86.90"), "quantity": 1}, changes)


def _changed(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not ABSENT}


def to_json(value: Any) -> str:
    """JSON text; `Json` goes in as it is."""
    if isinstance(value, Json):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{to_json(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def first(document: dict[str, Any], text: str) -> str:
    """The document as JSON text, with `text` as its first members: so that a key can be there twice."""
    return "{" + text + "," + to_json(document)[1:]


def utc(text: str) -> datetime.datetime:
    """RFC 3339 text as Spark's rows hold instants: UTC, without a zone."""
    instant = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return instant.astimezone(datetime.timezone.utc).replace(tzinfo=None)


@dataclass(frozen=True)
class Raw:
    """One record of the raw topic; its offset is its place in the table of a test."""

    value: Any
    key: bytes | None = ANONYMOUS_ID.encode()
    headers: tuple[tuple[str, bytes | None], ...] | None = ()
    partition: int = 0
    received_at: str | None = RECEIVED_AT
    timestamp_type: int | None = 1

    @property
    def bytes(self) -> bytes | None:
        """The value as Kafka holds it."""
        if self.value is None or isinstance(self.value, bytes):
            return self.value
        return (self.value if isinstance(self.value, str) else to_json(self.value)).encode("utf-8")

    def row(self, offset: int) -> tuple[Any, ...]:
        """A row of `schemas.RAW_RECORD`."""
        received_at = self.received_at and utc(self.received_at).replace(tzinfo=datetime.timezone.utc)
        headers = None if self.headers is None else list(self.headers)
        place = (TOPIC, TOPIC_ID, self.partition, offset)
        return (self.key, self.bytes, headers, *place, received_at, self.timestamp_type)


def raw(value: Any) -> Raw:
    """A raw record of `value`: bytes, text, a JSON-like object, or a record as it is."""
    return value if isinstance(value, Raw) else Raw(value)


def joined(*tables: dict[str, Any]) -> dict[str, Any]:
    """Tables as one; a name that is there twice would hide a record."""
    whole = {name: value for table in tables for name, value in table.items()}
    assert len(whole) == sum(map(len, tables)), "two tables share a name"
    return whole


def full_purchase(**changes: Any) -> dict[str, Any]:
    """A purchase in which every declared field has a value."""
    everything = {
        "sent_at": "2026-03-01T11:59:59Z",
        "user_id": "user-4711",
        "session_number": 3,
        "session_event_index": 14,
        "platform": "web",
        "page": {
            "url": "https://shop.example/checkout?step=3&utm_source=news#top",
            "title": "Checkout",
            "referrer": "https://www.google.com/search?q=headphones",
        },
        "device": {
            "category": "desktop",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "screen": "1920x1080",
            "language": "de-DE",
        },
        "ip_address": "203.0.113.77",
        "geo": {"country": "DE", "region": "BE", "city": "Berlin"},
        "traffic": {
            "source": "newsletter",
            "medium": "email",
            "campaign": "spring",
            "term": "audio",
            "content": "banner",
            "click_id": "click-1",
        },
        "ecommerce": order(
            value=Json("173.80"),
            cart_id="cart-1",
            tax=Json("27.75"),
            shipping=Json("4.9"),
            discount=0,
            coupon="SPRING",
            payment_type="card",
            shipping_tier="express",
            item_list_id="list-1",
            search_term="headphones",
            refund_reason="none",
        ),
        "items": [
            item(
                item_name="Northwave One",
                item_brand="Northwave",
                item_category="Audio",
                item_variant="black",
                list_price=Json("99.00"),
                quantity=2,
                discount=Json("12.10"),
                coupon="ITEM",
                index=1,
            )
        ],
    }
    return purchase(**{**everything, **changes})
