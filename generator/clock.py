"""Time as an object: what now is, and when each event is said to have happened.

Times are integer milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from random import Random
from typing import Protocol

from generator.sessions import Session


class Clock(Protocol):
    """What the generator asks of time."""

    def now_ms(self) -> int:
        """The wall clock."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """The wall clock."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Timeline(Protocol):
    """When the events happened. Times never fall within a session."""

    def times(self, index: int, at: float, session: Session) -> tuple[int, int | None] | None:
        """(event_time, sent_at or None) of a step, or None when the timeline is over.

        `index` is the record's position in the run, `at` its simulated seconds since the start.
        """


class LiveTimeline:
    """Events happen now, and are sent some tens to hundreds of milliseconds later, as clients batch them."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng

    def times(self, index: int, at: float, session: Session) -> tuple[int, int | None] | None:
        """A moment ago, and now."""
        now = self._clock.now_ms()
        event_ms = max(session.last_event_ms, now - 5 - int(self._rng.expovariate(1 / 150)))
        session.last_event_ms = event_ms
        return event_ms, max(now, event_ms)


class PastTimeline:
    """Events happen from `start_ms` on with the shop's own gaps, until `end_ms`, or now where it is None."""

    def __init__(self, clock: Clock, start_ms: int, end_ms: int | None) -> None:
        self._clock = clock
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._known_past_ms = start_ms

    def times(self, index: int, at: float, session: Session) -> tuple[int, int | None] | None:
        """The start plus `at`. No sent_at: it would make the past look like a slow clock."""
        event_ms = self._start_ms + int(at * 1000)
        if self._end_ms is not None:
            return None if event_ms > self._end_ms else (event_ms, None)
        if event_ms > self._known_past_ms:
            self._known_past_ms = self._clock.now_ms()
            if event_ms > self._known_past_ms:
                return None
        return event_ms, None


class WindowTimeline:
    """`count` events spread over [start_ms, end_ms]: number i falls into the i-th of equal slots."""

    def __init__(self, rng: Random, start_ms: int, end_ms: int, count: int) -> None:
        self._rng = rng
        self._start_ms = start_ms
        self._slot_ms = (end_ms - start_ms) / count
        self._end_ms = end_ms

    def times(self, index: int, at: float, session: Session) -> tuple[int, int | None] | None:
        """A moment in the slot; no sent_at, as in every simulated past."""
        return min(self._end_ms, self._start_ms + int((index + self._rng.random()) * self._slot_ms)), None


@lru_cache(maxsize=4096)
def _second(epoch_seconds: int, offset_minutes: int) -> tuple[str, str]:
    zone = timezone(timedelta(minutes=offset_minutes))
    text = datetime.fromtimestamp(epoch_seconds, zone).isoformat()
    return text[:19], text[19:] if offset_minutes else "Z"


def rfc3339(epoch_ms: int, offset_minutes: int = 0) -> str:
    """The time with milliseconds, in the given zone: ``2026-06-01T12:00:00.123Z`` or ``…+02:00``."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    head, zone = _second(seconds, offset_minutes)
    return f"{head}.{milliseconds:03d}{zone}"
