"""A claim is a question whose answer must be empty: SQL that lists the counterexamples."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.verification.facts import Facts

MAX_EXAMPLES = 20


@dataclass(frozen=True)
class Claim:
    """Something that must hold.

    `counterexamples` selects (kafka_partition, kafka_offset, detail), the first two null where no single raw
    record is meant; `checked` selects how many things the claim is about.
    """

    name: str
    title: str
    counterexamples: str
    checked: str


@dataclass(frozen=True)
class Example:
    """One counterexample, for people: a record's coordinates, ids and types, never its content."""

    partition: int | None
    offset: int | None
    detail: str

    def __str__(self) -> str:
        where = "" if self.partition is None else f"partition {self.partition} offset {self.offset}: "
        return where + self.detail


@dataclass(frozen=True)
class Finding:
    """A judged claim: `wrong` counterexamples, of which the first few are `examples`."""

    claim: Claim
    checked: int
    wrong: int
    examples: tuple[Example, ...]

    @property
    def holds(self) -> bool:
        """Whether the claim is proven."""
        return self.wrong == 0


def judge(facts: Facts, claim: Claim) -> Finding:
    """Look for counterexamples."""
    wrong = facts.number(f"select count(*) from ({claim.counterexamples})")  # noqa: S608 — our own constants
    examples = facts.rows(f"from ({claim.counterexamples}) order by 1, 2, 3 limit {MAX_EXAMPLES}") if wrong else []
    return Finding(claim, facts.number(claim.checked), wrong, tuple(Example(*row) for row in examples))
