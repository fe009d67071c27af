"""Watching an owner.json: how long it stood still, on this process's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def _seconds_since_boot() -> float:
    """A clock that goes on while the machine sleeps, as everybody else's does (time.monotonic stands still then)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class Timing:
    """How long things take, in seconds, and whose clock it is."""

    heartbeat_seconds: float = 2.0
    expiry_seconds: float = 8.0
    look_seconds: float = 0.25
    settle_seconds: float = 0.5
    clock: Callable[[], float] = _seconds_since_boot
    sleep: Callable[[float], None] = time.sleep


class Watch:
    """What was seen of one owner.json, look by look.

    Time counts only while one looks: after a gap (the store hung, this machine slept) it begins anew, since the same
    may have held up the owner, which is given the time for its next heartbeat.
    """

    def __init__(self, timing: Timing) -> None:
        """Nothing was seen yet."""
        self._timing = timing
        self._first_tag = ""
        self._still_since = 0.0
        self._answered_at = 0.0
        self.has_changed = False
        self.is_expired = False

    def saw(self, tag: str, asked_at: float) -> None:
        """The store, asked at this time, has now answered with this tag."""
        answered_at = self._timing.clock()
        if not self._first_tag or answered_at - self._answered_at > self._timing.expiry_seconds / 2:
            self._still_since = answered_at
        self._answered_at = answered_at
        self._first_tag = self._first_tag or tag
        self.has_changed = tag != self._first_tag
        self.is_expired = asked_at - self._still_since >= self._timing.expiry_seconds
