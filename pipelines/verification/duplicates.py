"""Claims about suppressed re-sends: each repeats an accepted record, and inside the horizon none was accepted again.

The horizon counts both ways: partitions are read independently, so the copy that was accepted may have arrived after
the one that was suppressed.
"""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from pipelines.verification.claims import Claim

_FIRST = "'duplicate of partition ' || first_partition || ' offset ' || first_offset || ', '"
# Where the documents repeat a key, the first value was read here, but the last one counts.
_DIFFERS = """
    first_value <> value and not repeats_key
    and (first_identity <> identity or first_content <> content)"""

JUSTIFIED = Claim(
    "duplicates_justified",
    "every duplicate repeats an accepted record",
    f"""
    select kafka_partition, kafka_offset,
           coalesce({_FIRST}, 'duplicate of no record, ') || case
               when not is_found then 'which events does not hold'
               when not is_same then 'which is another event'
               when in_current_topic and first_partition = kafka_partition and first_offset > kafka_offset
                    and first_received_at >= received_at then 'which came later'
               when {_DIFFERS} then 'whose raw record is another event' end as detail
    from originals where detail is not null""",
    "select count(*) from duplicates where is_current",
)


def within(horizon_seconds: int) -> tuple[Claim, ...]:
    """What must hold for a job whose horizon always was this long, 0 being none."""
    if not horizon_seconds:
        return ()
    horizon_us = horizon_seconds * 1_000_000
    return (
        Claim(
            "duplicates_in_horizon",
            f"each arrived at most {horizon_seconds:,} s from it",
            f"""
            select kafka_partition, kafka_offset,
                   {_FIRST} || 'which arrived ' || abs(received_at - first_received_at) // 1000000 || ' s from it'
            from originals where is_same and abs(received_at - first_received_at) > {horizon_us}""",
            "select count(*) from duplicates where is_current",
        ),
        Claim(
            "accepted_once",
            f"no event was accepted again within {horizon_seconds:,} s",
            f"""
            select kafka_partition, kafka_offset, 'accepted ' || after_us // 1000000 || ' s after the same event, '
                   || 'partition ' || before_partition || ' offset ' || before_offset
            from repeated where after_us <= {horizon_us}""",
            "select count(*) from events where is_current",
        ),
    )
