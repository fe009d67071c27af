"""Claims about the generator's manifest: what it sent is in Kafka, and every fault was found."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from typing import Any

from pipelines.verification.claims import Claim
from pipelines.verification.facts import Facts

# The hash of a tombstone: the manifest has that of no bytes, a null value has none.
_NOTHING = "unhex(sha256(''))"

# One row per manifest row (and outcome): what is wrong with it, or null.
_JUDGED = """
    select m.line, m.kafka_partition, m.kafka_offset, m.fault,
        case
            when o.outcome is null and m.kafka_offset >= coalesce(c.end_offset, 0) then 'not processed yet'
            when o.outcome is null then 'without an outcome'
            when not list_contains(e.outcomes, o.outcome)
                then 'is ' || concat_ws(' ', o.outcome, o.failure_type)
            when o.outcome = 'dead' and not list_contains(e.failure_types, o.failure_type)
                then 'is ' || o.failure_type
            when o.outcome = 'accepted' and e.is_late <> o.is_late
                then case when o.is_late then 'is late' else 'is not late' end
            when o.outcome = 'accepted' and lower(o.event_id) is distinct from lower(m.event_id)
                then 'is accepted as event ' || coalesce(o.event_id, 'null')
        end as problem,
        coalesce(nullif(concat_ws(' ', m.fault, m.variant), ''), 'good record') as what,
        concat_ws(' ', array_to_string(e.outcomes, ' or '), nullif(array_to_string(e.failure_types, ' or '), ''),
                  case when e.is_late then 'late' end) as wanted
    from manifest as m
    join expectations as e
    on e.fault is not distinct from m.fault and e.variant is not distinct from m.variant
    left join outcomes as o using (kafka_partition, kafka_offset)
    left join covered as c using (kafka_partition)"""

SENT = Claim(
    "manifest_in_kafka",
    "what the manifest says was sent is in Kafka, byte for byte",
    f"""
    select kafka_partition, kafka_offset, 'manifest line ' || line || case
        when r.kafka_offset is null then ': not in Kafka' else ': Kafka has other bytes there' end
    from manifest left join raw_records as r using (kafka_partition, kafka_offset)
    left join (from logs where topic = 'raw') as log using (kafka_partition)
    where kafka_offset >= coalesce(first_offset, 0)
      and (r.kafka_offset is null or coalesce(r.value_sha256, {_NOTHING}) <> manifest.sha256)""",
    "select count(*) from manifest",
)
FOUND = Claim(
    "faults_found",
    "good events were accepted, every injected fault was found",
    """
    select kafka_partition, kafka_offset, 'manifest line ' || line || ': '
           || what || ' should be ' || wanted || ', ' || problem
    from judged where problem is not null""",
    "select count(*) from manifest",
)

CLAIMS = (SENT, FOUND)


def judge_manifest(facts: Facts) -> None:
    """Work out what became of every manifest row; the claims and `recall` ask it."""
    facts.create("judged", _JUDGED)


def recall(facts: Facts) -> list[dict[str, Any]]:
    """Per fault (None: the good records): how many were injected, and how many of them found."""
    rows = facts.rows(
        """
        select fault, count(distinct line),
               count(distinct line) - count(distinct line) filter (problem is not null)
        from judged group by fault order by fault nulls first"""
    )
    return [{"fault": fault, "injected": injected, "found": found} for fault, injected, found in rows]
