"""When it happened: a wrong clock that sent_at reveals is corrected, and all is measured against the arrival."""

from __future__ import annotations

import datetime

import pytest
from builders import ABSENT, Raw, event, joined, utc

RECEIVED = "2026-03-01T12:00:00Z"
# name → (event_time, sent_at, derived_at); received at 12:00:00
DERIVED = {
    "no sent_at": ("2026-03-01T11:00:00Z", ABSENT, "2026-03-01T11:00:00Z"),
    "a null sent_at": ("2026-03-01T11:00:00Z", None, "2026-03-01T11:00:00Z"),
    "a right clock": ("2026-03-01T11:59:57Z", "2026-03-01T11:59:59Z", "2026-03-01T11:59:58Z"),
    "to the microsecond": (
        "2026-03-01T11:59:57.000001Z", "2026-03-01T11:59:59.000003Z", "2026-03-01T11:59:57.999998Z",
    ),
    "a clock 2 h fast": ("2026-03-01T14:00:00Z", "2026-03-01T14:00:05Z", "2026-03-01T11:59:55Z"),
    "a clock 23 h slow": ("2026-02-28T13:00:00Z", "2026-02-28T13:00:05Z", "2026-03-01T11:59:55Z"),
    "queued for a week": ("2026-02-22T11:59:59Z", "2026-03-01T11:59:59Z", "2026-02-22T12:00:00Z"),
    "sent 24 h before the arrival": (
        "2026-02-28T11:00:00Z", "2026-02-28T12:00:00Z", "2026-03-01T11:00:00Z",
    ),
    "sent 24 h after the arrival": (
        "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z", "2026-03-01T11:00:00Z",
    ),
    "sent more than 24 h before the arrival": (
        "2026-02-28T11:00:00Z", "2026-02-28T11:59:59.999999Z", "2026-02-28T11:00:00Z",
    ),
    "sent more than 24 h after the arrival": (
        "2026-03-01T12:05:00Z", "2026-03-02T12:00:00.000001Z", "2026-03-01T12:05:00Z",
    ),
    "sent in 1970": ("2026-03-01T11:00:00Z", "1970-01-01T00:00:00Z", "2026-03-01T11:00:00Z"),
    "sent before it happened": ("2026-03-01T11:59:59Z", "2026-03-01T11:59:49Z", "2026-03-01T12:00:10Z"),
    "other zones": ("2026-03-01T12:59:57+01:00", "2026-03-01T06:59:59-05:00", "2026-03-01T11:59:58Z"),
}  # fmt: skip
CLOCK_UNKNOWN = {name for name in DERIVED if name.startswith("sent more than") or name == "sent in 1970"}
# name → (event_time, lateness_ms, is_late); received at 12:00:00, late after 3,600 s
LATENESS = {
    "at once": ("2026-03-01T12:00:00Z", 0, False),
    "a millisecond": ("2026-03-01T11:59:59.999Z", 1, False),
    "an hour": ("2026-03-01T11:00:00Z", 3_600_000, False),
    "an hour and a millisecond": ("2026-03-01T10:59:59.999Z", 3_600_001, True),
    "a year": ("2025-03-01T12:00:00Z", 365 * 86_400_000, True),
    "a minute early": ("2026-03-01T12:01:00Z", -60_000, False),
}
# name → (event_time, verdict); received at 12:00:00, at most 600 s ahead and 3,650 days old
BOUNDS = {
    "600 s ahead": ("2026-03-01T12:10:00Z", "accepted"),
    "a microsecond further ahead": ("2026-03-01T12:10:00.000001Z", "TIMESTAMP_FUTURE"),
    "the year 9999": ("9999-12-31T23:59:59Z", "TIMESTAMP_FUTURE"),
    "3,650 days old": ("2016-03-03T12:00:00Z", "accepted"),
    "a microsecond older": ("2016-03-03T11:59:59.999999Z", "TIMESTAMP_ANCIENT"),
    "1970": ("1970-01-01T00:00:00Z", "TIMESTAMP_ANCIENT"),
    "the year 2": ("0002-01-01T00:00:00Z", "TIMESTAMP_ANCIENT"),
}
# name → (event_time, sent_at, verdict): derived_at is judged, not event_time
CORRECTED = {
    "2 h ahead, but so is the clock": ("2026-03-01T14:00:00Z", "2026-03-01T14:00:01Z", "accepted"),
    "2 h ahead by an unknown clock": ("2026-03-01T14:00:00Z", "2027-01-01T00:00:00Z", "TIMESTAMP_FUTURE"),
    "sent 11 minutes before it happened": (
        "2026-03-01T12:05:30Z", "2026-03-01T11:54:30Z", "TIMESTAMP_FUTURE",
    ),
    "too old once corrected": ("2016-03-03T12:00:00Z", "2026-03-01T12:00:01Z", "TIMESTAMP_ANCIENT"),
    "young enough once corrected": ("2016-03-03T11:59:59Z", "2026-03-01T11:59:58Z", "accepted"),
}  # fmt: skip
# name → (received_at, event_time, load_date, event_date)
DATES = {
    "the last microsecond of a day": (
        "2026-03-01T23:59:59.999000Z", "2026-03-01T23:59:59Z", "2026-03-01", "2026-03-01",
    ),
    "the first of the next": ("2026-03-02T00:00:00Z", "2026-03-01T23:59:59.999999Z", "2026-03-02", "2026-03-01"),
    "both after midnight": ("2026-03-02T00:00:01Z", "2026-03-02T00:00:00Z", "2026-03-02", "2026-03-02"),
    "a local date that is not the UTC date": (
        "2026-03-01T12:00:00Z", "2026-03-02T01:00:00+14:00", "2026-03-01", "2026-03-01",
    ),
}  # fmt: skip

