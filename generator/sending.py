"""Sending: one record after another at the asked-for pace, until enough or told to stop."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Protocol

from generator.clock import Clock
from generator.manifest import Receipts
from generator.outcome import Outcome
from generator.profiles import PROFILES, Profile
from generator.records import Record
from generator.resuming import Delivered
from generator.settings import Settings
from generator.sinks import Sink
from pipelines.cli import RunFailed

_HOUSEKEEPING_SECONDS = 0.25
_SLICE = 512
# A broker that is gone for good acknowledges nothing more.
_PATIENCE_AFTER_FAILURE_SECONDS = 10.0
_NAP_SECONDS = 0.1
_BRIEF_NAP_SECONDS = 0.002
# After a hold-up the pace is caught up with for this many seconds' worth of records, not more.
_MAX_CATCH_UP_SECONDS = 1.0


class Reporter(Protocol):
    """Who is told how the run goes."""

    def say(self, text: str) -> None:
        """One line for a person."""

    def update(self) -> None:
        """Look at the counts, if it is time to."""


class Stream(Protocol):
    """Records in their order, or a share of them: see `records.Records`."""

    place: int
    first_event_ms: int | None
    last_event_ms: int | None

    def take(self, count: int) -> tuple[int, list[Record]]:
        """(number of the next records, those of them that are in our share)."""


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
    """Spreads records over time: `rate` per second on average, more or less as the profile has it; 0 is no limit."""

    def __init__(self, rate: float, profile: Profile, clock: Clock) -> None:
        self._rate = rate
        self._profile = profile
        self._clock = clock
        self._credit = 1.0
        self._seen = clock.monotonic()

    def due(self) -> int:
        """How many records may be sent now."""
        if not self._rate:
            return _SLICE
        now = self._clock.monotonic()
        self._credit += (now - self._seen) * self._rate_now()
        self._credit = min(self._credit, 1 + _MAX_CATCH_UP_SECONDS * self._rate_now())
        self._seen = now
        return min(_SLICE, int(self._credit))

    def spent(self, records: int) -> None:
        """So many were sent."""
        self._credit -= records if self._rate else 0

    def wait_seconds(self) -> float:
        """How long until the next record is due."""
        return max(_BRIEF_NAP_SECONDS, (1 - self._credit) / self._rate_now()) if self._rate else 0.0

    def _rate_now(self) -> float:
        return self._rate * (1.0 if self._profile.is_flat else self._profile.intensity(self._clock.now_ms() / 1000))


class Sending:
    """The loop of a run, or of a worker's part of it."""

    def __init__(
        self, settings: Settings, clock: Clock, sink: Sink, receipts: Receipts, progress: Reporter, delivered: Delivered
    ) -> None:  # fmt: skip
        """`delivered`: records that an earlier part of the run has sent are passed over."""
        self._delivered = delivered
        self._settings = settings
        self._clock = clock
        self._sink = sink
        self._receipts = receipts
        self._progress = progress
        self._tidied = clock.monotonic()

    def run(self, records: Stream, stop: StopRequest) -> Outcome:
        """Send until a limit is reached, then wait until every record is acknowledged or has failed.

        Raises RunFailed if the manifest cannot be written.
        """
        receipts, problem, patience = self._receipts, None, self._sink.patience_seconds
        try:
            ended_by = self._send(records, stop)
            self._sink.flush()
        except BrokenPipeError:
            ended_by, patience = "closed pipe", 0.0
        except RunFailed as error:
            ended_by, problem, patience = "failure", error.message, min(patience, _PATIENCE_AFTER_FAILURE_SECONDS)
        if receipts.in_flight and stop.requested:
            self._progress.say(f"stopping: waiting for {receipts.in_flight:,} acknowledgements")
        self._await_acknowledgements(patience)
        return Outcome(
            ended_by, receipts.sent, receipts.acknowledged, receipts.failed, problem or receipts.first_error,
            records.first_event_ms, records.last_event_ms, receipts.faults, receipts.events,
        )  # fmt: skip

    def _send(self, records: Stream, stop: StopRequest) -> str:
        receipts, sink, clock, settings = self._receipts, self._sink, self._clock, self._settings
        if not self._pass_over(records, stop):
            return "stopped"
        # A simulated past has its rush hours in its own time.
        is_live = settings.time.start_ms is None
        pace = Pace(settings.pace, PROFILES[settings.profile if is_live else "steady"], clock)
        count = settings.count or sys.maxsize
        deadline = clock.monotonic() + (settings.time_limit_seconds or float("inf"))
        while records.place < count:
            now = clock.monotonic()
            has_room = receipts.in_flight < sink.max_in_flight
            due = min(pace.due(), count - records.place) if has_room else 0
            if not due or now - self._tidied >= _HOUSEKEEPING_SECONDS:
                self._tidy(now)
            if stop.requested:
                return "stopped"
            if now >= deadline:
                return "duration"
            if not due:
                clock.sleep(min(pace.wait_seconds() if has_room else _BRIEF_NAP_SECONDS, _NAP_SECONDS))
                continue
            taken, written = records.take(due)
            if not taken:
                return "end of the window"
            pace.spent(taken)
            sink.send(self._delivered.missing(written))
        return "count"

    def _pass_over(self, records: Stream, stop: StopRequest) -> bool:
        """Get to the first record that was not delivered; False if a stop came first."""
        while records.place < self._delivered.first_missing:
            taken, _ = records.take(min(_SLICE, self._delivered.first_missing - records.place))
            if stop.requested or not taken:
                return not stop.requested
        return True

    def _await_acknowledgements(self, seconds: float) -> None:
        receipts, clock = self._receipts, self._clock
        deadline = clock.monotonic() + seconds
        while receipts.in_flight and clock.monotonic() < deadline:
            clock.sleep(_BRIEF_NAP_SECONDS)
            if clock.monotonic() - self._tidied >= _HOUSEKEEPING_SECONDS:
                self._tidy(clock.monotonic())

    def _tidy(self, now: float) -> None:
        self._tidied = now
        self._sink.flush()
        self._receipts.flush()
        self._progress.update()
