"""What the tables say was processed: where the next batch must begin, and what of it a crash left behind.

`batch_audit` is the ledger: its rows cover each partition without gap or overlap, and a batch is listed there only
when it is in all tables and on Kafka. So three rules are enough for exactly-once tables: a batch begins where the
ledger ends; a batch that the ledger lists is done; what other tables hold beyond the ledger's end belongs to the
one batch that a crash interrupted, and is not written again. Nothing depends on the checkpoint being the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.cli import ConfigurationError
from pipelines.transforms.batches import Batch

Ranges = Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Commit:
    """A commit of this job to one of its tables, as the commit's metadata tells. A gap row has no batch id.

    `offsets`: partition → [start, end) of the raw topic `topic_id`, every partition that was known then. `doubtful`,
    in `batch_audit` only: what was in doubt beyond them, since the commits that tell of it grow old.
    """

    topic: str
    topic_id: str
    generation: str
    batch_id: int | None
    offsets: Ranges
    doubtful: Ranges = field(default_factory=dict)

    @classmethod
    def of(cls, batch: Batch, topic: str, doubtful: Ranges | None = None) -> Commit:
        """The commit of a batch."""
        return cls(topic, batch.topic_id, batch.generation, batch.batch_id, batch.offsets, doubtful or {})

    @property
    def starts(self) -> dict[int, int]:
        """Partition → first offset."""
        return {partition: start for partition, (start, _) in self.offsets.items()}

    @property
    def ends(self) -> dict[int, int]:
        """Partition → next offset."""
        return {partition: end for partition, (_, end) in self.offsets.items()}

    def is_attempt_like(self, other: Commit) -> bool:
        """Whether both can be attempts at a topic's first batch, over whatever checkpoints: all begin alike."""
        is_first = (self.batch_id, other.batch_id, self.topic_id) == (0, 0, other.topic_id)
        return is_first and all(other.starts.get(p, start) == start for p, start in self.starts.items())

    def as_metadata(self) -> dict[str, object]:
        """For the commit's userMetadata."""
        return {
            "topic": self.topic,
            "topic_id": self.topic_id,
            "generation": self.generation,
            "batch_id": self.batch_id,
            "offsets": _as_json(self.offsets),
            **({"doubtful": _as_json(self.doubtful)} if self.doubtful else {}),
        }

    @classmethod
    def from_metadata(cls, metadata: str | None) -> Commit | None:
        """Of a commit's userMetadata; None if it has none, or somebody else's."""
        try:
            told = json.loads(metadata or "null")
            ranges = [_from_json(told["offsets"]), _from_json(told.get("doubtful", {}))]
            return cls(told["topic"], told["topic_id"], told["generation"], told["batch_id"], *ranges)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass(frozen=True)
