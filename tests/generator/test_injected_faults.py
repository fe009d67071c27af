"""Each faulty record has exactly the fault that it says, and the others have none."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from raw_contract import derived, parse_time, verdict
from simulated_time import NOW, NOW_MS

from generator import faults
from generator.injection import bad_timestamp
from generator.spoilt import Drift

PAST = {"start_ms": NOW_MS - 3_000_000, "end_ms": NOW_MS}
DEADLY = [faults.MALFORMED, faults.MISSING_FIELD, faults.WRONG_TYPE, faults.BAD_TIMESTAMP]
HARMLESS = [faults.ID_CONFLICT, faults.OUT_OF_ORDER, faults.CLOCK_SKEW, faults.HOT_KEY]
# The clock of a live run has moved on a little while the events were made.
RECEIVED = NOW + timedelta(seconds=30)


@pytest.mark.parametrize("time", [{}, PAST], ids=["live", "past"])
@pytest.mark.parametrize("fault", DEADLY)
def test_a_faulty_record_dies_of_exactly_what_its_variant_says(generate, fault, time):
    records = generate(6_000, rates={fault: 1.0}, **time)
    assert len(records) == 6_000
    for record in records:
        assert record.fault == fault
        expectation = faults.expected(fault, record.variant)
        assert {verdict(record.value, RECEIVED)} == expectation.failure_types, record.variant
        assert expectation.failure_types <= faults.EXPECTED[fault].failure_types


def test_every_variant_of_malformed_and_bad_timestamp_occurs(generate):
    for fault, variants in (
        (faults.MALFORMED, faults.MALFORMED_VARIANTS),
        (faults.BAD_TIMESTAMP, faults.BAD_TIMESTAMP_VARIANTS),
    ):
        assert {record.variant for record in generate(2_000, rates={fault: 1.0})} == set(variants)


def test_missing_fields_include_every_required_and_conditional_one(generate):
    missed = {record.variant.split()[0] for record in generate(20_000, rates={faults.MISSING_FIELD: 1.0})}
    assert missed == {
        *("event_id", "event_name", "event_time", "anonymous_id", "session_id", "items"),
        *("ecommerce.transaction_id", "ecommerce.value", "ecommerce.currency"),
    }


def test_the_event_id_noted_is_the_one_a_reader_finds(generate):
    records = generate(5_000, rates=dict.fromkeys(DEADLY, 0.2))
    for record in records:
        if record.fault == faults.MALFORMED:
            assert record.event_id is None
        else:
            found = json.loads(record.value).get("event_id")
            assert record.event_id == (found if isinstance(found, str) and found.strip() else None)


def test_a_duplicate_repeats_the_bytes_and_key_of_an_earlier_good_record(generate):
    seen, duplicates = set(), 0
    for record in generate(5_000, rates={faults.DUPLICATE: 0.1, faults.LATE: 0.1, faults.MALFORMED: 0.1}):
        if record.fault == faults.DUPLICATE:
            assert (record.key, record.value) in seen
            duplicates += 1
        elif record.fault is None:
            seen.add((record.key, record.value))
    assert duplicates > 300


@pytest.mark.parametrize("time", [{}, PAST], ids=["live", "past"])
def test_a_late_event_is_accepted_and_late_by_its_derived_time(generate, time):
    records = generate(2_000, rates={faults.LATE: 1.0}, **time)
    for record in records:
        assert verdict(record.value, RECEIVED) == "accepted"
        assert RECEIVED - derived(json.loads(record.value), RECEIVED) > timedelta(hours=1)


def test_shares_are_as_asked_for_and_the_rest_is_good(generate):
    often = [fault for fault in faults.FAULTS if fault != faults.OVERSIZE]
    records = generate(20_000, rates=dict.fromkeys(often, 0.02))
    shares = Counter(record.fault for record in records)
    for fault in often:
        assert 300 < shares[fault] < 500
    assert all(verdict(record.value, RECEIVED) == "accepted" for record in records if record.fault is None)


def test_where_no_age_is_too_old_nothing_is_called_ancient(generate):
    assert faults.expected(faults.BAD_TIMESTAMP, "ancient").failure_types == {"TIMESTAMP_ANCIENT"}
    rng = Random(1)  # noqa: S311 — a simulation
    variants = {
        bad_timestamp({"event_time": "2026-06-01T12:00:00.000Z"}, rng, NOW_MS, max_event_age_days=0)[1]
        for _ in range(500)
    }
    assert variants == set(faults.BAD_TIMESTAMP_VARIANTS) - {"ancient"}


def test_the_table_of_expectations_covers_every_fault_and_the_good_record():
    assert set(faults.EXPECTED) == {*faults.FAULTS, faults.SCHEMA_DRIFT, None}
    assert faults.expected(None).outcomes == {faults.ACCEPTED}
    assert faults.expected(faults.MISSING_FIELD, "event_id null") is faults.EXPECTED[faults.MISSING_FIELD]


@pytest.mark.parametrize("time", [{}, PAST], ids=["live", "past"])
@pytest.mark.parametrize("fault", HARMLESS)
def test_a_harmless_fault_is_accepted(generate, fault, time):
    records = generate(3_000, rates={fault: 0.5}, **time)
    assert {verdict(record.value, RECEIVED) for record in records} == {"accepted"}
    assert 1_300 < sum(record.fault == fault for record in records) < 1_700


def test_an_id_conflict_has_the_id_and_key_of_an_earlier_good_record_and_another_content(generate):
    seen, conflicts = {}, 0
    for record in generate(3_000, rates={faults.ID_CONFLICT: 0.1}):
        if record.fault == faults.ID_CONFLICT:
            key, value = seen[record.event_id]
            assert (record.key == key, record.value == value) == (True, False)
            assert json.loads(record.value)["event_id"] == record.event_id
            conflicts += 1
        else:
            seen[record.event_id] = (record.key, record.value)
    assert conflicts > 200


def test_a_record_out_of_order_comes_after_later_ones(generate):
    records = generate(5_000, rates={faults.OUT_OF_ORDER: 0.05}, **PAST)
    times = [json.loads(record.value)["event_time"] for record in records]
    late = [at for at, record in enumerate(records) if record.fault == faults.OUT_OF_ORDER and at > 400]
    assert len(late) > 150
    moments = [parse_time(text) for text in times]
    assert all(sum(moments[at] < other for other in moments[at - 250 : at]) >= 15 for at in late)


def test_a_wrong_clock_shows_in_sent_at_and_leaves_the_derived_time_alone(generate):
    for record in generate(1_000, rates={faults.CLOCK_SKEW: 1.0}):
        event = json.loads(record.value)
        assert abs(RECEIVED - parse_time(event["event_time"])) > timedelta(seconds=25)
        assert abs(RECEIVED - derived(event, RECEIVED)) < timedelta(seconds=5)
        assert record.variant == ("ahead" if parse_time(event["sent_at"]) > NOW else "behind")


def test_an_oversize_event_has_one_byte_too_many_and_is_else_valid(generate):
    for record in generate(20, rates={faults.OVERSIZE: 1.0}):
        assert len(record.value) == 921_601
        assert verdict(record.value, RECEIVED) == "accepted"


def test_hot_keys_are_one_key(generate):
    hot = {record.key for record in generate(2_000, rates={faults.HOT_KEY: 0.3}) if record.fault}
    assert len(hot) == 1


@pytest.mark.parametrize("variant", faults.DRIFT_VARIANTS)
def test_what_repeats_a_drifted_record_is_what_its_fault_says(generate, variant):
    """It repeats what was sent, unless that is no good event any more."""
    is_good = faults.DRIFT_VARIANTS[variant] == faults.GOOD
    seen, repeats = set(), 0
    rates = {faults.DUPLICATE: 0.1, faults.ID_CONFLICT: 0.1}
    for record in generate(3_000, rates=rates, drifts=[Drift(variant, at=0)]):
        if record.fault in rates:
            assert verdict(record.value, RECEIVED) == "accepted"
            assert record.fault == faults.ID_CONFLICT or (record.key, record.value) in seen or not is_good
            repeats += 1
        seen.add((record.key, record.value))
    assert repeats > 400


@pytest.mark.parametrize("variant", faults.DRIFT_VARIANTS)
def test_drift_begins_at_its_record_and_does_what_its_kind_says(generate, variant):
    records = generate(600, drifts=[Drift(variant, at=300)])
    assert {record.fault for record in records[:300]} == {None}
    assert {(record.fault, record.variant) for record in records[300:]} == {(faults.SCHEMA_DRIFT, variant)}
    expected = faults.expected(faults.SCHEMA_DRIFT, variant)
    found = {verdict(record.value, RECEIVED) for record in records[300:]}
    if variant == "new_model":  # the contract's reader calls it invalid
        assert found == {"INVALID_VALUE"}
    else:
        assert found == (set(expected.failure_types) or {"accepted"})


def test_a_drift_may_reach_a_share_of_the_events(generate):
    records = generate(2_000, drifts=[Drift("new_field", at=0, share=0.25)])
    assert 400 < sum(record.fault is not None for record in records) < 600
