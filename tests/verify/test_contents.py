"""verify finds enriched records, and rows of events, that do not say what the raw record says."""

from __future__ import annotations

from typing import Any

import pytest
from verified_rows import document, enriched_document, set_header, to_json
from verified_world import World, broken, examples

Change = dict[str, Any]


def sent(world: World, change: Change) -> None:
    """Have the producer have sent a document with another content."""
    world.in_raw(1, 3).value = to_json({**document(1, 3), **change})


def enriched(world: World, change: Change) -> None:
    """Have the pipeline have published a document with another content."""
    world.in_enriched(1, 3).value = to_json({**enriched_document(1, 3), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"event_name": "refund"},
        {"event_name": None},
        {"event_time": "2026-01-01T00:00:00Z"},
        {"page": {"title": "Cafe"}},
        {"device": {"category": None}},
        {"geo": {"country": "DE"}},
        {"ecommerce": {"value": 17.01, "currency": "EUR"}},
        {"ecommerce": {"value": 17, "currency": "USD"}},
        {"items": []},
        {"items": [{"item_id": "A", "price": 8.5, "quantity": 3}]},
        {"items": [{"item_id": "A", "item_name": "A", "price": 8.5, "quantity": 2}]},
        {"items": [{"item_name": "A", "price": 8.5, "quantity": 2}]},
        {"items": [{"item_id": "A", "price": 8.5, "quantity": 2}] * 2},
    ],
    ids=str,
)
def test_a_changed_value_is_named(world: World, change: Change) -> None:
    enriched(world, change)

    account = world.account()

    assert broken(account) == {"enriched_topic_intact"}
    assert examples(account, "enriched_topic_intact") == ["partition 1 offset 3: its content is not the raw content"]


@pytest.mark.parametrize(
    ("raw", "ours"),
    [
        ({"ecommerce": {"value": 17}}, {"ecommerce": {"value": 17.00}}),
        ({"page": {"title": "a", "url": "u?q"}}, {"page": {"url": "u", "title": "a"}}),
        ({"geo": None}, {}),
        ({"geo": {"country": None}}, {"geo": {}}),
        ({"geo": "nowhere", "traffic": {"source": 5}}, {"traffic": {}}),
        ({"foo": 1, "items": None}, {"items": None}),
        ({"platform": "fridge", "sent_at": "soon", "session_number": "x"}, {}),
    ],
    ids=["numbers", "order", "null", "null inside", "wrong types", "unknown fields", "values that are not allowed"],
)
def test_what_the_contract_changes_is_no_change(world: World, raw: Change, ours: Change) -> None:
    sent(world, raw)
    enriched(world, ours)

    assert broken(world.account()) == set()


def test_escapes_are_the_characters_that_they_stand_for(world: World) -> None:
    raw = world.in_raw(1, 3)
    raw.value = raw.value.replace("é".encode(), rb"\u00e9").replace(b"https://", rb"https:\/\/")

    assert broken(world.account()) == set()


@pytest.mark.parametrize("value", [b"", b"no json", b"[1]", b"5", b"\xff", None])
def test_an_enriched_record_that_is_no_event_is_named(world: World, value: bytes | None) -> None:
    world.in_enriched(1, 3).value = value

    assert broken(world.account()) == {"enriched_topic_intact"}


@pytest.mark.parametrize("value", [b"", b"no json", b"[1]", b"5", b"\xff", None])
def test_an_accepted_record_that_was_no_event_is_named(world: World, value: bytes | None) -> None:
    world.in_raw(1, 3).value = value

    account = world.account()

    assert broken(account) == {"events_intact", "enriched_topic_intact"}
    assert examples(account, "events_intact") == ["partition 1 offset 3: its event_id is not the raw one"]


@pytest.mark.parametrize("event_id", ["event-1-4", "EVENT-1-3", None])
def test_another_event_id_in_the_value_is_named(world: World, event_id: str | None) -> None:
    enriched(world, {"event_id": event_id})

    assert examples(world.account(), "enriched_topic_intact") == [
        "partition 1 offset 3: its event_id is not the raw one"
    ]


@pytest.mark.parametrize("event_id", [b"event-1-4", None])
def test_another_event_id_in_the_header_is_named(world: World, event_id: bytes | None) -> None:
    set_header(world.in_enriched(1, 3), "event_id", event_id)

    assert examples(world.account(), "enriched_topic_intact") == [
        "partition 1 offset 3: its header event_id is not the raw one"
    ]


@pytest.mark.parametrize("event_id", ["event-1-4", "EVENT-1-3", None])
def test_another_event_id_in_events_is_named(world: World, event_id: str | None) -> None:
    world.event(1, 3)["event_id"] = event_id

    account = world.account()

    assert broken(account) == {"events_intact"}
    assert examples(account, "events_intact") == ["partition 1 offset 3: its event_id is not the raw one"]


def test_another_key_is_named(world: World) -> None:
    world.in_enriched(1, 3).key = b"other"

    assert examples(world.account(), "enriched_topic_intact") == ["partition 1 offset 3: its key is not the raw key"]


@pytest.mark.parametrize(
    "change", [{"ip_address": "203.0.113.7"}, {"device": {"category": "mobile", "user_agent": "secret"}}], ids=str
)
def test_a_private_field_that_was_published_is_named(world: World, change: Change) -> None:
    enriched(world, change)

    assert examples(world.account(), "enriched_topic_intact") == [
        "partition 1 offset 3: it tells ip_address or device.user_agent"
    ]


def test_another_fingerprint_than_in_the_table_is_named(world: World) -> None:
    world.event(1, 3)["event_fingerprint"] = 7

    assert examples(world.account(), "enriched_topic_intact") == [
        "partition 1 offset 3: its event_fingerprint is not that in events"
    ]


def test_a_document_that_repeats_a_key_is_left_to_the_pipeline(world: World) -> None:
    """The last value counts; what reads it here takes the first."""
    raw = world.in_raw(1, 3)
    raw.value = raw.value.replace(b"{", b'{"event_id": "first", "event_name": "search", ', 1)
    assert broken(world.account()) == {"events_intact", "enriched_topic_intact"}

    world.event(1, 3)["warnings"] = [{"path": "", "keyword": "duplicate_key"}]

    assert broken(world.account()) == set()


def test_a_huge_document_is_not_looked_into(world: World) -> None:
    world.in_raw(1, 3).value = b" " * (4 << 20) + b"!"

    assert broken(world.account()) == set()
