"""Rules other than the defaults, shared by several test modules so that one run serves them all."""

from __future__ import annotations

from pipelines.transforms.outcomes import Limits
from pipelines.transforms.vocabulary import sink_record_bytes

PSEUDONYM_KEY = b"a key for tests"
MAX_EVENT_BYTES = 20_000
MAX_RECORD_BYTES = sink_record_bytes(MAX_EVENT_BYTES)
OTHER_RULES = {
    "pseudonym_key": PSEUDONYM_KEY,
    "max_event_bytes": MAX_EVENT_BYTES,
    "limits": Limits(max_event_age_days=0, max_future_seconds=60),
}
