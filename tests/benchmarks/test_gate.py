"""The gate lets what is right through, and names what is wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

import orjson
import polars as pl
import pytest

from benchmarks import gate
from benchmarks.corpus import REASONS, spoil
from benchmarks.expected import Expectations, expect, judged

EVENT = {
    "event_id": "9D04C05C-30a2-4aea-a194-e3bacc1f1411", "event_name": "add_to_cart",
    "event_time": "2026-03-01T23:30:00.250-01:00", "anonymous_id": "a", "session_id": "s", "platform": "web",
    "page": {"url": "https://WWW.shop.example:8080/p/1?utm_source=news%20letter", "referrer": "https://google.com/"},
    "device": {"category": "mobile", "user_agent": "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)"},
    "items": [{"item_id": "SKU-AUD-001", "price": 0.1, "quantity": 3}, {"item_id": "nobody's", "price": 2.35}],
}  # fmt: skip
ENRICHMENT = {
    "page_host": "www.shop.example", "page_path": "/p/1", "utm_source": "news letter", "referrer_host": "google.com",
    "referrer_medium": "search", "device_class": "tablet", "event_date": "2026-03-02", "lateness_ms": 1_000,
    "cart_value": 2.65,
    "catalog_items": [
        {"item_id": "SKU-AUD-001", "name": "Northwave One Wireless Headphones", "brand": "Northwave",
         "category": "Audio"},
        {"item_id": "nobody's"},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """A Kafka record."""

    body: bytes
    reason: str | None = None

    def value(self) -> bytes:
        return self.body

    def headers(self) -> list[tuple[str, bytes]]:
        return [("reason", self.reason.encode())] if self.reason else []


def enriched(**changes: object) -> Message:
    """The enriched record, with changes."""
    return Message(orjson.dumps({**EVENT, "enrichment": {**ENRICHMENT, **changes}}))


@pytest.fixture
def expected() -> Expectations:
    found = expect([orjson.dumps(EVENT)])
    return Expectations(
        found.events.rename({"event_ms": "lateness_ms"}).with_columns(lateness_ms=pl.lit(1_000, pl.Int64)),
        found.reasons,
        found.dead,
    )


def test_the_right_record_passes(expected: Expectations) -> None:
    assert gate.differences("topic", gate.from_kafka([enriched()]), expected.events) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page_host", "www.shop.example:8080"),
        ("page_path", None),
        ("utm_source", "news%20letter"),
        ("utm_medium", "email"),
        ("utm_campaign", ""),
        ("referrer_host", None),
        ("referrer_medium", "other"),
        ("device_class", "mobile"),
        ("event_date", "2026-03-01"),
        ("lateness_ms", 1_001),
        ("catalog_items", ENRICHMENT["catalog_items"][:1]),
    ],
)
def test_each_wrong_field_is_named(expected: Expectations, field: str, value: object) -> None:
    [problem] = gate.differences("topic", gate.from_kafka([enriched(**{field: value})]), expected.events)
    assert problem.startswith(f"topic: {field} differs in 1 events")


def test_a_cent_is_a_difference(expected: Expectations) -> None:
    [problem] = gate.differences("topic", gate.from_kafka([enriched(cart_value=2.64)]), expected.events)
    assert "265 expected, 264 found" in problem


def test_missing_invented_and_doubled_events_are_told(expected: Expectations) -> None:
    rows = gate.from_kafka([enriched(), enriched()])
    assert gate.differences("t", rows.clear(), expected.events)[0].startswith("t: 1 events are missing")
    assert gate.differences("t", rows, expected.events.clear())[0].startswith("t: 2 events are invented")
    assert gate.differences("t", rows, expected.events) == ["t: 1 events are there more than once"]
    assert gate.differences("t", rows, expected.events, repeats=True) == []


def test_the_lakes_columns_come_to_the_same(expected: Expectations) -> None:
    kinds = {"lateness_ms": pl.Int64, "cart_value": pl.Decimal(12, 2)}
    row = {
        "event_id": EVENT["event_id"],
        **dict.fromkeys(gate.LAKE_COLUMNS[1:]),
        **ENRICHMENT,
        "cart_value": Decimal("2.65"),
    }
    catalog = pl.List(pl.Struct(dict.fromkeys(("item_id", "name", "brand", "category"), pl.String)))
    schema = {name: kinds.get(name, catalog if name == "catalog_items" else pl.String) for name in gate.LAKE_COLUMNS}
    lake = gate.canonical(pl.DataFrame([row], schema=schema))
    assert gate.differences("lake", lake, expected.events) == []


@pytest.mark.parametrize(("kind", "reason"), REASONS.items())
def test_each_kind_of_spoilt_event_has_its_reason(kind: str, reason: str) -> None:
    assert judged(spoil(orjson.dumps(EVENT), kind, random.Random(1)))[1]  # noqa: S311 == reason


def test_dead_letters_are_compared_by_reason_and_bytes() -> None:
    expected = expect([b"{", b'{"a":1}'])
    right = [Message(b"{", "NOT_JSON"), Message(b'{"a":1}', "MISSING_REQUIRED")]
    assert gate.dead_letter_differences(right, expected) == []
    assert "NOT_JSON: 0 of 1" in gate.dead_letter_differences(right[1:], expected)[0]
    changed = [Message(b"{ ", "NOT_JSON"), right[1]]
    assert gate.dead_letter_differences(changed, expected) == ["dead letters: 1 have not the original bytes"]