class Ledger:
    """`last` is the newest commit to `batch_audit`, None on an empty lake.

    `doubtful`: partition → [start, end) beyond the ledger's end that other tables, and Kafka, may hold already.
    `unlisted`: the newest commit to another table, where `batch_audit` lists none; `is_lost`: it did once, as the
    others have more than attempts at a first batch.
    """

    last: Commit | None = None
    doubtful: Ranges = field(default_factory=dict)
    unlisted: Commit | None = None
    is_lost: bool = False

    @classmethod
    def of(cls, topic_id: str, last: Commit | None, others: list[Commit]) -> Ledger:
        """From the newest commit to `batch_audit` and the newest ones to the other tables."""
        is_of_topic = last is not None and last.topic_id == topic_id
        ends = last.ends if last and is_of_topic else {}
        told = [commit.offsets for commit in others if commit.topic_id == topic_id]
        told += [last.doubtful] if last and is_of_topic else []
        doubtful: dict[int, tuple[int, int]] = {}
        for partition, (start, end) in (item for ranges in told for item in ranges.items()):
            begin = ends.get(partition, min(start, doubtful.get(partition, (start,))[0]))
            if end > begin:
                doubtful[partition] = (begin, max(end, doubtful.get(partition, (0, 0))[1]))
        if last or not others:
            return cls(last, doubtful)
        unlisted = max(others, key=lambda each: each.batch_id or 0)
        return cls(None, doubtful, unlisted, any(not each.is_attempt_like(unlisted) for each in others))

    @property
    def ends(self) -> dict[int, int]:
        """Partition → the offset at which the next batch begins."""
        return self.last.ends if self.last else {}

    def lists(self, batch: Batch) -> bool:
        """Whether the batch is done already: the newest of the ledger, over the same offsets.

        Raises ConfigurationError where it is not, and does not continue the ledger either.
        """
        last, ends = self.last, self.ends
        if last and (last.generation, last.batch_id) == (batch.generation, batch.batch_id):
            if dict(last.offsets) == batch.offsets:
                return True
            raise checkpoint_mismatch(
                f"batch {batch.batch_id} would take {spans(batch.offsets)}, "
                f"but the tables hold it as {spans(last.offsets)}"
            )
        differing = {p: s for p, (s, _) in batch.offsets.items() if ends.get(p, s) != s}
        if differing:
            raise checkpoint_mismatch(
                f"batch {batch.batch_id} would begin at {places(differing)}, "
                f"but the tables end at {places({p: ends[p] for p in differing})}"
            )
        return False

    def doubt_about(self, batch: Batch) -> dict[int, tuple[int, int]]:
        """The part of the batch that tables or Kafka may hold already."""
        within = {p: (max(s, batch.offsets[p][0]), min(e, batch.offsets[p][1]))
                  for p, (s, e) in self.doubtful.items() if p in batch.offsets}  # fmt: skip
        return {p: (s, e) for p, (s, e) in within.items() if s < e}

    def entry(self, batch: Batch, topic: str) -> Commit:
        """What `batch_audit` is told once the batch is everywhere."""
        return Commit.of(batch, topic, self.doubt_beyond({p: end for p, (_, end) in batch.offsets.items()}))

    def after(self, batch: Batch, topic: str) -> Ledger:
        """The ledger then."""
        entry = self.entry(batch, topic)
        return Ledger(entry, entry.doubtful)

    def doubt_beyond(self, ends: Mapping[int, int]) -> dict[int, tuple[int, int]]:
        """What stays in doubt once the tables end there."""
        beyond = {p: (max(s, ends.get(p, s)), e) for p, (s, e) in self.doubtful.items()}
        return {p: (s, e) for p, (s, e) in beyond.items() if s < e}


def _as_json(ranges: Ranges) -> dict[str, list[int]]:
    return {str(partition): list(span) for partition, span in sorted(ranges.items())}


def _from_json(told: Mapping[str, list[int]]) -> dict[int, tuple[int, int]]:
    return {int(partition): (int(start), int(end)) for partition, (start, end) in told.items()}


def checkpoint_mismatch(what: str) -> ConfigurationError:
    """The checkpoint and the tables tell different stories."""
    return ConfigurationError(
        f"The checkpoint does not fit the tables: {what}. Is LAKE_URI this checkpoint's lake, or was one of them "
        "restored or damaged? If the lake is right, move the checkpoint's folder away and start again: a new "
        "checkpoint continues where the tables end, nothing is lost or doubled. Nothing was written."
    )


def spans(offsets: Ranges, at_most: int = 6) -> str:
    """Ranges for people: “0: 5 to 9, 1: none”."""
    texts = {p: f"{s:,} to {e - 1:,}" if s < e else f"none from {s:,}" for p, (s, e) in offsets.items()}
    return _listed(texts, at_most)


def places(offsets: Mapping[int, int], at_most: int = 6) -> str:
    """Offsets for people: “partition 0: 5, partition 1: 7”."""
    return _listed({p: f"{offset:,}" for p, offset in offsets.items()}, at_most)


def _listed(texts: Mapping[int, str], at_most: int) -> str:
    listed = [f"partition {p}: {text}" for p, text in sorted(texts.items())]
    more = [f"{len(listed) - at_most} more partitions"] if len(listed) > at_most else []
    return ", ".join(listed[:at_most] + more) or "nothing"
