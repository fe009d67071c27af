"""tail without a broker: where it begins, what it leaves out, what it shows of a record."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from rich.text import Text

from pipelines import kafka_problems
from pipelines.cli import RunFailed
from pipelines.tail import View
from pipelines.tailing import following
from pipelines.tailing.filters import Filter
from pipelines.tailing.repeats import Repeats
from pipelines.tailing.rows import dead_letter_row, event_row
from pipelines.tailing.starts import parse_start

NOW = datetime.datetime(2026, 11, 26, 12, 0, tzinfo=datetime.timezone.utc)
NOON = 1_795_694_400_000  # NOW, as Kafka counts


def source(offset: int, partition: int = 0, topic_id: str = "t") -> dict[str, str]:
    return {"source.topic_id": topic_id, "source.partition": str(partition), "source.offset": str(offset)}


def record(value: object, offset: int = 0, **headers: str):
    """A record of a sink topic; `value` as JSON unless it is bytes."""
    named = {**source(offset), **{name.replace("__", "."): text for name, text in headers.items()}}
    content = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return SimpleNamespace(value=content, key=b"a-1", headers=[(n, t.encode()) for n, t in named.items()])


def shown(*records, filters=(), dead_letters=False, personal=False, repeats=False) -> list[dict]:
    view = View(dead_letters, personal, repeats, [Filter.parse(each) for each in filters])
    return list(view.documents(records))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("beginning", "beginning"),
        ("END", "end"),
        ("0s", NOON),
        ("10m", NOON - 600_000),
        ("2h", NOON - 7_200_000),
        ("7d", NOON - 604_800_000),
        ("99999d", 0),
        ("2026-11-26T12:00:00Z", NOON),
        ("2026-11-26T13:00:00.5+01:00", NOON + 500),
        ("2026-11-26T12:00Z", NOON),
    ],
)
def test_a_start_is_a_word_an_age_or_a_time(text: str, start: object) -> None:
    assert parse_start(text, NOW) == start


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10 weeks", "2026-11-26", "2026-11-26T12:00:00", "2026-13-01T00:00Z"]
)
def test_any_other_start_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="an age such as 10m"):
        parse_start(text, NOW)


def test_a_record_published_again_is_left_out_and_counted() -> None:
    repeats = Repeats()
    assert [repeats.has(source(offset)) for offset in (0, 1, 0, 2, 1)] == [False, False, True, False, True]
    assert repeats.count == 2


def test_what_a_crash_left_out_is_shown_though_later_records_came_first() -> None:
    repeats = Repeats()
    assert not any(repeats.has(source(offset)) for offset in (0, 2, 3, 1))


def test_the_same_offset_elsewhere_is_no_repeat() -> None:
    repeats = Repeats()
    places = [source(5), source(5, partition=1), source(5, topic_id="created again")]
    assert not any(map(repeats.has, places))


def test_beyond_what_is_remembered_an_older_record_counts_as_a_repeat() -> None:
    repeats = Repeats(remembered=2)
    assert [repeats.has(source(offset)) for offset in (0, 1, 2, 0, 2, 3)] == [False, False, False, True, True, False]


def test_a_record_without_source_is_no_repeat() -> None:
    repeats = Repeats()
    assert not repeats.has({})
    assert not repeats.has({})


@pytest.mark.parametrize(
    ("filter_text", "matches"),
    [
        ("event_name=purchase", True),
        ("event_name=view_item", False),
        ("enrichment.is_late=true", True),
        ("enrichment.is_late=True", False),
        ("ecommerce.value=16.99", True),
        ("items.item_id=SKU-2", True),
        ("items.item_id=SKU-3", False),
        ("user_id=null", True),
        ("event_name.x=null", True),
        ("coupon=a=b", True),
        ("tags=", False),
    ],
)
def test_a_filter_compares_what_is_at_its_path(filter_text: str, matches: bool) -> None:
    event = {
        "event_name": "purchase",
        "coupon": "a=b",
        "ecommerce": {"value": 16.99},
        "items": [{"item_id": "SKU-1"}, {"item_id": "SKU-2"}],
        "tags": [],
        "enrichment": {"is_late": True},
    }
    assert Filter.parse(filter_text).matches(event) is matches


@pytest.mark.parametrize("text", ["event_name", "=x", "a..b=x"])
def test_a_filter_without_path_or_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no path=value"):
        Filter.parse(text)


def test_all_filters_must_match() -> None:
    events = [record({"event_name": "purchase", "platform": name}, i) for i, name in enumerate(("web", "ios"))]
    assert shown(*events, filters=["event_name=purchase", "platform=ios"]) == [
        {"event_name": "purchase", "platform": "ios"}
    ]


def test_a_user_id_is_shown_as_a_pseudonym_or_when_asked_for() -> None:
    plain, hidden = record({"user_id": "u-42"}), record({"user_id": "p1:abc"}, 1)
    assert shown(plain, hidden) == [{}, {"user_id": "p1:abc"}]
    assert shown(plain, personal=True) == [{"user_id": "u-42"}]


def test_a_record_that_is_no_event_is_passed_over_and_counted() -> None:
    view = View(dead_letters=False, personal=False, repeats=False, filters=[])
    assert list(view.documents([record(b"\xff"), record(b"[]", 1), record(None, 2), record({"a": 1}, 3)])) == [{"a": 1}]
    assert view.summary() == "1 shown, 3 left out that are no enriched events"


def dead(value: bytes = b'{"ip_address":"203.0.113.9"}', **headers: str):
    errors = json.dumps([{"path": "items[0].price", "keyword": "type", "message": "must be a JSON number"}])
    facts = {"dlq__failure__type": "TYPE_MISMATCH", "dlq__failure__errors": errors, "dlq__payload__bytes": "28"}
    return record(value, 7, **{**facts, **headers})


def test_a_dead_letter_shows_why_and_where_but_not_its_payload() -> None:
    (letter,) = shown(dead(trace="10.0.0.1"), dead_letters=True)
    assert letter["failure_type"] == "TYPE_MISMATCH"
    assert letter["errors"][0]["path"] == "items[0].price"
    assert (letter["source"]["offset"], letter["payload_bytes"], letter["payload_truncated"]) == (7, 28, False)
    assert "203.0.113.9" not in json.dumps(letter)
    assert "10.0.0.1" not in json.dumps(letter)


def test_the_payload_of_a_dead_letter_is_shown_when_asked_for() -> None:
    text, binary = shown(dead(trace="10.0.0.1"), record(b"\xff", 8), dead_letters=True, personal=True)
    assert text["value"] == '{"ip_address":"203.0.113.9"}'
    assert ["trace", "10.0.0.1"] in text["headers"]
    assert binary["value"] == {"base64": "/w=="}


def test_a_salvaged_name_or_id_is_shown_only_if_it_looks_like_one() -> None:
    """A producer that mixes up its fields sends an address as the name."""
    mixed = dead(dlq__event__name="jo@shop.example", dlq__event__id="jo@shop.example")
    proper = record(None, 8, dlq__event__name="purchase", dlq__event__id="4e7db124-1673-4073-a82b-1312ef1fc12a")
    first, second = shown(mixed, proper, dead_letters=True)
    assert (first["event_name"], first["event_id"]) == (None, None)
    assert (second["event_name"], second["event_id"]) == ("purchase", "4e7db124-1673-4073-a82b-1312ef1fc12a")


def test_a_dead_letter_without_any_header_is_shown_as_unknown() -> None:
    letter = SimpleNamespace(value=b"x", key=None, headers=[("dlq.failure.errors", b"broken")])
    assert dead_letter_row(*shown(letter, dead_letters=True)).plain.split() == ["--:--:--", "?", "–", "–", "None:None"]


def test_the_row_of_an_event_names_what_an_observer_asks_for() -> None:
    event = {
        "event_name": "purchase",
        "geo": {"country": "DE"},
        "ecommerce": {"value": 1016.9, "currency": "EUR"},
        "items": [{}, {}],
        "enrichment": {
            "derived_at": "2026-11-26T07:18:21.455000Z",
            "device_class": "mobile",
            "page_path": "/thanks",
            "is_late": True,
            "lateness_ms": 7_200_000,
            "kafka_partition": 5,
            "kafka_offset": 1360,
        },
    }
    assert event_row(event).plain.split("  ") == Text(
        "07:18:21  purchase          DE  mobile   /thanks  2 items  1,016.90 EUR  late by 2 h  5:1360"
    ).plain.split("  ")


def test_control_characters_of_a_record_do_not_reach_the_terminal() -> None:
    row = event_row({"event_name": "page_view\x1b[2J", "enrichment": {"page_path": "/\x9b\r\n"}}).plain
    assert row.isprintable()


class Silent:
    """A topic of one partition with 10 records, of which a consumer gets 4 and then nothing more."""

    def __init__(self) -> None:
        self._at = 0

    def end_offsets(self, partitions: list) -> dict:
        return dict.fromkeys(partitions, 10)

    def position(self, partition: TopicPartition) -> int:
        return self._at

    def poll(self, timeout_ms: int) -> dict:
        before, self._at = self._at, 4
        return {PARTITION: [SimpleNamespace(offset=offset) for offset in range(before, 4)]}


PARTITION = TopicPartition("topic", 0)


def test_a_broker_that_falls_silent_before_the_end_is_no_end(monkeypatch) -> None:
    monkeypatch.setattr(kafka_problems, "_SILENCE_SECONDS", 0.05)
    topic = following.Topic.__new__(following.Topic)
    topic._consumer, topic._partitions = Silent(), [PARTITION]
    records = topic.records(until_end=True, stopped=lambda: False)
    assert [next(records).offset for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(RunFailed, match="Kafka sent nothing"):
        next(records)
