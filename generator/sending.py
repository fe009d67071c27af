"""Sending: one record after another at the asked-for pace, until enough or told to stop."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from generator.clock import Clock
from generator.manifest import Receipts
from generator.progress import Progress
from generator.records import Record
from generator.settings import Settings
from generator.sinks import Sink
from pipelines.cli import RunFailed

_HOUSEKEEPING_SECONDS = 0.25
_NAP_SECONDS = 0.1
_BRIEF_NAP_SECONDS = 0.002
# After a hold-up the pace is caught up with for this many seconds' worth of records, not more.
_MAX_CATCH_UP_SECONDS = 1.0


class StopRequest:
    """Set by SIGTERM or the first Ctrl-C. The second Ctrl-C raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True

    def __enter__(self) -> StopRequest:
        signals = (signal.SIGTERM, signal.SIGINT)
        self._before = {number: signal.signal(number, self._handle) for number in signals}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


class Pace:
    """Spreads records evenly over time at `rate` per second; 0 is no limit."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._clock = clock
        self._due = clock.monotonic()

    def wait_seconds(self) -> float:
        """How long until the next record is due; 0 takes it."""
        if not self._interval:
            return 0.0
        now = self._clock.monotonic()
        if now < self._due:
            return self._due - now
        self._due = max(self._due, now - _MAX_CATCH_UP_SECONDS) + self._interval
        return 0.0


class Sending:
    """The loop of a run. `ended_by` says why it ended, `problem` what went wrong, if anything."""

    def __init__(self, settings: Settings, clock: Clock, sink: Sink, receipts: Receipts, progress: Progress) -> None:
        self._settings = settings
        self._clock = clock
        self._sink = sink
        self._receipts = receipts
        self._progress = progress
        self._tidied = clock.monotonic()
        self.ended_by = ""
        self.problem: str | None = None

    def run(self, records: Iterator[Record], stop: StopRequest) -> None:
        """Send until a limit is reached, then wait until every record is acknowledged or has failed.

        Raises RunFailed if the manifest cannot be written.
        """
        try:
            self.ended_by = self._send(records, stop)
            self._sink.flush()
        except BrokenPipeError:
            self.ended_by = "closed pipe"
            return
        except RunFailed as error:
            self.ended_by, self.problem = "failure", error.message
        if self._receipts.in_flight and stop.requested:
            self._progress.say(f"stopping: waiting for {self._receipts.in_flight:,} acknowledgements")
        self._await_acknowledgements()

    def _send(self, records: Iterator[Record], stop: StopRequest) -> str:
        receipts, sink, clock = self._receipts, self._sink, self._clock
        pace = Pace(self._settings.rate, clock)
        count = self._settings.count or sys.maxsize
        duration = self._settings.duration_seconds
        deadline = clock.monotonic() + duration if duration else float("inf")
        while receipts.sent < count:
            now = clock.monotonic()
            wait = _BRIEF_NAP_SECONDS if receipts.in_flight >= sink.max_in_flight else pace.wait_seconds()
            if wait or now - self._tidied >= _HOUSEKEEPING_SECONDS:
                self._tidy(now)
            if stop.requested:
                return "stopped"
            if now >= deadline:
                return "duration"
            if wait:
                clock.sleep(min(wait, _NAP_SECONDS))
                continue
            record = next(records, None)
            if record is None:
                return "end of the window"
            sink.send(record)
        return "count"

    def _await_acknowledgements(self) -> None:
        receipts, clock = self._receipts, self._clock
        deadline = clock.monotonic() + self._sink.patience_seconds
        while receipts.in_flight and clock.monotonic() < deadline:
            clock.sleep(_BRIEF_NAP_SECONDS)
            if clock.monotonic() - self._tidied >= _HOUSEKEEPING_SECONDS:
                self._tidy(clock.monotonic())

    def _tidy(self, now: float) -> None:
        self._tidied = now
        self._sink.flush()
        self._receipts.flush()
        self._progress.update()
