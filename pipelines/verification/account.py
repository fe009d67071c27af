"""The account of a verification: figures per partition, remarks and findings, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.verification import conservation, delivery, duplicates, faults
from pipelines.verification.claims import Finding, judge
from pipelines.verification.derived import derive
from pipelines.verification.facts import Facts
from pipelines.verification.remarks import remarks

# Offsets that were given up count neither as given nor as outcomes.
_PER_PARTITION = """
    with lost as (
        select kafka_partition, count(*) as lost from raw_records as r join gaps as g using (kafka_partition)
        where r.kafka_offset >= g.start_offset and r.kafka_offset < g.end_offset group by kafka_partition),
    given as (
        select kafka_partition,
               count_if(kafka_offset >= first_offset and kafka_offset < end_offset) as given,
               count_if(kafka_offset >= coalesce(end_offset, 0)) as lag
        from raw_records left join covered using (kafka_partition) group by kafka_partition),
    made as (
        select kafka_partition, count_if(outcome = 'accepted') as accepted,
               count_if(outcome = 'dead') as dead, count_if(outcome = 'duplicate') as duplicate
        from outcomes join covered using (kafka_partition)
        where kafka_offset >= first_offset and kafka_offset < end_offset and not is_given_up
        group by kafka_partition),
    partitions as (
        select kafka_partition, min(from_offset) as from_offset, max(to_offset) as to_offset
        from selected where kafka_partition in (
            select kafka_partition from logs where topic = 'raw' union select kafka_partition from covered)
        group by kafka_partition)
    select kafka_partition, first_offset + greatest(from_offset - first_offset, 0),
           end_offset - greatest(end_offset - to_offset, 0),
           coalesce(given, 0) - coalesce(lost, 0), coalesce(accepted, 0), coalesce(dead, 0), coalesce(duplicate, 0),
           coalesce(lag, 0)
    from partitions left join covered using (kafka_partition) left join lost using (kafka_partition)
    left join given using (kafka_partition) left join made using (kafka_partition)
    order by kafka_partition"""


@dataclass(frozen=True)
class PartitionFigures:
    """One partition's balance over the offsets [first, end) that were processed; `lag` records wait."""

    partition: int
    first: int | None
    end: int | None
    given: int
    accepted: int
    dead: int
    duplicate: int
    lag: int


@dataclass(frozen=True)
class Account:
    """All that a verification found out."""

    partitions: list[PartitionFigures]
    findings: list[Finding]
    recall: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def proven(self) -> bool:
        """Whether every claim holds."""
        return all(finding.holds for finding in self.findings)

    def total(self, figure: str) -> int:
        """Sum of a figure over the partitions."""
        return sum(getattr(each, figure) for each in self.partitions)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        figures = ("given", "accepted", "dead", "duplicate", "lag")
        return {
            "proven": self.proven,
            "records": {name: self.total(name) for name in figures},
            "partitions": [vars(each) for each in self.partitions],
            "claims": [
                {
                    "name": finding.claim.name,
                    "title": finding.claim.title,
                    "holds": finding.holds,
                    "checked": finding.checked,
                    "wrong": finding.wrong,
                    "examples": [vars(example) for example in finding.examples],
                }
                for finding in self.findings
            ],
            "recall": self.recall,
            "remarks": self.remarks,
        }


def account_for(
    facts: Facts, *, with_manifest: bool = False, caught_up: bool = False, horizon_seconds: int | None = None
) -> Account:
    """Judge all claims about complete facts.

    `caught_up` also claims that nothing waits to be processed, `horizon_seconds` that the job's deduplication kept to
    that horizon.
    """
    derive(facts)
    claims = [*conservation.CLAIMS, *delivery.CLAIMS, duplicates.JUSTIFIED]
    if horizon_seconds is not None:
        claims += duplicates.within(horizon_seconds)
    if with_manifest:
        faults.judge_manifest(facts, horizon_seconds)
        claims += faults.CLAIMS
    if caught_up:
        claims.append(conservation.CAUGHT_UP)
    return Account(
        partitions=[PartitionFigures(*row) for row in facts.rows(_PER_PARTITION)],
        findings=[judge(facts, claim) for claim in claims],
        recall=faults.recall(facts) if with_manifest else [],
        remarks=remarks(facts, horizon_seconds),
    )
