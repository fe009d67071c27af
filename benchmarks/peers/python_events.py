"""What a Python framework is given to call: `Judge`, one event in, its fate out. Quix Streams and Pathway share it.

Default: the standard library as it is. Tuned: orjson, and what few distinct values determine (URLs, user agents, dates)
is remembered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from benchmarks.peers.environments import setting
from benchmarks.peers.reference_lists import device_classes, referrers
from pipelines.transforms.vocabulary import EVENT_NAMES, REQUIRED

_NAMES = frozenset(EVENT_NAMES)
_TRAFFIC = ("source", "medium", "campaign", "term", "content")
_REMEMBERED = 10_000


class Fate(NamedTuple):
    """Of one record: why it is dead, or the enriched event as JSON."""

    reason: str | None
    document: bytes | None


class Judge:
    """Calls: value, Kafka timestamp in milliseconds → `Fate`."""

    def __init__(self, tuned: bool) -> None:
        self._loads: Callable[[bytes], Any] = json.loads
        self._dumps: Callable[[Any], bytes] = _standard_dumps
        remember: Callable[[Any], Any] = _as_it_is
        if tuned:
            import orjson

            self._loads, self._dumps, remember = orjson.loads, orjson.dumps, lru_cache(_REMEMBERED)
        lines = Path(setting("CATALOG")).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        self._catalog = {row["item_id"]: {n: row[n] for n in ("item_id", "name", "brand", "category")} for row in rows}
        self._referrers = [(medium, re.compile(pattern)) for medium, pattern in referrers()]
        self._agents = [(name, re.compile(pattern)) for name, pattern in device_classes()]
        self._page = remember(_page)
        self._medium = remember(self._referrer_medium)
        self._class = remember(self._device_class)
        self._cents: Callable[[Sequence[dict[str, Any]]], float | None] = sum_of_cents if tuned else _sum_of_decimals

    def __call__(self, value: bytes, received_ms: int) -> Fate:
        try:
            event = self._loads(value)
        except ValueError:
            return Fate("NOT_JSON", None)
        reason = fault(event)
        if reason is not None:
            return Fate(reason, None)
        try:
            happened = datetime.fromisoformat(event["event_time"])
        except ValueError:
            return Fate("TIMESTAMP_INVALID", None)
        if happened.tzinfo is None:
            return Fate("TIMESTAMP_INVALID", None)
        event["enrichment"] = self._enrichment(event, happened, received_ms)
        return Fate(None, self._dumps(event))

    def _enrichment(self, event: dict[str, Any], happened: datetime, received_ms: int) -> dict[str, Any]:
        page, items = event.get("page") or {}, event.get("items") or ()
        host, path, source, medium, campaign = self._page(page.get("url"))
        traffic = event.get("traffic") or {}
        if any(traffic.get(name) is not None for name in _TRAFFIC):
            source, medium, campaign = (traffic.get(name) for name in ("source", "medium", "campaign"))
        referrer_host = self._page(page.get("referrer"))[0]
        device = event.get("device") or {}
        event_ms = round(happened.timestamp() * 1000)
        return {
            "page_host": host,
            "page_path": path,
            "utm_source": source,
            "utm_medium": medium,
            "utm_campaign": campaign,
            "referrer_host": referrer_host,
            "referrer_medium": self._medium((referrer_host, host)),
            "device_class": self._class((device.get("user_agent"), device.get("category"))),
            "event_date": _utc_date(happened),
            "lateness_ms": received_ms - event_ms,
            "cart_value": self._cents(items),
            "catalog_items": [self._catalog.get(i.get("item_id")) or {"item_id": i.get("item_id")} for i in items],
        }

    def _referrer_medium(self, hosts: tuple[str | None, str | None]) -> str:
        referrer, page = hosts
        if referrer is None or referrer == page:
            return "direct" if referrer is None else "internal"
        return next((medium for medium, pattern in self._referrers if pattern.search(referrer)), "other")

    def _device_class(self, device: tuple[str | None, str | None]) -> str | None:
        agent, category = device[0] or "", (device[1] or "").lower()
        declared = category if category in ("desktop", "mobile", "tablet") else None
        return next((found for found, pattern in self._agents if pattern.search(agent)), declared)


def fault(event: Any) -> str | None:
    """The reason why a parsed value is no event; times are not looked at."""
    if not isinstance(event, dict):
        return "NOT_JSON"
    if not all(event.get(name) for name in REQUIRED):
        return "MISSING_REQUIRED"
    shop, items = event.get("ecommerce") or {}, event.get("items") or ()
    if isinstance(shop.get("value"), str) or any(isinstance(item.get("price"), str) for item in items):
        return "TYPE_MISMATCH"
    return None if event["event_name"] in _NAMES else "INVALID_VALUE"


def _page(url: str | None) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    parts = urlsplit(url or "")
    query = parse_qs(parts.query)
    source, medium, campaign = (query.get(f"utm_{name}", [None])[0] for name in ("source", "medium", "campaign"))
    return parts.hostname or None, parts.path or None, source, medium, campaign


def _utc_date(happened: datetime) -> str:
    offset = happened.utcoffset()
    return (happened - offset if offset else happened).date().isoformat()


def _sum_of_decimals(items: Sequence[dict[str, Any]]) -> float | None:
    if not items or any(item.get("price") is None for item in items):
        return None
    return float(sum(Decimal(str(item["price"])) * (item.get("quantity") or 1) for item in items))


def sum_of_cents(items: Sequence[dict[str, Any]]) -> float | None:
    """Σ price × quantity in cents: of prices with two decimals, hundred times a double rounds to them."""
    cents = 0
    for item in items:
        price = item.get("price")
        if price is None:
            return None
        cents += round(price * 100) * (item.get("quantity") or 1)
    return cents / 100 if items else None


def _standard_dumps(document: Any) -> bytes:
    return json.dumps(document).encode()


def _as_it_is(function: Any) -> Any:
    return function
