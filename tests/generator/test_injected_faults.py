"""Each faulty record has exactly the fault that it says, and the others have none."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from raw_contract import derived, verdict
from simulated_time import NOW, NOW_MS

from generator import faults
from generator.injection import bad_timestamp

PAST = {"start_ms": NOW_MS - 3_000_000, "end_ms": NOW_MS}
DEADLY = [faults.MALFORMED, faults.MISSING_FIELD, faults.WRONG_TYPE, faults.BAD_TIMESTAMP]
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
    rates = dict.fromkeys(faults.FAULTS, 0.02)
    records = generate(20_000, rates=rates)
    shares = Counter(record.fault for record in records)
    for fault in faults.FAULTS:
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
    assert set(faults.EXPECTED) == {*faults.FAULTS, None}
    assert faults.expected(None).outcomes == {faults.ACCEPTED}
    assert faults.expected(faults.MISSING_FIELD, "event_id null") is faults.EXPECTED[faults.MISSING_FIELD]
