"""What a corpus must become: an independent reference in plain Python, made as WORKLOADS.md tells, without Spark."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import polars as pl

from benchmarks.places import CATALOG
from pipelines.reference_data import load_reference_data
from pipelines.transforms.vocabulary import EVENT_NAMES, REQUIRED

# The fields that are compared, as canonical columns: event_ms becomes lateness_ms once a record has its Kafka time.
TEXTS = ("page_host", "page_path", "utm_source", "utm_medium", "utm_campaign", "referrer_host", "referrer_medium",
         "device_class", "event_date")  # fmt: skip
COLUMNS = {
    "event_id": pl.String,
    **dict.fromkeys(TEXTS, pl.String),
    "lateness_ms": pl.Int64,
    "cart_cents": pl.Int64,
    "catalog_items": pl.String,
}
FIELDS = tuple(name for name in COLUMNS if name != "event_id")


@dataclass(frozen=True)
class Expectations:
    """`events`: one row per good record, `COLUMNS` with event_ms in place of lateness_ms.

    `reasons`: how many dead letters of each reason; `dead`: how often each (reason, SHA-1 of the bytes).
    """

    events: pl.DataFrame
    reasons: Counter[str]
    dead: Counter[tuple[str, bytes]]

    @property
    def checksum(self) -> str:
        """Of all expected values, for people to compare."""
        return hashlib.sha256(self.events.sort("event_id").write_csv().encode()).hexdigest()[:16]


def expect(values: Iterable[bytes]) -> Expectations:
    """What must become of these values."""
    enrich = enricher()
    rows: list[tuple[Any, ...]] = []
    dead: Counter[tuple[str, bytes]] = Counter()
    for value in values:
        event, reason = judged(value)
        if reason is None:
            rows.append(enrich(event))
        else:
            dead[reason, digest(value)] += 1
    reasons: Counter[str] = Counter()
    for (reason, _), count in dead.items():
        reasons[reason] += count
    schema = {("event_ms" if name == "lateness_ms" else name): kind for name, kind in COLUMNS.items()}
    return Expectations(pl.DataFrame(rows, schema=schema, orient="row"), reasons, dead)


def digest(value: bytes) -> bytes:
    """A short name for some bytes."""
    return hashlib.sha1(value, usedforsecurity=False).digest()


def judged(value: bytes) -> tuple[dict[str, Any], str | None]:
    """(event, reason why it is dead)."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}, "NOT_JSON"
    if any(not event.get(name) for name in REQUIRED):
        return event, "MISSING_REQUIRED"
    if any(isinstance(item.get("price"), str) for item in event.get("items") or ()):
        return event, "TYPE_MISMATCH"
    if event["event_name"] not in EVENT_NAMES:
        return event, "INVALID_VALUE"
    try:
        _milliseconds(event["event_time"])
    except ValueError:
        return event, "TIMESTAMP_INVALID"
    return event, None


def enricher() -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A function from a good event to its row of expectations."""
    catalog = {row["item_id"]: row for row in map(orjson.loads, CATALOG.read_bytes().splitlines())}
    reference = load_reference_data()
    referrers = [(medium, re.compile(pattern)) for medium, pattern in reference.referrers]
    referrers.sort(key=lambda row: row[0] != "email")
    agents = [(column, re.compile(pattern), value) for column, pattern, value in reference.user_agents]

    def referrer_medium(host: str | None, page_host: str | None) -> str:
        if host is None or host == page_host:
            return "direct" if host is None else "internal"
        return next((medium for medium, pattern in referrers if pattern.search(host)), "other")

    def device_class(device: dict[str, Any]) -> str | None:
        agent = device.get("user_agent") or ""
        for wanted, found in (("is_bot", "bot"), ("device_class", None)):
            for column, pattern, value in agents:
                if column == wanted and pattern.search(agent):
                    return found or value
        category = (device.get("category") or "").lower()
        return category if category in ("desktop", "mobile", "tablet") else None

    def enrich(event: dict[str, Any]) -> tuple[Any, ...]:
        page, items = event.get("page") or {}, event.get("items") or []
        url, referrer = urlsplit(page.get("url") or ""), urlsplit(page.get("referrer") or "")
        page_host, referrer_host = url.hostname or None, referrer.hostname or None
        event_ms = _milliseconds(event["event_time"])
        happened = datetime.datetime.fromtimestamp(event_ms / 1000, datetime.timezone.utc)
        return (
            event["event_id"].lower(),
            page_host,
            url.path or None,
            *_campaign(event.get("traffic") or {}, url.query),
            referrer_host,
            referrer_medium(referrer_host, page_host),
            device_class(event.get("device") or {}),
            happened.date().isoformat(),
            event_ms,
            _cart_cents(items),
            catalog_text([{"item_id": item.get("item_id"), **catalog.get(item.get("item_id"), {})} for item in items]),
        )

    return enrich


def catalog_text(entries: Iterable[dict[str, Any] | None]) -> str:
    """Catalogue entries in one canonical text; none are the empty text."""
    names = ("item_id", "name", "brand", "category")
    return ";".join("|".join(str((entry or {}).get(name) or "") for name in names) for entry in entries)


def _campaign(traffic: dict[str, Any], query: str) -> list[str | None]:
    if any(traffic.get(name) for name in ("source", "medium", "campaign", "term", "content")):
        return [traffic.get(name) for name in ("source", "medium", "campaign")]
    given = parse_qs(query)
    return [given.get(f"utm_{name}", [None])[0] for name in ("source", "medium", "campaign")]


def _cart_cents(items: list[dict[str, Any]]) -> int | None:
    if not items or any(item.get("price") is None for item in items):
        return None
    return int(sum(Decimal(str(item["price"])) * (item.get("quantity") or 1) for item in items) * 100)


def _milliseconds(text: str) -> int:
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if when.tzinfo is None:
        raise ValueError("no zone")
    return round(when.timestamp() * 1000)
