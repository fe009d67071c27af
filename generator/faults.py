"""The faults the generator injects and what the pipeline must make of each.

Pure data: `pipelines.verify` reads it to judge a manifest. Names of failure types are the raw contract's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MALFORMED = "malformed"
MISSING_FIELD = "missing_field"
WRONG_TYPE = "wrong_type"
BAD_TIMESTAMP = "bad_timestamp"
DUPLICATE = "duplicate"
ID_CONFLICT = "id_conflict"
LATE = "late"
OUT_OF_ORDER = "out_of_order"
CLOCK_SKEW = "clock_skew"
OVERSIZE = "oversize"
HOT_KEY = "hot_key"
SCHEMA_DRIFT = "schema_drift"

ACCEPTED = "accepted"
DEAD = "dead"
SUPPRESSED = "duplicate"


@dataclass(frozen=True)
class Expectation:
    """What must become of a record: one of `outcomes`; if dead, one of `failure_types`.

    `is_late` is asked of an accepted one; None: either, as good events of a past window may be late as well.
    """

    outcomes: frozenset[str]
    failure_types: frozenset[str] = frozenset()
    is_late: bool | None = None


# A malformed or bad_timestamp variant has its own failure type; all missing_field variants are
# MISSING_REQUIRED and all wrong_type variants TYPE_MISMATCH, whichever field they name.
MALFORMED_VARIANTS: Mapping[str, str] = {
    "truncated": "NOT_JSON",
    "trailing_garbage": "NOT_JSON",
    "two_documents": "NOT_JSON",
    "not_a_number": "NOT_JSON",
    "infinity": "NOT_JSON",
    "single_quotes": "NOT_JSON",
    "comment": "NOT_JSON",
    "byte_order_mark": "NOT_JSON",
    "invalid_utf8": "NOT_UTF8",
    "latin1": "NOT_UTF8",
    "tombstone": "EMPTY_VALUE",
    "empty": "EMPTY_VALUE",
    "blank": "EMPTY_VALUE",
    "array": "NOT_OBJECT",
    "string": "NOT_OBJECT",
    "number": "NOT_OBJECT",
    "null": "NOT_OBJECT",
}
BAD_TIMESTAMP_VARIANTS: Mapping[str, str] = {
    "unparseable": "TIMESTAMP_INVALID",
    "impossible_date": "TIMESTAMP_INVALID",
    "date_only": "TIMESTAMP_INVALID",
    "zoneless": "TIMESTAMP_INVALID",
    "space_for_t": "TIMESTAMP_INVALID",
    "epoch_milliseconds": "TIMESTAMP_INVALID",
    "future": "TIMESTAMP_FUTURE",
    "ancient": "TIMESTAMP_ANCIENT",
}

_DEAD = frozenset({DEAD})
_ACCEPTED = frozenset({ACCEPTED})

GOOD = Expectation(_ACCEPTED)

# A new release of the shop's tracker: what it does to the events from some record on.
DRIFT_VARIANTS: Mapping[str, Expectation] = {
    "new_field": GOOD,
    "addition": GOOD,
    "renamed_field": Expectation(_DEAD, frozenset({"MISSING_REQUIRED"})),
    "type_change": Expectation(_DEAD, frozenset({"TYPE_MISMATCH"})),
    "new_model": Expectation(_DEAD, frozenset({"UNSUPPORTED_SCHEMA_VERSION"})),
}

# The key None is the good record. A duplicate repeats a good record of the same run; where that one was not delivered,
# or was accepted longer ago than the pipeline's horizon, the repeat is accepted in its place.
EXPECTED: Mapping[str | None, Expectation] = {
    None: GOOD,
    MALFORMED: Expectation(_DEAD, frozenset(MALFORMED_VARIANTS.values())),
    MISSING_FIELD: Expectation(_DEAD, frozenset({"MISSING_REQUIRED"})),
    WRONG_TYPE: Expectation(_DEAD, frozenset({"TYPE_MISMATCH"})),
    BAD_TIMESTAMP: Expectation(_DEAD, frozenset(BAD_TIMESTAMP_VARIANTS.values())),
    DUPLICATE: Expectation(frozenset({SUPPRESSED})),
    ID_CONFLICT: GOOD,
    LATE: Expectation(_ACCEPTED, is_late=True),
    OUT_OF_ORDER: GOOD,
    CLOCK_SKEW: GOOD,
    OVERSIZE: Expectation(_DEAD, frozenset({"SIZE_VIOLATION"})),
    HOT_KEY: GOOD,
    SCHEMA_DRIFT: Expectation(frozenset({ACCEPTED, DEAD}), frozenset({"MISSING_REQUIRED", "TYPE_MISMATCH",
                                                                      "UNSUPPORTED_SCHEMA_VERSION"})),
}  # fmt: skip

# Those that happen at a rate; SCHEMA_DRIFT begins at a record.
FAULTS: tuple[str, ...] = tuple(fault for fault in EXPECTED if fault not in (None, SCHEMA_DRIFT))


def expected(fault: str | None, variant: str | None = None) -> Expectation:
    """What must become of a record with this manifest `fault` and `variant`, as exactly as they tell."""
    failure_type = {**MALFORMED_VARIANTS, **BAD_TIMESTAMP_VARIANTS}.get(variant or "")
    if failure_type and fault in (MALFORMED, BAD_TIMESTAMP):
        return Expectation(_DEAD, frozenset({failure_type}))
    if fault == SCHEMA_DRIFT:
        return DRIFT_VARIANTS.get(variant or "", EXPECTED[fault])
    return EXPECTED[fault]