TABLE = joined(
    {name: event(event_time=happened, sent_at=sent) for name, (happened, sent, _) in DERIVED.items()},
    {("late", name): event(event_time=happened) for name, (happened, _, _) in LATENESS.items()},
    {("bound", name): event(event_time=happened) for name, (happened, _) in BOUNDS.items()},
    {name: event(event_time=happened, sent_at=sent) for name, (happened, sent, _) in CORRECTED.items()},
    {name: Raw(event(event_time=happened), received_at=received) for name, (received, happened, _, _) in DATES.items()},
    {
        "unusual": event(event_time="2026-03-01T14:00:00Z", sent_at="2026-03-01T14:00:05Z", foo=1),
        "a dead letter": Raw("{", received_at="2026-03-02T00:00:00Z"),
    },
)


@pytest.mark.parametrize("name", DERIVED)
def test_derived_at_is_when_it_happened_by_our_clock(outcomes, name):
    assert outcomes[name].row.derived_at == utc(DERIVED[name][2])


def test_derived_at_of_an_unusual_event_is_corrected_too(outcomes):
    assert outcomes["unusual"].row.derived_at == utc("2026-03-01T11:59:55Z")


@pytest.mark.parametrize("name", DERIVED)
def test_only_a_sent_at_too_far_away_is_warned_about(outcomes, name):
    expected = {("sent_at", "clock_unknown")} if name in CLOCK_UNKNOWN else set()
    assert outcomes[name].warned == expected


@pytest.mark.parametrize("name", DERIVED)
def test_event_time_stays_what_the_producer_said(outcomes, name):
    assert outcomes[name].row.event_time == utc(DERIVED[name][0])


@pytest.mark.parametrize("name", DERIVED)
def test_received_at_is_the_brokers_time(outcomes, name):
    assert outcomes[name].row.received_at == utc(RECEIVED)


@pytest.mark.parametrize("name", LATENESS)
def test_lateness_counts_from_derived_at_to_the_arrival(outcomes, name):
    assert outcomes["late", name].row.lateness_ms == LATENESS[name][1]


@pytest.mark.parametrize("name", LATENESS)
def test_late_is_more_than_the_bound(outcomes, name):
    assert outcomes["late", name].row.is_late is LATENESS[name][2]


@pytest.mark.parametrize("name", BOUNDS)
def test_a_time_out_of_bounds_rejects_the_record(outcomes, name):
    outcome = outcomes["bound", name]
    assert outcome.verdict == BOUNDS[name][1]
    assert {path for path, _ in outcome.complaints} <= {"event_time"}


@pytest.mark.parametrize("name", CORRECTED)
def test_the_corrected_time_is_judged(outcomes, name):
    assert outcomes[name].verdict == CORRECTED[name][2]


@pytest.mark.parametrize("name", DATES)
def test_dates_are_utc_dates(outcomes, name):
    row, (_, _, load_date, event_date) = outcomes[name].row, DATES[name]
    assert (str(row.load_date), str(row.event_date)) == (load_date, event_date)


def test_a_dead_letters_date_is_that_of_its_arrival(outcomes):
    assert outcomes["a dead letter"].row.dlq_date == datetime.date(2026, 3, 2)
