"""Claims about the generator's manifest: what it sent is in Kafka, and every fault was found."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from typing import Any

from pipelines.verification.claims import Claim
from pipelines.verification.facts import Facts

# The job's default (DEDUP_HORIZON_SECONDS).
DEFAULT_HORIZON_SECONDS = 3600
# The hash of a tombstone: the manifest has that of no bytes, a null value has none.
_NOTHING = "digest(unhex(sha256('')))"

# One row per manifest row (and outcome) with which something is wrong. Two things depend on more than the record: a
# re-send is accepted where no copy was accepted within the horizon, and any event is a duplicate where the same bytes
# were accepted before (one seed was sent twice).
_PROBLEMS = """
    with accepted_again as (select distinct kafka_partition, kafka_offset from repeated where after_us <= {horizon_us}),
    resent as (
        select kafka_partition, kafka_offset from originals
        where is_same and coalesce(first_value = value, true))
    select m.line, m.kafka_partition, m.kafka_offset, m.fault, m.variant,
        case
            when o.outcome is null and m.kafka_offset >= coalesce(c.end_offset, 0) then 'not processed yet'
            when o.outcome is null then 'without an outcome'
            when o.outcome = 'accepted' and list_contains(e.outcomes, 'duplicate') and a.kafka_offset is not null
                then 'is accepted again within {horizon}'
            when not list_contains(e.outcomes, o.outcome)
                and not (o.outcome = 'accepted' and list_contains(e.outcomes, 'duplicate'))
                and not (o.outcome = 'duplicate' and list_contains(e.outcomes, 'accepted')
                         and s.kafka_offset is not null)
                then 'is ' || concat_ws(' ', o.outcome, o.failure_type)
            when o.outcome = 'dead' and not list_contains(e.failure_types, o.failure_type)
                then 'is ' || o.failure_type
            when o.outcome = 'accepted' and e.is_late <> o.is_late
                then case when o.is_late then 'is late' else 'is not late' end
            when o.outcome = 'accepted' and o.identity is distinct from m.identity
                then 'is accepted under another event_id'
        end as problem
    from manifest as m
    join expectations as e
    on e.fault is not distinct from m.fault and e.variant is not distinct from m.variant
    left join outcomes as o using (kafka_partition, kafka_offset)
    left join covered as c using (kafka_partition)
    left join accepted_again as a using (kafka_partition, kafka_offset)
    left join resent as s using (kafka_partition, kafka_offset)
    where problem is not null"""

SENT = Claim(
    "manifest_in_kafka",
    "what the manifest says was sent is in Kafka, byte for byte",
    f"""
    select kafka_partition, kafka_offset, 'manifest line ' || line || case
        when r.kafka_offset is null then ': not in Kafka' else ': Kafka has other bytes there' end
    from manifest left join raw_records as r using (kafka_partition, kafka_offset)
    left join (from logs where topic = 'raw') as log using (kafka_partition)
    where kafka_offset >= coalesce(first_offset, 0)
      and (r.kafka_offset is null or coalesce(r.value, {_NOTHING}) <> manifest.value)""",
    "select count(*) from manifest",
)
FOUND = Claim(
    "faults_found",
    "good events were accepted, every injected fault was found",
    """
    select kafka_partition, kafka_offset,
           'manifest line ' || line || ': ' || coalesce(nullif(concat_ws(' ', p.fault, p.variant), ''), 'good record')
           || ' should be ' || concat_ws(
               ' ', array_to_string(outcomes, ' or '), nullif(array_to_string(failure_types, ' or '), ''),
               case when is_late then 'late' end)
           || ', ' || problem
    from problems as p join expectations as e
    on e.fault is not distinct from p.fault and e.variant is not distinct from p.variant""",
    "select count(*) from manifest",
)

CLAIMS = (SENT, FOUND)


def judge_manifest(facts: Facts, horizon_seconds: int | None) -> None:
    """Work out what became of every manifest row; the claims and `recall` ask it.

    A `horizon_seconds` of None stands for the job's default, 0 for no deduplication: then all may be accepted.
    """
    seconds = DEFAULT_HORIZON_SECONDS if horizon_seconds is None else horizon_seconds
    horizon_us = seconds * 1_000_000 if seconds else -1
    facts.create("problems", _PROBLEMS.format(horizon_us=horizon_us, horizon=f"{seconds:,} s"))


def recall(facts: Facts) -> list[dict[str, Any]]:
    """Per fault (None: the good records): how many were injected, and how many of them found."""
    rows = facts.rows(
        """
        select m.fault, injected, injected - coalesce(wrong, 0)
        from (select fault, count(*) as injected from manifest group by fault) as m
        left join (select fault, count(distinct line) as wrong from problems group by fault) as p
        on m.fault is not distinct from p.fault order by m.fault nulls first"""
    )
    return [{"fault": fault, "injected": injected, "found": found} for fault, injected, found in rows]
