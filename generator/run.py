"""One run: shop → records → sink, paced, stoppable, accounted for."""

from __future__ import annotations

import sys
from random import Random
from typing import Any

from generator.catalog import load_catalog
from generator.clock import Clock, LiveTimeline, PastTimeline, Timeline, WindowTimeline, rfc3339
from generator.manifest import Manifest, Receipts, open_lines
from generator.progress import Progress
from generator.records import Records
from generator.sending import Sending, StopRequest
from generator.settings import Settings
from generator.shop import Shop
from generator.sinks import open_sink


def build_records(settings: Settings, clock: Clock) -> Records:
    """The records of a run. Each source of chance has its own seed: faults do not change the good events."""

    def chance(name: str) -> Random:
        return Random(f"{settings.seed}/{name}")  # noqa: S311 — a simulation, repeatable on purpose

    shop = Shop(load_catalog(settings.catalog), chance("shop"), settings.shop_rate, settings.expected_records)
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
            sending = Sending(settings, clock, sink, receipts, progress)
            sending.run(iter(records), stop)
    finally:
        if manifest:
            manifest.close()
    return _summary(settings, records, receipts, sending, clock.monotonic() - started)


def _summary(
    settings: Settings, records: Records, receipts: Receipts, sending: Sending, seconds: float
) -> dict[str, Any]:
    def moment(epoch_ms: int | None) -> str | None:
        return None if epoch_ms is None else rfc3339(epoch_ms)

    return {
        "sink": settings.sink,
        "topic": settings.raw_topic if settings.sink == "kafka" else None,
        "output": str(settings.output) if settings.output else None,
        "ended_by": sending.ended_by,
        "sent": receipts.sent,
        "acknowledged": receipts.acknowledged,
        "failed": receipts.failed,
        "unknown": receipts.in_flight,
        "error": sending.problem or receipts.first_error,
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
