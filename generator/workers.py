"""Several processes for one run: each simulates the whole shop and writes the events of its share of the shoppers.

Simulating costs a fifth of what writing does, and no process has to wait for another. Where the records stand in one
order (console, file) the parent puts the shares together again; else each worker sends its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from generator.building import build_records, collect_rarely
from generator.clock import SystemClock
from generator.manifest import Manifest, Receipts
from generator.outcome import Outcome, together
from generator.records import Record
from generator.resuming import Delivered
from generator.sending import Reporter, Sending, StopRequest
from generator.settings import Settings
from generator.sinks import open_sink
from pipelines.cli import RunFailed

_SPAWN = get_context("spawn")
_SLICE = 512
_WAIT_SECONDS = 0.2


class MergedRecords:
    """The records of all workers in their order, taken like those of `Records`."""

    def __init__(self, settings: Settings) -> None:
        self._workers = [_start(_write, settings, number) for number in range(settings.workers)]
        self._ready: list[Record] = []
        self._covered = 0
        self.place = 0
        self.first_event_ms: int | None = None
        self.last_event_ms: int | None = None

    def take(self, count: int) -> tuple[int, list[Record]]:
        """(number of the next records, the records); 0 when there are none left. May be fewer than `count`."""
        if self.place == self._covered:
            self._receive()
        taken, self._ready = self._ready[:count], self._ready[count:]
        self.place += len(taken)
        return len(taken), taken

    def _receive(self) -> None:
        try:
            parts = [pipe.recv() for _, pipe in self._workers]
        except (EOFError, OSError) as error:
            raise RunFailed("A worker has ended unexpectedly.") from error
        taken, first, last = parts[0][0]
        self._covered += taken
        self._ready = sorted((record for _, records in parts for record in records), key=_place)
        self.first_event_ms, self.last_event_ms = first, last

    def __enter__(self) -> MergedRecords:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process, pipe in self._workers:
            pipe.close()
            process.terminate()
            process.join()


def run_crew(
    settings: Settings, delivered: Delivered, receipts: Receipts, progress: Reporter, stop: StopRequest
) -> Outcome:
    """Have the workers send their shares; their outcome together. A stop is passed on to them."""
    counts = _SPAWN.Array("q", 3 * settings.workers, lock=False)
    crew = [_start(_send, settings, number, delivered, counts) for number in range(settings.workers)]
    working = {pipe: process for process, pipe in crew}
    parts: list[Outcome] = []
    told_to_stop = False
    while working:
        ready = wait(list(working), _WAIT_SECONDS)
        for pipe in [pipe for pipe in working if pipe in ready]:
            parts.append(_outcome_of(pipe))
            working.pop(pipe).join()
        receipts.sent, receipts.acknowledged, receipts.failed = (sum(counts[kind::3]) for kind in range(3))
        progress.update()
        # Where one has failed the others stop, too: half a shop is not what was asked for.
        if (stop.requested or any(part.ended_by == "failure" for part in parts)) and not told_to_stop:
            told_to_stop = True
            for process in working.values():
                process.terminate()
    known = together(parts)
    # What a worker that died had told.
    known.sent, known.acknowledged = max(known.sent, receipts.sent), max(known.acknowledged, receipts.acknowledged)
    known.failed = max(known.failed, receipts.failed)
    return known


def _outcome_of(pipe: Connection) -> Outcome:
    """What a worker that has ended says came of its part."""
    try:
        outcome: Outcome = pipe.recv()
    except (EOFError, OSError):
        return Outcome("failure", error="a worker has ended unexpectedly")
    return outcome


class _Counts:
    """Tells the parent how a worker's part goes, and ends it when the parent is gone."""

    def __init__(self, receipts: Receipts, counts: Any, number: int, stop: StopRequest) -> None:
        self._receipts = receipts
        self._counts = counts
        self._first = 3 * number
        self._stop = stop
        self._parent = os.getppid()

    def say(self, text: str) -> None:
        """The parent says it all."""

    def update(self) -> None:
        """Pass on the counts."""
        receipts, first = self._receipts, self._first
        self._counts[first : first + 3] = [receipts.sent, receipts.acknowledged, receipts.failed]
        self._stop.requested |= os.getppid() != self._parent


def _send(pipe: Connection, settings: Settings, number: int, delivered: Delivered, counts: Any) -> None:
    collect_rarely()
    manifest = Manifest(settings.manifest.open("ab", buffering=0)) if settings.manifest else None
    receipts, clock = Receipts(manifest), SystemClock()
    try:
        with StopRequest() as stop, open_sink(settings, receipts) as sink:
            reporter = _Counts(receipts, counts, number, stop)
            sending = Sending(settings, clock, sink, receipts, reporter, delivered)
            outcome = sending.run(build_records(settings, clock, (number, settings.workers)), stop)
            reporter.update()
    except Exception as error:
        outcome = Outcome("failure", receipts.sent, receipts.acknowledged, receipts.failed, str(error))
    finally:
        if manifest:
            manifest.close()
    pipe.send(outcome)


def _write(pipe: Connection, settings: Settings, number: int) -> None:
    collect_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the workers when it is done
    records = build_records(settings, SystemClock(), (number, settings.workers))
    taken = 1
    with suppress(BrokenPipeError):
        while taken:
            taken, written = records.take(_SLICE)
            pipe.send(((taken, records.first_event_ms, records.last_event_ms), written))


def _start(work: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _place(record: Record) -> int:
    return record.place
