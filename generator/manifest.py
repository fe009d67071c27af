"""What became of each record: counts, and the manifest, a run's proof of what was acknowledged.

The manifest is JSON Lines, one row per acknowledged record, in the order of acknowledgement. Rows are written
some times per second, never before the record itself is safe: a kill -9 leaves out the last moments at most.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import IO

from generator.records import Record
from pipelines.cli import ConfigurationError, RunFailed, one_line

_NULL = b"null"


class Manifest:
    """An open manifest file. `add` may be called from any thread, `flush` and `close` from one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rows: deque[bytes] = deque()

    def add(self, record: Record, position: bytes) -> None:
        """Note an acknowledged record: where it is (JSON members), which event, the SHA-256 of its value, its fault."""
        place, _, value, _, event_id, _, fault, variant = record
        digest = sha256(value or b"").hexdigest().encode()
        self._rows.append(
            b'{%b,"record":%d,"event_id":%b,"sha256":"%b","fault":%b,"variant":%b}\n'
            % (position, place, _text(event_id), digest, _text(fault), _text(variant))
        )

    def flush(self) -> None:
        """Write all rows so far to the file. Raises RunFailed where that fails (disk full)."""
        rows = [self._rows.popleft() for _ in range(len(self._rows))]
        try:
            self._file.write(b"".join(rows))
            self._file.flush()
        except OSError as error:
            raise RunFailed(f"--manifest: {self._file.name} cannot be written: {error.strerror}.") from error

    def discard(self) -> None:
        """Close the file and, if nothing was ever written to it, remove it: the run did not take place."""
        self._file.close()
        path = Path(self._file.name)
        if path.stat().st_size == 0:
            path.unlink()

    def close(self) -> None:
        """Write what is left and close the file."""
        try:
            self.flush()
        finally:
            self._file.close()


def _text(text: str | None) -> bytes:
    return _NULL if text is None else json.dumps(text).encode()


class Receipts:
    """Counts what is sent, acknowledged and failed, and passes acknowledged records on to the manifest."""

    def __init__(self, manifest: Manifest | None) -> None:
        self._manifest = manifest
        self._lock = Lock()
        self.sent = 0
        self.acknowledged = 0
        self.failed = 0
        self.first_error: str | None = None
        self.faults: Counter[str] = Counter()
        self.events: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """Records handed over whose fate is not known yet."""
        return self.sent - self.acknowledged - self.failed

    def handed_over(self, records: Sequence[Record]) -> None:
        """The sink takes these records."""
        self.sent += len(records)
        self.events.update([record.event_name for record in records])
        self.faults.update([record.fault for record in records if record.fault is not None])

    def arrived(self, record: Record, position: bytes) -> None:
        """The record is safe at `position`: JSON members, such as ``"line":7``."""
        self.acknowledged += 1
        if self._manifest is not None:
            self._manifest.add(record, position)

    def all_arrived(self, records: Sequence[Record], first_line: int) -> None:
        """The records are safe on lines of their own."""
        self.acknowledged += len(records)
        if self._manifest is not None:
            for line, record in enumerate(records, first_line):
                self._manifest.add(record, b'"line":%d' % line)

    def lost(self, error: BaseException) -> None:
        """A record could not be delivered. May be called from two threads at once."""
        with self._lock:
            self.failed += 1
        if self.first_error is None:
            # Some of kafka-python's errors repeat their name in their text.
            name = f"{type(error).__name__}: "
            self.first_error = one_line(error).replace(name * 2, name)

    def flush(self) -> None:
        """Write the manifest so far."""
        if self._manifest is not None:
            self._manifest.flush()


def open_lines(path: Path, flag: str, append: bool) -> tuple[IO[bytes], int]:
    """(an open file to write lines to, number of lines already in it).

    An existing file, if it is not empty, is only ever appended to, and only if `append`. A last line that a killed run
    left unfinished is cut off. Raises ConfigurationError if the file exists and may not, or cannot be written.
    """
    try:
        if not append:
            if path.is_file() and not path.stat().st_size:  # left by a run that ended before its first record
                return path.open("r+b"), 0
            return path.open("xb"), 0
        file = path.open("a+b")
        lines, size = _complete_lines(file)
        os.truncate(file.fileno(), size)
        return file, lines
    except FileExistsError as error:
        raise ConfigurationError(f"{flag}: {path} exists; name another file, or --append to add to it.") from error
    except OSError as error:
        raise ConfigurationError(f"{flag}: {path} cannot be written: {error.strerror}.") from error


def _complete_lines(file: IO[bytes]) -> tuple[int, int]:
    """(number of complete lines, bytes up to the end of the last one)."""
    lines = size = position = 0
    file.seek(0)
    while chunk := file.read(1 << 20):
        lines += chunk.count(b"\n")
        if b"\n" in chunk:
            size = position + chunk.rindex(b"\n") + 1
        position += len(chunk)
    return lines, size
