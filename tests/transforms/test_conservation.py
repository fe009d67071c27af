"""Every record has exactly one outcome, row and Kafka record, whatever it holds."""

from __future__ import annotations

import itertools

import pytest
from builders import Json, Raw, cart_event, event, first, full_purchase, joined, to_json

TIMES = {"a time": "2026-03-01T12:00:00Z", "no time": None}
VALUES = {
    "null": None,
    "empty": b"",
    "not UTF-8": b"\xff",
    "not JSON": "{",
    "not an object": "[]",
    "empty object": "{}",
    "only nulls": '{"event_id":null,"event_name":null,"event_time":null,"items":null,"ecommerce":null}',
    "null items": cart_event(items=[None]),
    "an item of nulls": cart_event(items=[{"item_id": None, "price": None, "quantity": None}]),
    "valid": event(),
    "full": full_purchase(),
    "unusual": event(foo=1),
    "repeated": first(event(), '"event_id":"x"'),
    "repeated and broken": first(event(), '"event_id":"x"')[:-1],
    "invalid": event(event_name="x"),
    "mistyped": event(event_id=5),
    "old": event(event_time="1999-01-01T00:00:00Z"),
    "unusual and empty": event(**{"": None}),
    "an empty item": event(items=[{}]),
    "no time": event(event_time=None),
    "only a time out of range": event(event_time=Json("99999999999999999999")),
}

TABLE = joined(
    {
        (name, time): Raw(value, received_at=received)
        for (name, value), (time, received) in itertools.product(VALUES.items(), TIMES.items())
    },
    {
        "null everything": Raw(None, key=None, headers=None, received_at=None, timestamp_type=None),
        "valid, null everything else": Raw(event(), key=None, headers=None, received_at=None, timestamp_type=None),
        "the same again": event(),
        "blank items": to_json(event(items=[])),
    },
)


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_a_record_has_one_outcome(outcomes, case):
    assert len(outcomes[case].outcomes) == 1


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_a_record_is_in_one_table_and_no_other(outcomes, case):
    outcome = outcomes[case]
    expected = (1, 0) if outcome.accepted else (0, 1)
    assert (len(outcome.events), len(outcome.dead_letters)) == expected


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_a_record_leaves_for_the_topic_of_its_outcome_once(outcomes, case):
    expected = "enriched" if outcomes[case].accepted else "dead"
    assert [record.topic for record in outcomes[case].records] == [expected]


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_an_event_and_a_failure_exclude_each_other(outcomes, case):
    outcome = outcomes[case].outcome
    assert (outcome.event is None) != (outcome.failure is None)


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_a_failure_has_a_type_a_stage_and_errors(outcomes, case):
    failure = outcomes[case].outcome.failure
    assert failure is None or (failure.type and failure.stage and failure.errors)


def test_no_record_is_made_up(outcomes):
    assert len(outcomes) == len(TABLE)
