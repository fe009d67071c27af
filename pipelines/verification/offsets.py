"""Which raw records a verification is about: all of them, or those of some ranges of offsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.dataset

from pipelines.cli import ConfigurationError

Span = tuple[int, int]

UNBOUNDED = 2**63 - 1  # an end that no offset reaches
_SYNTAX = re.compile(r"([0-9]{1,9}):([0-9]{1,18})?-([0-9]{1,18})?")


@dataclass(frozen=True)
class Selection:
    """`ranges`: partition → spans [first, end), ascending and apart; None stands for every raw record."""

    ranges: Mapping[int, tuple[Span, ...]] | None = None

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Selection:
        """From ``PARTITION:FIRST-LAST``, both offsets included, each of which may be missing; none at all is all.

        Raises ConfigurationError where a text is not of that form.
        """
        spans: dict[int, list[Span]] = {}
        for text in texts:
            match = _SYNTAX.fullmatch(text)
            first, end = (int(match[2] or 0), int(match[3]) + 1 if match[3] else UNBOUNDED) if match else (0, 0)
            if not match or first >= end:
                raise ConfigurationError(
                    f"--offsets {text}: expected PARTITION:FIRST-LAST, for example 2:100-249, 2:100- or 2:-249."
                )
            spans.setdefault(int(match[1]), []).append((first, end))
        return cls({p: tuple(_merged(each)) for p, each in sorted(spans.items())} or None)

    def within(self, partition: int, first: int, end: int) -> list[Span]:
        """What of the offsets [first, end) of a partition is meant."""
        if self.ranges is None:
            return [(first, end)]
        clipped = [(max(first, s), min(end, e)) for s, e in self.ranges.get(partition, ())]
        return [(s, e) for s, e in clipped if s < e]

    def condition(self) -> str:
        """As SQL about kafka_partition and kafka_offset."""
        if self.ranges is None:
            return "true"
        return "(" + " or ".join(
            f"kafka_partition = {p} and kafka_offset >= {s} and kafka_offset < {e}"
            for p, spans in self.ranges.items()
            for s, e in spans
        ) + ")"  # fmt: skip

    def arrow(self) -> Any:
        """The same for a dataset, which skips files by it; None for all."""
        return None if self.ranges is None else spans_as_arrow("kafka_partition", "kafka_offset", self.ranges)

    def __str__(self) -> str:
        listed = [f"partition {p}: {_text(s)}" for p, spans in (self.ranges or {}).items() for s in spans]
        return ", ".join(listed) or "all offsets"


def spans_as_arrow(partition: str, offset: str, ranges: Mapping[int, Iterable[Span]]) -> Any:
    """Ranges as a filter over two columns of a dataset."""
    partitions, offsets = pyarrow.dataset.field(partition), pyarrow.dataset.field(offset)
    chosen = pyarrow.dataset.scalar(False)
    for number, spans in ranges.items():
        for first, end in spans:
            chosen |= (partitions == number) & (offsets >= first) & (offsets < end)
    return chosen


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, end in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    return merged


def _text(span: Span) -> str:
    first, end = span
    return f"{first:,} on" if end == UNBOUNDED else f"{first:,} to {end - 1:,}"
