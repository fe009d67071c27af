"""No record is larger than its topic takes: payloads are cut, and what cannot be cut is a dead letter."""

from __future__ import annotations

import hashlib
import json

import pytest
from builders import Json, Raw, cart_event, event, item, joined, to_json
from other_rules import MAX_EVENT_BYTES, MAX_RECORD_BYTES, OTHER_RULES

from pipelines import schemas
from pipelines.reference_data import ReferenceData
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes

RULES = OTHER_RULES

FULL_PADDING = MAX_EVENT_BYTES - len(to_json(event(user_id="")))
HUGE = b"\xff\x00x" * 100_000
# Quotes in keys grow fourfold on their way into rescued_data: escaped in the path, in its JSON, in the record's.
GROWING = event(items=[{"item_id": "a", **{'"' * 8 + str(n): 1 for n in range(100, 890)}}])
OVERHEAD_PER_HEADER, OVERHEAD = 10, 100

CUT = {
    "a huge value": Raw(HUGE),
    "a huge value of text": Raw(b"x" * 300_000),
    "a value just beyond the event limit": Raw(b"x" * (MAX_EVENT_BYTES + 1)),
    "a value as large as a record": Raw(b"x" * MAX_RECORD_BYTES),
    "a huge key": Raw("{", key=b"k" * 300_000),
    "a huge header": Raw("{", headers=(("h", b"x" * 300_000),)),
    "a huge header name": Raw("{", headers=(("h" * 300_000, b"x"),)),
    "many headers": Raw("{", headers=(("h", b""),) * 30_000),
    "all huge": Raw(HUGE, key=b"k" * 300_000, headers=(("h", b"x" * 300_000),)),
    "a large key, large headers and a huge value": Raw(HUGE, key=b"k" * 17_000, headers=(("h", b"x" * 17_000),)),
    "a long list of errors": event(
        event_name="purchase", event_id="x" * 500, items=[{"price": -1, "quantity": 0}] * 200
    ),
    "a huge key of a valid event": Raw(event(), key=b"k" * 300_000),
}
TRUNCATED = {name for name in CUT if name not in {"a value just beyond the event limit", "a long list of errors"}}
ACCEPTED = {
    "as large as an event may be": Raw(to_json(event(user_id="x" * FULL_PADDING))),
    "a key of 5,000 bytes": Raw(event(), key=b"k" * 5000),
}

TABLE = joined(
    CUT,
    ACCEPTED,
    {
        "one byte too large": to_json(event(user_id="x" * (FULL_PADDING + 1))),
        "grown beyond the limit": GROWING,
        "valid with a key that leaves no room": Raw(event(), key=b"k" * 90_000),
        "valid with huge headers": Raw(event(), headers=(("h", b"x" * 300_000),)),
        "20 years old": event(event_time="2006-03-01T12:00:00Z"),
        "60 s ahead": event(event_time="2026-03-01T12:01:00Z"),
        "61 s ahead": event(event_time="2026-03-01T12:01:01Z"),
        "unusual and large": event(foo=Json('"' + "x" * 15_000 + '"')),
    },
)


def record_bytes(record) -> int:
    """The size of a Kafka record, estimated from above."""
    headers = sum(len(h.key.encode()) + len(h.value or b"") + OVERHEAD_PER_HEADER for h in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + OVERHEAD


@pytest.mark.parametrize("name", TABLE)
def test_no_record_is_larger_than_its_topic_takes(outcomes, name):
    assert record_bytes(outcomes[name].record) <= MAX_RECORD_BYTES


@pytest.mark.parametrize("name", CUT)
def test_a_record_that_does_not_fit_is_dead(outcomes, name):
    assert not outcomes[name].accepted


@pytest.mark.parametrize("name", CUT)
def test_only_a_record_that_was_cut_says_so(outcomes, name):
    outcome = outcomes[name]
    truncated = name in TRUNCATED
    assert (outcome.row.payload_truncated, outcome.headers["dlq.payload.truncated"]) == (
        truncated,
        str(truncated).lower(),
    )


@pytest.mark.parametrize("name", CUT)
def test_hash_and_length_are_those_of_the_whole_value(outcomes, name):
    value = CUT[name].bytes if isinstance(CUT[name], Raw) else to_json(CUT[name]).encode()
    row = outcomes[name].row
    assert (row.payload_sha256, row.payload_bytes) == (hashlib.sha256(value).hexdigest(), len(value))


@pytest.mark.parametrize("name", CUT)
def test_what_is_left_is_the_beginning_of_the_value(outcomes, name):
    value = CUT[name].bytes if isinstance(CUT[name], Raw) else to_json(CUT[name]).encode()
    left = bytes(outcomes[name].record.value)
    assert value.startswith(left)
    assert len(left) >= min(len(value), 10_000)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_record_that_fits_is_accepted(outcomes, name):
    assert outcomes[name].accepted


def test_one_byte_more_than_the_limit_is_a_size_violation(outcomes):
    outcome = outcomes["one byte too large"]
    assert (outcome.verdict, outcome.stage) == ("SIZE_VIOLATION", "decode")
    assert outcome.row.payload_truncated is False


def test_a_valid_event_with_an_oversized_key_is_a_size_violation(outcomes):
    assert outcomes["valid with a key that leaves no room"].verdict == "SIZE_VIOLATION"


def test_an_event_whose_enriched_record_does_not_fit_is_dead_at_stage_enrich(outcomes):
    outcome = outcomes["grown beyond the limit"]
    assert (outcome.verdict, outcome.stage) == ("SIZE_VIOLATION", "enrich")


def test_a_record_too_large_once_enriched_keeps_what_it_tells(outcomes):
    outcome = outcomes["grown beyond the limit"]
    assert bytes(outcome.record.value) == to_json(GROWING).encode()
    assert (outcome.row.event_id, outcome.row.event_name) == (GROWING["event_id"], "page_view")
    assert outcome.row.event_time is not None


def test_the_headers_of_an_accepted_record_do_not_count(outcomes):
    assert outcomes["valid with huge headers"].accepted


def test_an_age_of_zero_days_is_no_bound(outcomes):
    assert outcomes["20 years old"].verdict == "accepted"


@pytest.mark.parametrize(("name", "verdict"), [("60 s ahead", "accepted"), ("61 s ahead", "TIMESTAMP_FUTURE")])
def test_the_future_begins_where_the_setting_says(outcomes, name, verdict):
    assert outcomes[name].verdict == verdict


def test_what_a_catalogue_of_long_texts_adds_is_measured(spark, reference):
    """A small event whose items the catalogue knows much about; with a short text it is accepted."""
    letters = {"long": "x" * 5000, "short": "x" * 50}
    catalogue = {name: {"item_id": name, "name": text} for name, text in letters.items()}
    own = ReferenceData(json.dumps(catalogue), reference.referrers, reference.user_agents)
    events = [cart_event(items=[item(item_id=name)] * 20) for name in letters]
    records = spark.createDataFrame([Raw(each).row(n) for n, each in enumerate(events)], schemas.RAW_RECORD)
    rules = Rules(EnrichmentRules(own), max_event_bytes=MAX_EVENT_BYTES)
    failures = [row.failure and (row.failure.type, row.failure.stage) for row in to_outcomes(records, rules).collect()]
    assert failures == [("SIZE_VIOLATION", "enrich"), None]
