"""The account of a verification: figures per partition, remarks and findings, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.verification import conservation, delivery, faults
from pipelines.verification.claims import Finding, judge
from pipelines.verification.facts import Facts

_PER_PARTITION = """
    with given as (
        select kafka_partition,
               count_if(kafka_offset >= first_offset and kafka_offset < end_offset) as given,
               count_if(kafka_offset >= coalesce(end_offset, 0)) as lag
        from raw_records left join covered using (kafka_partition) group by kafka_partition),
    made as (
        select kafka_partition, count_if(outcome = 'accepted') as accepted,
               count_if(outcome = 'dead') as dead, count_if(outcome = 'duplicate') as duplicate
        from outcomes join covered using (kafka_partition)
        where kafka_offset >= first_offset and kafka_offset < end_offset group by kafka_partition),
    partitions as (
        select kafka_partition from logs where topic = 'raw' union select kafka_partition from covered)
    select kafka_partition, first_offset, end_offset, coalesce(given, 0), coalesce(accepted, 0),
           coalesce(dead, 0), coalesce(duplicate, 0), coalesce(lag, 0)
    from partitions left join covered using (kafka_partition)
    left join given using (kafka_partition) left join made using (kafka_partition)
    order by kafka_partition"""

_RETAINED = """
    select kafka_partition, audited_from, first_offset
    from covered where first_offset > audited_from order by kafka_partition"""
_REPEATS = """
    select sum(times - 1) from (
        select count(*) as times from {} where is_current(kafka_topic_id)
        group by kafka_partition, kafka_offset)"""
_FOREIGN = "select count(*) from {} where kafka_topic_id is not null and not is_current(kafka_topic_id)"
_IN_HAND = """
    select count(*) from outcomes left join covered using (kafka_partition)
    where kafka_offset >= coalesce(end_offset, 0)"""


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


def account_for(facts: Facts, *, with_manifest: bool = False, caught_up: bool = False) -> Account:
    """Judge all claims about complete facts. `caught_up` also claims that nothing waits to be processed."""
    facts.derive()
    claims = [*conservation.CLAIMS, *delivery.CLAIMS]
    if with_manifest:
        faults.judge_manifest(facts)
        claims += faults.CLAIMS
    if caught_up:
        claims.append(conservation.CAUGHT_UP)
    return Account(
        partitions=[PartitionFigures(*row) for row in facts.rows(_PER_PARTITION)],
        findings=[judge(facts, claim) for claim in claims],
        recall=faults.recall(facts) if with_manifest else [],
        remarks=list(_remarks(facts)),
    )


def _remarks(facts: Facts) -> list[str]:
    """What a reader should know and what is no error."""
    remarks = [
        f"Retention: Kafka has deleted partition {partition}'s records {begin:,} to {first - 1:,}; "
        "they were processed, and cannot be compared any more."
        for partition, begin, first in facts.rows(_RETAINED)
    ]
    for table, name in (("enriched_records", "enriched"), ("queue_records", "dead-letter")):
        if repeats := facts.number(_REPEATS.format(table)):
            remarks.append(f"{repeats:,} records of the {name} topic are repeats (a crash repeats one batch at most).")
    for table in ("events", "dead_letters", "duplicates", "enriched_records", "queue_records"):
        if foreign := facts.number(_FOREIGN.format(table)):
            remarks.append(
                f"{foreign:,} rows of {table} are left out: "
                "they come from another topic, or from this one before it was re-created."
            )
    if in_hand := facts.number(_IN_HAND):
        remarks.append(f"{in_hand:,} rows belong to a batch in hand, which batch_audit does not list yet.")
    return remarks
