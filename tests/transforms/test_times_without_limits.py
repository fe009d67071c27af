"""An event_time that no limit bounds is still one that every reader of the tables knows: of the years 1900 to 9998."""

from __future__ import annotations

import pytest
from builders import ABSENT, Raw, event, joined
from other_rules import OTHER_RULES

RULES = OTHER_RULES  # no limit of age

NEAR = ("1900-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z")
# event_time → what it fails as
FAR = {
    "0000-01-01T00:00:00Z": "TIMESTAMP_ANCIENT",
    "0001-01-01T00:00:00+14:00": "TIMESTAMP_ANCIENT",
    "1899-12-31T23:59:59.999999Z": "TIMESTAMP_ANCIENT",
    "9999-01-01T00:00:00Z": "TIMESTAMP_FUTURE",
    "9999-12-31T23:59:59-18:00": "TIMESTAMP_FUTURE",
}
TABLE = joined(
    {("known", text): event(event_time=text, sent_at=ABSENT) for text in (*NEAR, *FAR)},
    # Not even the future is bounded without the broker's time.
    {
        ("unknown", text): Raw(event(event_time=text), received_at=None)
        for text in (*NEAR, "9998-12-31T23:59:59Z", *FAR)
    },
)


@pytest.mark.parametrize("case", [case for case in TABLE if case[1] not in FAR], ids=str)
def test_a_time_that_all_readers_know_is_accepted(outcomes, case):
    assert outcomes[case].accepted, outcomes[case].outcome.failure


@pytest.mark.parametrize("case", [case for case in TABLE if case[1] in FAR], ids=str)
def test_any_other_time_is_a_dead_letter(outcomes, case):
    assert outcomes[case].outcome.failure.type == FAR[case[1]]
    assert outcomes[case].row.event_time is None
