"""The generator's manifest: what was sent, which of it was spoilt, and what must have become of it."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pyarrow as pa

from generator.faults import expected
from pipelines.cli import ConfigurationError
from pipelines.verification.facts import Facts
from pipelines.verification.progress import Progress

_CHUNK_LINES = 50_000
_SHAPE = """{"topic": "VARCHAR", "partition": "INTEGER", "offset": "BIGINT", "event_id": "VARCHAR",
    "sha256": "VARCHAR", "fault": "VARCHAR", "variant": "VARCHAR"}"""
# `text` as a struct; null where it is not JSON, with null fields where one is missing or of another kind.
_PARSED = f"""(
    select line, row, row.partition as kafka_partition, row.offset as kafka_offset, digest_of_hex(row.sha256) as value
    from (
        select line, case when json_valid(text) then json_transform(text, '{_SHAPE}') end as row
        from (select line, try(decode(text)) as text from source)))"""
_COLUMNS = (
    "line",
    "kafka_partition",
    "kafka_offset",
    "digest(lower(row.event_id))",
    "value",
    "row.fault",
    "row.variant",
    "row.topic",
)
_INCOMPLETE = "(topic is null or kafka_partition is null or kafka_offset is null or value is null)"


def read_manifest(path: Path, topic: str, facts: Facts, progress: Progress) -> str | None:
    """Add the manifest's rows and what must have become of them.

    Returns a remark where the last line is unfinished, as a killed run leaves it. Any other line that is no
    manifest row raises ConfigurationError.
    """
    remark = None
    try:
        with path.open("rb") as file, progress.task(f"reading {path.name}", path.stat().st_size) as advance:
            first = 1
            while chunk := list(islice(file, _CHUNK_LINES)):
                read = sum(map(len, chunk))
                if not chunk[-1].endswith(b"\n"):
                    remark = f"The manifest's last line, {first + len(chunk) - 1}, is cut short: left out."
                    chunk.pop()
                _add(path, topic, facts, first, chunk)
                first += len(chunk)
                advance(read)
    except OSError as error:
        raise ConfigurationError(f"--manifest: {path} cannot be read: {error.strerror}.") from error
    _expect(path, facts)
    return remark


def _add(path: Path, topic: str, facts: Facts, first: int, lines: list[bytes]) -> None:
    """Add some lines, the first of which has number `first`."""
    numbers = pa.array(range(first, first + len(lines)), pa.int64())
    rows = pa.table({"line": numbers, "text": pa.array(lines, pa.binary())})
    wanted = f"{facts.selection.condition()} or {_INCOMPLETE.replace('topic', 'row.topic')}"
    facts.add("manifest", rows, _COLUMNS, _PARSED, wanted)
    wrong = f"select line, topic from manifest where line >= ? and ({_INCOMPLETE} or topic <> ?) order by line limit 1"
    for line, found in facts.rows(wrong, first, topic):
        if found in (None, topic):
            raise ConfigurationError(
                f"--manifest: line {line} of {path} is not a row about a Kafka record: "
                "give the file that `python -m generator --sink kafka --manifest` wrote."
            )
        raise ConfigurationError(f"--manifest: {path} is about topic {found} (line {line}), not RAW_TOPIC={topic}.")


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
