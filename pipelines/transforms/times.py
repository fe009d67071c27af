"""with_times: when it happened, when we got it, and how late it is. All measured against the broker's append time,
never a wall clock: the same record gets the same verdict on every replay."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.transforms.field_checks import instant

_MAX_CLOCK_DISTANCE_MICROS = 24 * 3600 * 1_000_000


def with_times(records: DataFrame) -> DataFrame:
    """Add `event_at`, `sent_at` (instants, null if unusable), `received_at`, `derived_at`, `clock_unknown`.

    `derived_at` corrects a device clock that `sent_at` reveals: received_at − (sent_at − event_time), if
    received_at and sent_at are at most 24 h apart; else it is event_time.
    """
    return records.withColumns(
        {
            "received_at": F.col("kafka_timestamp"),
            "event_at": instant(F.col("event.event_time")),
            "sent_at": instant(F.col("event.sent_at")),
        }
    ).withColumns(
        {
            "derived_at": F.when(_clock_known(), _corrected()).otherwise(F.col("event_at")),
            "clock_unknown": F.col("sent_at").isNotNull() & ~_clock_known(),
        }
    )


def _clock_known() -> Column:
    distance = F.abs(F.unix_micros("received_at") - F.unix_micros("sent_at"))
    return F.coalesce(distance <= _MAX_CLOCK_DISTANCE_MICROS, F.lit(False))


def _corrected() -> Column:
    took = F.unix_micros("sent_at") - F.unix_micros("event_at")
    return F.timestamp_micros(F.unix_micros("received_at") - took)
