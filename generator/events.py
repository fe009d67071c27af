"""Raw events, schema version 1-0-0: from a step of a visit to the JSON object that goes over the wire."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from generator.carts import Line, Step
from generator.clock import rfc3339
from generator.sessions import SHOP_URL, Session
from generator.shoppers import draw_uuid

SCHEMA_VERSION = "1-0-0"

# Lists show products with a position; everything else says how many.
_LIST_EVENTS = frozenset({"view_item_list", "select_item"})

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Event = dict[str, Any]


def build(session: Session, step: Step, event_ms: int, sent_ms: int | None, rng: Random) -> Event:
    """The event of one step. The dict, its ``ecommerce`` and ``items`` are new, its other parts shared."""
    shopper = session.shopper
    device = shopper.device
    # Android writes local time with its offset, all others UTC: both are in the contract.
    offset = shopper.place.utc_offset_minutes if device.platform == "android" else 0
    event_id = draw_uuid(rng)
    event: Event = {
        "schema_version": SCHEMA_VERSION,
        "event_id": event_id.upper() if shopper.uppercase_ids else event_id,
        "event_name": step.name,
        "event_time": rfc3339(event_ms, offset),
    }
    if sent_ms is not None:
        event["sent_at"] = rfc3339(sent_ms, offset)
    event["anonymous_id"] = shopper.anonymous_id
    event["session_id"] = session.session_id
    event["user_id"] = shopper.user_id
    event["session_number"] = session.number
    event["session_event_index"] = session.event_index
    event["platform"] = device.platform
    event["page"] = _page(session)
    event["device"] = shopper.device_fields
    event["ip_address"] = shopper.ip_address
    event["geo"] = shopper.geo_fields
    if session.traffic:
        event["traffic"] = session.traffic
    if step.ecommerce:
        fields = step.ecommerce
        event["ecommerce"] = {**fields, **{name: cents / 100 for name, cents in step.money.items()}}
    if step.lines:
        in_list = step.name in _LIST_EVENTS
        event["items"] = [_item(line, index, in_list) for index, line in enumerate(step.lines)]
    return event


def encode(event: Event) -> bytes:
    """The event as compact UTF-8 JSON."""
    return _ENCODER.encode(event).encode()


def _page(session: Session) -> dict[str, str]:
    """Apps have screens, not pages: a title only."""
    if session.shopper.device.platform != "web":
        return {"title": session.title}
    page = {"url": SHOP_URL + session.path, "title": session.title}
    if session.referrer:
        page["referrer"] = session.referrer
    return page


def _item(line: Line, index: int, in_list: bool) -> dict[str, Any]:
    product = line.product
    item: dict[str, Any] = {
        "item_id": product.item_id,
        "item_name": product.name,
        "item_brand": product.brand,
        "item_category": product.category,
    }
    if line.variant:
        item["item_variant"] = line.variant
    item["price"] = line.price_cents / 100
    if line.discount_cents:
        item["list_price"] = product.price_cents / 100
        item["discount"] = line.discount_cents / 100
    if in_list:
        item["index"] = index
    else:
        item["quantity"] = line.quantity
    return item
