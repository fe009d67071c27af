"""One run: shop → records → sink, paced, stoppable, accounted for."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from typing import Any

from generator.building import build_records, collect_rarely
from generator.catalog import load_catalog
from generator.clock import Clock
from generator.manifest import Manifest, Receipts, open_lines
from generator.outcome import Outcome
from generator.progress import Progress
from generator.records import Record
from generator.resuming import NOTHING, Delivered, remember
from generator.sending import Sending, StopRequest
from generator.settings import Settings
from generator.sinks import open_sink
from generator.workers import MergedRecords, run_crew

# The sinks in which the records of all workers stand in one order.
_ORDERED = ("console", "file")
_PREVIEWED = 10_000


def generate(settings: Settings, clock: Clock, delivered: Delivered = NOTHING) -> dict[str, Any]:
    """Run to the end and return the summary. `delivered` are records of an earlier part, which are passed over.

    Raises ConfigurationError before anything is sent if the sink or the manifest cannot be opened.
    """
    collect_rarely()
    settings = _with_fixed_end(settings, clock)
    load_catalog(settings.catalog)  # that it cannot be read should show before anything is opened
    manifest, rows = None, 0
    if settings.manifest:
        file, rows = open_lines(settings.manifest, "--manifest", settings.append)
        manifest = Manifest(file)
    receipts = Receipts(manifest)
    started = clock.monotonic()
    shares_terminal = settings.sink == "console" and sys.stdout.isatty()
    with ExitStack() as stack:
        stop = stack.enter_context(StopRequest())  # also while the broker is looked for
        try:
            sink = open_sink(settings, receipts)
        except BaseException:
            if manifest:
                manifest.discard()
            raise
        if delivered is NOTHING:
            remember(settings, rows, sink.lines_before)
        if manifest:
            stack.callback(manifest.close)
        progress = stack.enter_context(Progress(receipts, clock, shares_terminal))
        stack.enter_context(sink)
        progress.say(f"seed {settings.seed}, profile {settings.profile}, sink {settings.sink}")
        if delivered.count:
            progress.say(f"passing over {delivered.count:,} records that were delivered before")
        if settings.workers > 1 and settings.sink not in _ORDERED:
            outcome = run_crew(settings, delivered, receipts, progress, stop)
        else:
            records = (
                build_records(settings, clock)
                if settings.workers == 1
                else stack.enter_context(MergedRecords(settings))
            )
            sending = Sending(settings, clock, sink, receipts, progress, delivered)
            outcome = sending.run(records, stop)
    return outcome.summary(settings, clock.monotonic() - started, delivered.count)


def preview(settings: Settings, clock: Clock) -> tuple[dict[str, Any], list[Record]]:
    """(what would be sent, the first records), after the checks that a run makes first; sends nothing."""
    if settings.sink == "kafka":
        with open_sink(settings, Receipts(None)):
            pass
    sample = list(islice(build_records(settings, clock), min(_PREVIEWED, settings.count or _PREVIEWED)))
    outcome = Outcome(
        "dry run",
        faults=Counter(record.fault for record in sample if record.fault),
        events=Counter(record.event_name for record in sample),
    )
    size = sum(len(record.value or b"") for record in sample) / max(1, len(sample))
    told = outcome.summary(settings, 0.0, 0)
    return {
        **told,
        "records": settings.expected_records,
        "sample": len(sample),
        "bytes_per_record": round(size),
    }, sample


def _with_fixed_end(settings: Settings, clock: Clock) -> Settings:
    """Workers that simulate up to now must agree on when that is."""
    time = settings.time
    if settings.workers == 1 or time.start_ms is None or time.end_ms is not None or settings.pace:
        return settings
    return replace(settings, time=replace(time, until_ms=clock.now_ms()))
