"""One run: shop → records → sink, paced, stoppable, accounted for."""

from __future__ import annotations

import signal
import sys
from random import Random
from types import FrameType, TracebackType
from typing import Any

from generator.catalog import load_catalog
from generator.clock import Clock, LiveTimeline, PastTimeline, Timeline, WindowTimeline, rfc3339
from generator.manifest import Manifest, Receipts, open_lines
from generator.progress import Progress
from generator.records import Records
from generator.settings import Settings
from generator.shop import Shop
from generator.sinks import Sink, open_sink
from pipelines.cli import RunFailed

_HOUSEKEEPING_SECONDS = 0.25
_NAP_SECONDS = 0.1
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
        self._before = {
            number: signal.signal(number, self._handle) for number in (signal.SIGTERM, signal.SIGINT)
        }
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


def build_records(settings: Settings, clock: Clock) -> Records:
    """The records of a run. Each source of chance has its own seed: faults do not change the good events."""

    def chance(name: str) -> Random:
        return Random(f"{settings.seed}/{name}")  # noqa: S311 — a simulation, repeatable on purpose

    shop = Shop(load_catalog(settings.catalog), chance("shop"), settings.shop_rate, settings.count)
    timeline = _timeline(settings, clock, chance("time"))
    return Records(shop, timeline, settings.faults, chance("ids"), chance("faults"))


def _timeline(settings: Settings, clock: Clock, rng: Random) -> Timeline:
    start_ms, end_ms = settings.time.start_ms, settings.time.end_ms
    if start_ms is None:
        return LiveTimeline(clock, rng)
    if end_ms is not None and settings.count is not None:
        return WindowTimeline(rng, start_ms, end_ms, settings.count)
    return PastTimeline(clock, start_ms, end_ms)


def generate(settings: Settings, clock: Clock) -> dict[str, Any]:
    """Run to the end and return the summary.

    Raises ConfigurationError before anything is sent if the sink or the manifest cannot be opened.
    """
    records = build_records(settings, clock)
    manifest = None
    if settings.manifest:
        manifest = Manifest(open_lines(settings.manifest, "--manifest", settings.append)[0])
    receipts = Receipts(manifest)
    try:
        sink = open_sink(settings, receipts)
    except BaseException:
        if manifest:
            manifest.discard()
        raise
    started = clock.monotonic()
    shares_terminal = settings.sink == "console" and sys.stdout.isatty()
    try:
        with StopRequest() as stop, sink, Progress(receipts, clock, shares_terminal) as progress:
            progress.say(f"seed {settings.seed}, sink {settings.sink}")
            ended_by, problem = _send_all(records, sink, receipts, settings, clock, stop, progress)
    finally:
        if manifest:
            manifest.close()
    seconds = clock.monotonic() - started
    return _summary(settings, records, receipts, seconds, ended_by, problem)


def _send_all(
    records: Records,
    sink: Sink,
    receipts: Receipts,
    settings: Settings,
    clock: Clock,
    stop: StopRequest,
    progress: Progress,
) -> tuple[str, str | None]:
    """(why it ended, what went wrong or None)."""
    try:
        ended_by = _send_until(records, sink, receipts, settings, clock, stop, progress)
        sink.drain()
    except BrokenPipeError:
        return "closed pipe", None
    except RunFailed as error:
        sink.drain()
        return "failure", error.message
    return ended_by, None


def _send_until(
    records: Records,
    sink: Sink,
    receipts: Receipts,
    settings: Settings,
    clock: Clock,
    stop: StopRequest,
    progress: Progress,
) -> str:
    pace = Pace(settings.rate, clock)
    source = iter(records)
    count = settings.count if settings.count is not None else sys.maxsize
    begun = tidied = clock.monotonic()
    deadline = begun + settings.duration_seconds if settings.duration_seconds else float("inf")
    while receipts.sent < count:
        now = clock.monotonic()
        wait = pace.wait_seconds()
        if wait or now - tidied >= _HOUSEKEEPING_SECONDS:
            tidied = now
            sink.flush()
            receipts.flush()
            progress.update()
        if stop.requested:
            return "stopped"
        if now >= deadline:
            return "duration"
        if wait:
            clock.sleep(min(wait, _NAP_SECONDS))
            continue
        record = next(source, None)
        if record is None:
            return "end of the window"
        sink.send(record)
    return "count"


def _summary(
    settings: Settings,
    records: Records,
    receipts: Receipts,
    seconds: float,
    ended_by: str,
    problem: str | None,
) -> dict[str, Any]:
    def moment(epoch_ms: int | None) -> str | None:
        return None if epoch_ms is None else rfc3339(epoch_ms)

    return {
        "sink": settings.sink,
        "topic": settings.raw_topic if settings.sink == "kafka" else None,
        "output": str(settings.output) if settings.output else None,
        "ended_by": ended_by,
        "sent": receipts.sent,
        "acknowledged": receipts.acknowledged,
        "failed": receipts.failed,
        "error": problem or (str(receipts.first_error) if receipts.first_error else None),
        "seconds": round(seconds, 3),
        "rate_per_second": round(receipts.sent / seconds, 1) if seconds else None,
        "seed": settings.seed,
        "start_time": moment(settings.time.start_ms),
        "end_time": moment(settings.time.end_ms),
        "first_event_time": moment(records.first_event_ms),
        "last_event_time": moment(records.last_event_ms),
        "faults": dict(sorted(receipts.faults.items())),
        "events": dict(receipts.events.most_common()),
        "manifest": str(settings.manifest) if settings.manifest else None,
    }
