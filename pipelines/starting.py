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

    Raises StoppedByPolicy where Kafka ends before what is processed, be it in part: then nothing can go on in this
    topic. Raises ConfigurationError where the ledger itself was lost.
    """
    last, unlisted = ledger.last, ledger.unlisted
    if unlisted is not None and ledger.is_lost:
        raise ConfigurationError(
            f"The table batch_audit lists nothing of {unlisted.topic}, but other tables have more of it than a first "
            "batch: without it nobody knows where they end, and going on would double their rows. Restore it (all four "
            "tables to one moment), or name a fresh LAKE_URI and CHECKPOINT_URI."
        )
    if last is not None and last.topic_id != topic_id:
        return _recreated(last, last.ends)
    if unlisted is not None and unlisted.topic_id != topic_id:
        return _recreated(unlisted, unlisted.starts)
    needed = ledger.ends or (state.starts if state else {}) or (unlisted.starts if unlisted else {})
    # All partitions of that time are named: others are younger, and begin at 0.
    needed = {**dict.fromkeys(kafka, 0), **needed} if needed else {}
    held = {p: max(end, ledger.doubtful.get(p, (0, 0))[1]) for p, end in needed.items()}
    short = {p: (kafka[p][1], end) for p, end in held.items() if p in kafka and kafka[p][1] < end}
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


def _recreated(commit: Commit, ends: Mapping[int, int]) -> Gap:
    reason = f"the topic {commit.topic} was deleted and created again"
    return Gap(commit.topic_id, {p: (end, None) for p, end in ends.items()}, reason)


def gap_stop(gap: Gap) -> StoppedByPolicy:
    """The line about a gap."""
    return StoppedByPolicy(
        f"Data loss: {gap}. Nothing was written. See docs/operations.md, “Data loss”; --accept-data-loss notes the gap "
        "in batch_audit and goes on with what Kafka has."
    )


def after(gap: Gap, ledger: Ledger, topic: str, topic_id: str, kafka: Ranges) -> Commit:
    """Where the tables end once the gap is given up; a commit without a batch."""
    is_same = gap.topic_id == topic_id
    ends = ledger.ends if is_same else {}
    generation = ledger.last.generation if ledger.last else ""
    begun = {p: max(first, ends.get(p, first)) for p, (first, _) in kafka.items()}
    doubtful = ledger.doubt_beyond(begun) if is_same else {}
    return Commit(topic, topic_id, generation, None, {p: (place, place) for p, place in begun.items()}, doubtful)


def as_spark(offsets: Mapping[int, int], topic: str, kafka: Ranges) -> str:
    """startingOffsets for Spark's Kafka source: every partition must be named, unknown ones begin at Kafka's first."""
    return json.dumps({topic: {str(p): offsets.get(p, EARLIEST) for p in sorted(kafka)}}) if offsets else "earliest"


def decide(ledger: Ledger, state: CheckpointState | None, kafka: Ranges) -> dict[int, int]:
    """Where a new checkpoint begins: partition → offset; empty for Kafka's beginning, or if there is a checkpoint.

    To be asked once there is no gap. Raises ConfigurationError where checkpoint and tables contradict each other.
    """
    if state is None or (state.planned is None and not state.starts and ledger.last is not None):
        return {p: end for p, end in ledger.ends.items() if p in kafka}
    last = ledger.last
    # The newest planned batch comes again unless it is committed; it may be in the tables already.
    listed = last is not None and (last.generation, last.batch_id, last.ends) == (
        state.generation, state.planned, state.ends
    )  # fmt: skip
    is_done = state.planned is not None and (state.committed == state.planned or listed)
    if not is_done and (short := {p: end for p, end in state.ends.items() if p in kafka and kafka[p][1] < end}):
        raise ConfigurationError(
            f"The checkpoint plans batch {state.planned} up to {places(short)}, but Kafka ends at "
            f"{places({p: kafka[p][1] for p in short})}: was the topic made anew, or its log cut back? Nothing of that "
            "batch was written. Move the checkpoint's folder away and start again: a new one begins where the tables "
            "end."
        )
    if last is None:
        if state.committed is not None:
            raise ConfigurationError(
                "The checkpoint has finished batches, but the tables know of none: is LAKE_URI this checkpoint's lake? "
                "For a fresh lake name another CHECKPOINT_URI; then all that Kafka still has is read."
            )
        return {}
    following = state.ends if is_done else state.starts
    differing = sorted(p for p, end in ledger.ends.items() if following.get(p, end) != end)
    if differing:
        raise checkpoint_mismatch(
            f"it goes on at {places({p: following[p] for p in differing})}, "
            f"they end at {places({p: ledger.ends[p] for p in differing})}"
        )
    return {}
