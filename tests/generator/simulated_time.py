"""A now that the tests hold."""

from __future__ import annotations

from datetime import datetime, timezone

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
NOW_MS = int(NOW.timestamp() * 1000)


class FakeClock:
    """A clock that moves on by a millisecond whenever it is read, and by whatever is slept."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self._start_ms = self._now_ms = now_ms

    def now_ms(self) -> int:
        self._now_ms += 1
        return self._now_ms

    def monotonic(self) -> float:
        return (self.now_ms() - self._start_ms) / 1000

    def sleep(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)
