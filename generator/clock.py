"""Time as an object: what now is, and when each event is said to have happened.

Times are integer milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import datetime, timezone
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from generator.chance import Int
from generator.profiles import Profile

if TYPE_CHECKING:
    from generator.blocks import Block

# Fewer would leave the first visitors' hours empty, more would bend the gaps.
_FIXED_EVERY = 1024
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


class Timeline(Protocol):
    """When the events happened. Times never fall within a visit."""

    def times(self, block: Block, rows: Int) -> tuple[Int, int | None]:
        """(event_time of each, sent_at of all or None) of records of a block; fewer where the timeline is over."""

    def date(self, place: int, at_ms: int) -> int | None:
        """The date (ms since 1970) at a time of the shop, after that many records; None if it has none."""


class LiveTimeline:
    """Events happen now, and are sent some tens to hundreds of milliseconds later, as clients batch them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def times(self, block: Block, rows: Int) -> tuple[Int, int | None]:
        """A moment ago, by the visit, and now."""
        now = self._clock.now_ms()
        return now - _NETWORK_MS - block.visits(rows) * 2_654_435_761 % 2**32 * _BATCHING_MS // 2**32, now

    def date(self, place: int, at_ms: int) -> int | None:
        """None: the same seed shall give the same events whenever it is."""
        return None


class PastTimeline:
    """Events happen from `start_ms` on with the shop's own gaps, `faster` times shortened, until `end_ms` or now."""

    def __init__(self, clock: Clock, start_ms: int, end_ms: int | None, faster: float) -> None:
        self._clock = clock
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._faster = faster

    def times(self, block: Block, rows: Int) -> tuple[Int, int | None]:
        """The start plus the shop's time. No sent_at: it would make the past look like a slow clock."""
        event_ms = self._start_ms + (block.at(rows) / self._faster).astype(np.int64)
        end_ms = self._end_ms if self._end_ms is not None else self._clock.now_ms()
        over = event_ms > end_ms
        return event_ms[: int(over.argmax())] if over.any() else event_ms, None

    def date(self, place: int, at_ms: int) -> int | None:
        """By the shop's time."""
        return self._start_ms + int(at_ms / self._faster)


class WindowTimeline:
    """`count` events from `start_ms` to `end_ms`, distributed as the profile has it.

    Every so many records, one gets the time that its place has by the profile. Between them the gaps of the shop
    remain, stretched a little. All in whole numbers, so that no processor rounds differently.
    """

    def __init__(self, profile: Profile, start_ms: int, end_ms: int, count: int) -> None:
        self._end_ms = end_ms
        self._count = count
        full_hours = range(start_ms // 3_600_000 * 3_600_000 + 3_600_000, end_ms, 3_600_000)
        self._hours: list[int] = [start_ms, *full_hours, end_ms]
        weights = [profile.intensity(begin / 1000) * (end - begin) for begin, end in pairwise(self._hours)]
        # Added one by one: since 3.12 Python's own sum() rounds otherwise, and the same seed would give other times.
        sums = list(accumulate(weights))
        self._shares: list[float] = [0.0, *(sum_ / sums[-1] for sum_ in sums)]
        self._block: Block | None = None
        self._fixed: tuple[Int, Int] = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def times(self, block: Block, rows: Int) -> tuple[Int, int | None]:
        """By the shop's time. No sent_at, as in every simulated past."""
        if block is not self._block:
            self._block, self._fixed = block, self._fix(block)
        shop_ms, event_ms = self._fixed
        at = np.clip(block.at(rows), shop_ms[0], shop_ms[-1])
        after = np.clip(np.searchsorted(shop_ms, at, side="right"), 1, len(shop_ms) - 1)
        begin, end = event_ms[after - 1], event_ms[after]
        past, whole = at - shop_ms[after - 1], np.maximum(1, shop_ms[after] - shop_ms[after - 1])
        return begin + past * (end - begin) // whole, None

    def date(self, place: int, at_ms: int) -> int:
        """By the share of the count that is done."""
        share = min(1.0, place / self._count)
        hour = min(bisect_right(self._shares, share), len(self._hours) - 1)
        begin, end = self._hours[hour - 1], self._hours[hour]
        done: float = (share - self._shares[hour - 1]) / (self._shares[hour] - self._shares[hour - 1])
        return begin + round(done * (end - begin))

    def _fix(self, block: Block) -> tuple[Int, Int]:
        """Times of the shop, and the event times that they stand for."""
        wanted = max(1, min(len(block), self._count - block.first_place))
        rows = [*range(0, wanted, _FIXED_EVERY), wanted - 1]
        shop_ms = np.maximum.accumulate(block.at(np.array(rows)))
        dates = [self.date(block.first_place + row, 0) for row in rows[:-1]]
        return shop_ms, np.array([*dates, self.date(block.first_place + wanted, 0)], np.int64)


def rfc3339(epoch_ms: int) -> str:
    """The time in UTC with milliseconds: ``2026-06-01T12:00:00.123Z``."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
