"""Where records go. A sink takes records and reports each one's fate to the receipts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Protocol

from generator.manifest import Receipts, open_lines
from generator.records import Record
from generator.settings import Settings
from pipelines.cli import RunFailed

_BUFFER_BYTES = 256 * 1024


class Sink(Protocol):
    """Takes records.

    `max_in_flight`: how many records may be under way; `patience_seconds`: after how long at the end of a run
    those still under way are given up; `lines_before`: how many lines the output had already.
    """

    max_in_flight: int
    patience_seconds: float
    lines_before: int

    def send(self, records: Sequence[Record]) -> None:
        """Take these records; they may be acknowledged later, from another thread."""

    def flush(self) -> None:
        """Pass on what is held back, without waiting for acknowledgements."""

    def __enter__(self) -> Sink: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the destination, at once if there was an error."""


class NullSink:
    """Drops everything: how fast can events be built?"""

    max_in_flight = sys.maxsize
    patience_seconds = 0.0
    lines_before = 0

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    def send(self, records: Sequence[Record]) -> None:
        """Acknowledge the records."""
        self._receipts.handed_over(records)
        self._receipts.all_arrived(records, records[0].place + 1 if records else 0)

    def flush(self) -> None:
        """Nothing is held back."""

    def __enter__(self) -> NullSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LineSink:
    """Writes one record per line, acknowledged once the system has it; a tombstone is an empty line.

    A reader that went away raises BrokenPipeError; another write error raises RunFailed.
    """

    max_in_flight = sys.maxsize
    patience_seconds = 0.0

    def __init__(self, file: IO[bytes], name: str, receipts: Receipts, first_line: int, close: bool) -> None:
        self._file = file
        self._name = name
        self._receipts = receipts
        self._line = self.lines_before = first_line
        self._close = close
        self._held: list[Record] = []
        self._held_bytes = 0

    def send(self, records: Sequence[Record]) -> None:
        """Hold the records back until there is enough to write."""
        self._receipts.handed_over(records)
        self._held += records
        self._held_bytes += sum(len(record.value or b"") + 1 for record in records)
        if self._held_bytes >= _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write all lines held back."""
        if not self._held:
            return
        held, self._held, self._held_bytes = self._held, [], 0
        try:
            self._file.write(b"".join([(record.value or b"") + b"\n" for record in held]))
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RunFailed(f"{self._name} cannot be written: {error.strerror}.") from error
        self._receipts.all_arrived(held, self._line + 1)
        self._line += len(held)

    def __enter__(self) -> LineSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._close:
            self._file.close()


def open_sink(settings: Settings, receipts: Receipts) -> Sink:
    """The sink that the settings ask for. Raises ConfigurationError if it cannot be opened."""
    if settings.sink == "kafka":
        # Only here: the other sinks need no Kafka client, and its import takes a while.
        from generator.kafka_sink import KafkaSink

        return KafkaSink.open(settings, receipts)
    if settings.sink == "file" and settings.output is not None:
        file, lines = open_lines(settings.output, "--output", settings.append)
        return LineSink(file, f"--output: {settings.output}", receipts, lines, close=True)
    if settings.sink == "console":
        return LineSink(sys.stdout.buffer, "stdout", receipts, 0, close=False)
    return NullSink(receipts)
