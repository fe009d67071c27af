"""The generator's manifest: what was sent, which of it was spoilt, and what must have become of it."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

from generator.faults import expected
from pipelines.cli import ConfigurationError
from pipelines.verification.facts import Facts
from pipelines.verification.progress import Progress

_CHUNK_LINES = 20_000
_COLUMNS = ("line", "kafka_partition", "kafka_offset", "event_id", "sha256", "fault", "variant")


def read_manifest(path: Path, topic: str, facts: Facts, progress: Progress) -> str | None:
    """Add the manifest's rows and what must have become of them.

    Returns a remark where the last line is unfinished, as a killed run leaves it. Any other line that is no
    manifest row raises ConfigurationError.
    """
    remark = None
    try:
        with path.open("rb") as file, progress.task(f"reading {path.name}", path.stat().st_size) as advance:
            numbered = enumerate(file, start=1)
            while chunk := list(islice(numbered, _CHUNK_LINES)):
                number, last = chunk[-1]
                if not last.endswith(b"\n"):
                    remark = f"The manifest's last line, {number}, is cut short: left out."
                    chunk.pop()
                rows = [_row(path, number, line, topic) for number, line in chunk]
                if rows:
                    facts.add_rows("manifest", dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
                advance(sum(len(line) for _, line in chunk))
    except OSError as error:
        raise ConfigurationError(f"--manifest: {path} cannot be read: {error.strerror}.") from error
    _expect(path, facts)
    return remark


def _row(path: Path, number: int, line: bytes, topic: str) -> tuple[Any, ...]:
    """A manifest line in the order of _COLUMNS."""
    try:
        row = json.loads(line)
        found = row["topic"]
        values = (
            int(row["partition"]),
            int(row["offset"]),
            row["event_id"],
            bytes.fromhex(row["sha256"]),
            row["fault"],
            row["variant"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"--manifest: line {number} of {path} is not a row about a Kafka record: "
            "give the file that `python -m generator --sink kafka --manifest` wrote."
        ) from error
    if found != topic:
        raise ConfigurationError(f"--manifest: {path} is about topic {found} (line {number}), not RAW_TOPIC={topic}.")
    return (number, *values)


def _expect(path: Path, facts: Facts) -> None:
    """Note what must become of each kind of fault that occurs."""
    for fault, variant in facts.rows("select distinct fault, variant from manifest"):
        try:
            expectation = expected(fault, variant)
        except KeyError as error:
            raise ConfigurationError(
                f"--manifest: {path} has a fault {fault!r} that this release does not know."
            ) from error
        facts.add_rows(
            "expectations",
            {
                "fault": [fault],
                "variant": [variant],
                "outcomes": [sorted(expectation.outcomes)],
                "failure_types": [sorted(expectation.failure_types)],
                "is_late": [expectation.is_late],
            },
        )
