"""Time as an object: what now is, and when each event is said to have happened.

Times are integer milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from typing import Protocol

import numpy as np

from generator.chance import Bits, Int
from generator.profiles import Profile

# What a client takes to send an event, at most, and the part of it that is the same for all.
_BATCHING_MS, _NETWORK_MS = 400, 5


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


@dataclass(frozen=True)
class Moments:
    """The records that are to be given times: their places in the run, the shop's time in ms, and their visits."""

    place: Int
    at: Int
    visit: Int
    chance: Bits


class Timeline(Protocol):
    """When the events happened. Times never fall within a visit."""

    def times(self, moments: Moments) -> tuple[Int, int | None]:
        """(event_time of each, sent_at of all or None); fewer than asked for where the timeline is over."""


class LiveTimeline:
    """Events happen now, and are sent some tens to hundreds of milliseconds later, as clients batch them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def times(self, moments: Moments) -> tuple[Int, int | None]:
        """A moment ago, by the visit, and now."""
        now = self._clock.now_ms()
        return now - _NETWORK_MS - moments.visit * 2_654_435_761 % 2**32 * _BATCHING_MS // 2**32, now


class PastTimeline:
    """Events happen from `start_ms` on with the shop's own gaps, `faster` times shortened, until `end_ms` or now."""

    def __init__(self, clock: Clock, start_ms: int, end_ms: int | None, faster: float) -> None:
        self._clock = clock
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._faster = faster

    def times(self, moments: Moments) -> tuple[Int, int | None]:
        """The start plus the shop's time. No sent_at: it would make the past look like a slow clock."""
        event_ms = self._start_ms + (moments.at / self._faster).astype(np.int64)
        end_ms = self._end_ms if self._end_ms is not None else self._clock.now_ms()
        over = event_ms > end_ms
        return event_ms[: int(over.argmax())] if over.any() else event_ms, None


class WindowTimeline:
    """`count` events spread over [start_ms, end_ms] by the profile: number i falls into the i-th of equal parts."""

    def __init__(self, profile: Profile, start_ms: int, end_ms: int, count: int) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._count = count
        hours = [start_ms, *range(start_ms // 3_600_000 * 3_600_000 + 3_600_000, end_ms, 3_600_000), end_ms]
        weights = [profile.intensity(begin / 1000) * (end - begin) for begin, end in pairwise(hours)]
        self._ms = np.array(hours, np.float64) - start_ms
        self._share = np.concatenate([[0.0], np.cumsum(weights) / sum(weights)])

    def times(self, moments: Moments) -> tuple[Int, int | None]:
        """A moment in the part; no sent_at, as in every simulated past."""
        share = (moments.place + (moments.chance >> np.uint64(32)).astype(np.float64) / 2**32) / self._count
        ms = self._start_ms + np.interp(share, self._share, self._ms).astype(np.int64)
        return np.minimum(ms, self._end_ms), None


def rfc3339(epoch_ms: int) -> str:
    """The time in UTC with milliseconds: ``2026-06-01T12:00:00.123Z``."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
