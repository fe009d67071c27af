"""Where the stream begins, decided from three witnesses: the checkpoint, the tables' ledger, and Kafka itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.checkpoint import CheckpointState
from pipelines.cli import ConfigurationError, StoppedByPolicy
from pipelines.ledger import Commit, Ledger, Ranges, checkpoint_mismatch, places

EARLIEST = -2  # Spark's word for it in startingOffsets


@dataclass(frozen=True)
class Gap:
    """Raw records that were never processed and cannot be any more.

    `lost`: partition → [start, end), the end None where nobody knows it: the topic `topic_id` is no more.
    """

    topic_id: str
    lost: Mapping[int, tuple[int, int | None]]
    reason: str

    def __str__(self) -> str:
        if any(end is None for _, end in self.lost.values()):
            return (
                f"{self.reason}; the tables have the old one up to {places({p: s for p, (s, _) in self.lost.items()})}"
            )
        count = sum((end or 0) - start for start, end in self.lost.values())
        listed = {p: f"{start:,} to {(end or 0) - 1:,}" for p, (start, end) in sorted(self.lost.items())}
        shown = ", ".join(f"partition {p}: {span}" for p, span in list(listed.items())[:12])
        more = f", and {len(listed) - 12} more partitions" if len(listed) > 12 else ""
        return f"{self.reason}: {count:,} offsets ({shown}{more})"


def find_gap(ledger: Ledger, state: CheckpointState | None, topic_id: str, kafka: Ranges) -> Gap | None:
    """What was lost between what is processed and what Kafka still has (`kafka`: partition → [first, next)).

    Raises StoppedByPolicy where Kafka ends before what is processed: then nothing can go on in this topic.
    """
    last = ledger.last
    if last is not None and last.topic_id != topic_id:
        reason = f"the topic {last.topic} was deleted and created again"
        return Gap(last.topic_id, {p: (end, None) for p, end in last.ends.items()}, reason)
    needed = ledger.ends or (state.starts if state else {})
    short = {p: (kafka[p][1], needed[p]) for p in needed if p in kafka and kafka[p][1] < needed[p]}
    if short or set(needed) - set(kafka):
        raise StoppedByPolicy(
            "Kafka ends before what was processed: "
            + ", ".join(f"partition {p} at {end:,} of {want:,}" for p, (end, want) in sorted(short.items())[:12])
            + ("; partitions are missing" if set(needed) - set(kafka) else "")
            + ". Is it the right broker? If its log was cut back, delete and re-create the topic (make topics) and "
            "start with --accept-data-loss: in this one, offsets would repeat that the tables have."
        )
    lost = {p: (needed[p], kafka[p][0]) for p in needed if kafka[p][0] > needed[p]}
    return Gap(topic_id, lost, "Kafka deleted records before they were processed") if lost else None


def gap_stop(gap: Gap) -> StoppedByPolicy:
    """The line about a gap."""
    return StoppedByPolicy(
        f"Data loss: {gap}. Nothing was written. See docs/operations.md, “Data loss”; --accept-data-loss notes the gap "
        "in batch_audit and goes on with what Kafka has."
    )


def after(gap: Gap, ledger: Ledger, topic: str, topic_id: str, kafka: Ranges) -> Commit:
    """Where the tables end once the gap is given up; a commit without a batch."""
    ends = ledger.ends if gap.topic_id == topic_id else {}
    generation = ledger.last.generation if ledger.last else ""
    begun = {p: max(first, ends.get(p, first)) for p, (first, _) in kafka.items()}
    return Commit(topic, topic_id, generation, None, {p: (place, place) for p, place in begun.items()})


def as_spark(offsets: Mapping[int, int], topic: str, kafka: Ranges) -> str:
    """startingOffsets for Spark's Kafka source: every partition must be named, unknown ones begin at Kafka's first."""
    return json.dumps({topic: {str(p): offsets.get(p, EARLIEST) for p in sorted(kafka)}}) if offsets else "earliest"


def decide(ledger: Ledger, state: CheckpointState | None, kafka: Ranges) -> dict[int, int]:
    """Where a new checkpoint begins: partition → offset; empty for Kafka's beginning, or if there is a checkpoint.

    To be asked once there is no gap. Raises ConfigurationError where checkpoint and tables contradict each other.
    """
    if state is None or (state.planned is None and not state.starts and ledger.last is not None):
        return {p: end for p, end in ledger.ends.items() if p in kafka}
    if ledger.last is None:
        if state.committed is not None:
            raise ConfigurationError(
                "The checkpoint has finished batches, but the tables know of none: is LAKE_URI this checkpoint's lake? "
                "For a fresh lake name another CHECKPOINT_URI; then all that Kafka still has is read."
            )
        return {}
    # The newest planned batch comes again unless it is committed; it may be in the tables already.
    last = ledger.last
    listed = (last.generation, last.batch_id) == (state.generation, state.planned) and last.ends == state.ends
    is_done = state.planned is not None and (state.committed == state.planned or listed)
    following = state.ends if is_done else state.starts
    differing = sorted(p for p, end in ledger.ends.items() if following.get(p, end) != end)
    if differing:
        raise checkpoint_mismatch(
            f"it goes on at {places({p: following[p] for p in differing})}, "
            f"they end at {places({p: ledger.ends[p] for p in differing})}"
        )
    return {}
