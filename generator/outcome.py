"""What came of a run, or of a worker's part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.clock import rfc3339
from generator.settings import Settings


@dataclass
class Outcome:
    """Counts of records, why the run ended, and what went wrong, if anything."""

    ended_by: str
    sent: int = 0
    acknowledged: int = 0
    failed: int = 0
    error: str | None = None
    first_event_ms: int | None = None
    last_event_ms: int | None = None
    faults: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)

    def summary(self, settings: Settings, seconds: float, resumed: int) -> dict[str, Any]:
        """What the program prints; `resumed` records were delivered by an earlier part of the run."""

        def moment(epoch_ms: int | None) -> str | None:
            return None if epoch_ms is None else rfc3339(epoch_ms)

        return {
            "sink": settings.sink,
            "topic": settings.raw_topic if settings.sink == "kafka" else None,
            "output": str(settings.output) if settings.output else None,
            "ended_by": self.ended_by,
            "sent": self.sent,
            "acknowledged": self.acknowledged,
            "failed": self.failed,
            "unknown": self.sent - self.acknowledged - self.failed,
            "passed_over": resumed,
            "error": self.error,
            "seconds": round(seconds, 3),
            "rate_per_second": round(self.sent / seconds, 1) if seconds else None,
            "profile": settings.profile,
            "seed": settings.seed,
            "workers": settings.workers,
            "tag": settings.tag,
            "start_time": moment(settings.time.start_ms),
            "end_time": moment(settings.time.end_ms),
            "first_event_time": moment(self.first_event_ms),
            "last_event_time": moment(self.last_event_ms),
            "faults": dict(sorted(self.faults.items())),
            "events": dict(self.events.most_common()),
            "manifest": str(settings.manifest) if settings.manifest else None,
        }


# What says most about why a run ended comes first.
_REASONS = ("failure", "closed pipe", "stopped", "duration", "end of the window", "count")


def together(parts: Sequence[Outcome]) -> Outcome:
    """The outcome of all workers."""
    firsts = [part.first_event_ms for part in parts if part.first_event_ms is not None]
    lasts = [part.last_event_ms for part in parts if part.last_event_ms is not None]
    return Outcome(
        ended_by=min((part.ended_by for part in parts), key=_REASONS.index),
        sent=sum(part.sent for part in parts),
        acknowledged=sum(part.acknowledged for part in parts),
        failed=sum(part.failed for part in parts),
        error=next((part.error for part in parts if part.error), None),
        first_event_ms=min(firsts, default=None),
        last_event_ms=max(lasts, default=None),
        faults=sum((part.faults for part in parts), Counter()),
        events=sum((part.events for part in parts), Counter()),
    )
