"""Same seed, same settings: same bytes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from simulated_time import NOW_MS

from generator import faults

WINDOW = {"start_ms": NOW_MS - 3_000_000, "end_ms": NOW_MS}
ALL_FAULTS = {**dict.fromkeys(faults.FAULTS, 0.05), faults.OVERSIZE: 0.001}
GOLDEN = Path(__file__).with_name("golden.jsonl")


def test_a_past_window_repeats_to_the_byte_faults_and_keys_included(generate):
    first = generate(5_000, seed=3, rates=ALL_FAULTS, **WINDOW)
    assert generate(5_000, seed=3, rates=ALL_FAULTS, **WINDOW) == first
    assert generate(5_000, seed=4, rates=ALL_FAULTS, **WINDOW) != first


def test_a_past_that_runs_by_its_own_gaps_repeats_to_the_byte(generate):
    first = generate(2_000, start_ms=NOW_MS - 10**9)
    assert generate(2_000, start_ms=NOW_MS - 10**9) == first


def test_live_events_differ_in_their_times_only(generate):
    def without_times(record):
        event = json.loads(record.value)
        del event["event_time"], event["sent_at"]
        return event

    today, tomorrow = generate(2_000), generate(2_000, now_ms=NOW_MS + 86_400_000)
    assert [record.value for record in today] != [record.value for record in tomorrow]
    assert [without_times(record) for record in today] == [without_times(record) for record in tomorrow]


def test_faults_do_not_change_the_other_events(generate):
    clean = {record.event_id: record.value for record in generate(3_000, **WINDOW)}
    spoilt = generate(3_000, rates={faults.WRONG_TYPE: 0.2, faults.CLOCK_SKEW: 0.1}, **WINDOW)
    good = [record for record in spoilt if record.fault is None]
    assert len(good) > 1_500
    assert all(clean[record.event_id] == record.value for record in good)


@pytest.mark.parametrize("time", [{}, WINDOW, {"start_ms": NOW_MS - 10**9}], ids=["live", "window", "past"])
@pytest.mark.parametrize("workers", [2, 3])
def test_the_shares_of_workers_are_the_whole(generate, workers, time):
    whole = [without_sent(record) for record in generate(3_000, rates=ALL_FAULTS, **time)]
    shares = [generate(3_000, rates=ALL_FAULTS, share=(number, workers), **time) for number in range(workers)]
    together = sorted((record for share in shares for record in share if record.place < 3_000), key=place)
    assert min(map(len, shares)) > 500
    assert [without_sent(record) for record in together] == whole


def place(record):
    return record.place


def without_sent(record):
    """Live, the workers' clocks of a test are not one: then all but the value must be the same."""
    return record if b"sent_at" not in (record.value or b"") else record._replace(value=None)


def test_a_shopper_belongs_to_one_worker(generate):
    shares = [{record.key for record in generate(2_000, share=(number, 3), **WINDOW)} for number in range(3)]
    assert len(set.union(*shares)) == sum(map(len, shares))


def test_the_bytes_are_those_of_the_golden_file(generate):
    """Written by `python tests/generator/write_golden.py`. If they change, seeds of earlier runs are worth nothing."""
    records = generate(
        20_000, seed=1, rates=ALL_FAULTS, profile="steady", start_ms=GOLDEN_START_MS, end_ms=GOLDEN_END_MS
    )
    *rows, last = map(json.loads, GOLDEN.read_text().splitlines())
    assert [as_row(record) for record in records[: len(rows)]] == rows
    assert digest(records) == last["sha256"]


GOLDEN_START_MS, GOLDEN_END_MS = 1_772_323_200_000, 1_772_582_400_000  # three days from 2026-03-01


def as_row(record):
    value = None if record.value is None else record.value.decode("latin-1")
    if value and len(value) > 10_000:
        value = sha256(record.value).hexdigest()
    return [
        record.place,
        record.key.decode(),
        value,
        record.event_id,
        record.partition_hash,
        record.fault,
        record.variant,
    ]


def digest(records):
    return sha256(b"".join(repr(tuple(record)).encode() for record in records)).hexdigest()
