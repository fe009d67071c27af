"""Same seed, same settings: same bytes."""

from __future__ import annotations

import json

from simulated_time import NOW_MS

from generator import faults

WINDOW = {"start_ms": NOW_MS - 3_000_000, "end_ms": NOW_MS}
ALL_FAULTS = dict.fromkeys(faults.FAULTS, 0.05)


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
    spoilt = generate(3_000, rates={faults.WRONG_TYPE: 0.3}, **WINDOW)
    good = [record for record in spoilt if record.fault is None]
    assert len(good) > 1_500
    assert all(clean[record.event_id] == record.value for record in good)
