"""event_time and sent_at: RFC 3339 with `T` and a zone, and nothing else."""

from __future__ import annotations

import pytest
from builders import Json, event, joined, utc

VALID = {
    "2026-03-01T11:59:58Z": "2026-03-01T11:59:58Z",
    "2026-03-01T11:59:58.1Z": "2026-03-01T11:59:58.100000Z",
    "2026-03-01T11:59:58.123456Z": "2026-03-01T11:59:58.123456Z",
    "2026-03-01T11:59:58.123456789Z": "2026-03-01T11:59:58.123456Z",
    "2026-03-01T11:59:58.999999999Z": "2026-03-01T11:59:58.999999Z",
    "2026-03-01T13:59:58+02:00": "2026-03-01T11:59:58Z",
    "2026-03-01T06:29:58.5-05:30": "2026-03-01T11:59:58.500000Z",
    "2026-03-02T01:59:58+14:00": "2026-03-01T11:59:58Z",
    "2026-03-01T11:59:58+00:00": "2026-03-01T11:59:58Z",
    "2026-03-01T11:59:58-00:00": "2026-03-01T11:59:58Z",
    "2024-02-29T23:59:59Z": "2024-02-29T23:59:59Z",
    "2025-12-31T23:59:59.999999Z": "2025-12-31T23:59:59.999999Z",
}
INVALID = (
    "2026",
    "2026-03",
    "2026-03-01",
    "2026-03-01T11",
    "2026-03-01T11:59Z",
    "2026-03-01T11:59:58",
    "2026-03-01T11:59:58.123",
    "2026-03-01 11:59:58Z",
    "2026-03-01t11:59:58Z",
    "2026-03-01T11:59:58z",
    "2026-03-01T11:59:58.Z",
    "2026-03-01T11:59:58,5Z",
    "2026-03-01T11:59:58.1234567890Z",
    "2026-03-01T11:59:58+0200",
    "2026-03-01T11:59:58+02",
    "2026-03-01T11:59:58+2:00",
    "2026-03-01T11:59:58+24:00",
    "2026-03-01T11:59:58+02:60",
    "2026-03-01T11:59:58 UTC",
    "2026-03-01T11:59:58Europe/Berlin",
    "2026-03-01T11:59:58Z[UTC]",
    "2026-03-01T24:00:00Z",
    "2026-03-01T23:60:00Z",
    "2026-03-01T11:59:60Z",
    "2026-02-29T11:59:58Z",
    "2026-02-30T11:59:58Z",
    "2026-13-01T11:59:58Z",
    "2026-00-10T11:59:58Z",
    "2026-3-1T11:59:58Z",
    "26-03-01T11:59:58Z",
    "+2026-03-01T11:59:58Z",
    "12026-03-01T11:59:58Z",
    " 2026-03-01T11:59:58Z",
    "2026-03-01T11:59:58Z ",
    "2026-03-01T11:59:58Z\n",
    "２０２６-03-01T11:59:58Z",
    "2026-03-01T11:59:58−02:00",
    "20260301T115958Z",
    "1772366398",
    "1772366398000",
    "now",
    "epoch",
    "today",
    "null",
    "x",
)
# Timestamps beyond the years that every reader of the tables knows.
FAR = ("0000-01-01T00:00:00Z", "1899-12-31T23:59:59.999999Z", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59-18:00")
NUMBERS = ("1772366398", "1772366398000", "1772366398.5", "0", "-1", "1e400", "2026")
OTHER_TYPES = {"boolean": True, "object": {"seconds": 1}, "array": ["2026-03-01T11:59:58Z"]}

TABLE = joined(
    {("time", text): event(event_time=text) for text in (*VALID, *INVALID)},
    {("unusual", text): event(event_time=text, foo=1) for text in (*VALID, *INVALID)},
    {("sent", text): event(sent_at=text) for text in (*VALID, *INVALID, *FAR)},
    {("number", text): event(event_time=Json(text)) for text in NUMBERS},
    {("sent number", text): event(sent_at=Json(text)) for text in NUMBERS},
    {("type", name): event(event_time=value) for name, value in OTHER_TYPES.items()},
)


@pytest.mark.parametrize("text", VALID)
def test_an_rfc_3339_time_is_read_to_the_microsecond(outcomes, text):
    assert outcomes["time", text].outcome.event_at == utc(VALID[text])


@pytest.mark.parametrize("text", VALID)
def test_a_time_in_an_unusual_event_is_the_same(outcomes, text):
    assert outcomes["unusual", text].outcome.event_at == utc(VALID[text])


@pytest.mark.parametrize("text", VALID)
def test_the_row_has_the_instant_and_the_enriched_record_the_producers_text(outcomes, text):
    outcome = outcomes["time", text]
    assert (outcome.row.event_time, outcome.enriched["event_time"]) == (utc(VALID[text]), text)


@pytest.mark.parametrize("where", ["time", "unusual"])
@pytest.mark.parametrize("text", INVALID)
def test_any_other_text_is_an_invalid_timestamp(outcomes, text, where):
    outcome = outcomes[where, text]
    assert (outcome.verdict, outcome.complaints) == ("TIMESTAMP_INVALID", {("event_time", "format")})


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_an_invalid_timestamp_and_not_a_wrong_type(outcomes, text):
    outcome = outcomes["number", text]
    assert (outcome.verdict, {error.path for error in outcome.errors}) == (
        "TIMESTAMP_INVALID",
        {"event_time"},
    )


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_a_time_that_is_neither_text_nor_number_is_a_wrong_type(outcomes, name):
    outcome = outcomes["type", name]
    assert (outcome.verdict, [(e.path, e.actual_type) for e in outcome.errors]) == (
        "TYPE_MISMATCH",
        [("event_time", name)],
    )


@pytest.mark.parametrize("text", VALID)
def test_sent_at_is_read_like_event_time(outcomes, text):
    outcome = outcomes["sent", text]
    assert (outcome.outcome.sent_at, outcome.row.sent_at) == (utc(VALID[text]), utc(VALID[text]))
    assert outcome.event.sent_at == text


@pytest.mark.parametrize("text", [*INVALID, *FAR])
def test_a_bad_sent_at_is_rescued_with_a_warning(outcomes, text):
    outcome = outcomes["sent", text]
    assert outcome.rescued == {"sent_at": text}
    assert {path for path, _ in outcome.warned} == {"sent_at"}
    assert (outcome.event.sent_at, outcome.outcome.sent_at) == (None, None)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_as_sent_at_is_rescued_with_a_warning(outcomes, text):
    outcome = outcomes["sent number", text]
    assert {path for path, _ in outcome.warned} == {"sent_at"}
    assert (outcome.event.sent_at, outcome.outcome.sent_at) == (None, None)
