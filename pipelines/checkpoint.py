"""Spark's checkpoint as this project sees it: read, checked before Spark trusts it, moved away.

``metadata`` holds the query's id; ``offsets/N`` says where batch N ends and is written before it runs, ``commits/N``
after it; ``sources/0/0`` says where batch 0 begins. Spark reads the newest of each log, and the offsets before those.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from pipelines.checkpoint_files import CheckpointFiles
from pipelines.checkpoint_format import (
    DamagedFileError,
    check_commit,
    parse_initial,
    parse_metadata,
    parse_offsets,
)
from pipelines.cli import ConfigurationError

# Ours, not Spark's: who owns the checkpoint.
CONTROL_FOLDER = "_control"


@dataclass(frozen=True)
class CheckpointState:
    """How far a sound checkpoint is.

    `generation`: the query's id. `planned`, `committed`: the newest N in offsets/ and commits/; `planned` is
    `committed` or one more. `starts`, `ends`: partition → what the newest planned batch covers, [start, end). Where
    nothing is planned `ends` is empty, and `starts` says where the first batch will begin, if that was written down.
    """

    generation: str
    planned: int | None
    committed: int | None
    starts: dict[int, int]
    ends: dict[int, int]


class Checkpoint:
    """The checkpoint at `uri` of a stream that reads `topic`, on any file system that Spark knows."""

    def __init__(self, spark: SparkSession, uri: str, topic: str) -> None:
        self._files = CheckpointFiles(spark, uri)
        self.uri = uri.rstrip("/")
        self._topic = topic

    def inspect(self) -> CheckpointState | None:
        """What Spark will go on from; None for a new checkpoint.

        Raises ConfigurationError where Spark would fail on it, start over silently, or go on with other offsets than
        the tables know; the line names the file and the repair.
        """
        try:
            return self._inspect()
        except DamagedFileError as damage:
            raise self._unusable(damage) from damage

    def planned(self, batch_id: int) -> tuple[int, dict[int, tuple[int, int]]]:
        """(time of planning in ms since the epoch, partition → [start, end)) of a planned batch."""
        try:
            planned_at_ms, ends = self._offsets(batch_id)
            before = self._ends_before(batch_id)
        except DamagedFileError as damage:
            raise self._unusable(damage) from damage
        return planned_at_ms, {p: (before.get(p, 0), end) for p, end in sorted(ends.items())}

    def move_away(self) -> str:
        """Rename all that is Spark's into a folder beside this one, and return that; then a new checkpoint can begin.

        `metadata` goes first: what a crash leaves behind is then refused, not taken for a whole checkpoint.
        """
        target = f"{self.uri}.replaced-{_now()}"
        names = [name for name in self._files.list("") if name != CONTROL_FOLDER]
        self._files.move(sorted(names, key=lambda name: name.strip(".") not in {"metadata", "metadata.crc"}), target)
        return target

    def _inspect(self) -> CheckpointState | None:
        names = {folder: self._files.list(folder) for folder in ("", "offsets", "commits", "sources/0")}
        if "_delta_log" in names[""]:
            raise DamagedFileError("it is a Delta table", "Name a folder of its own.")
        planned, committed = newest(names["offsets"]), newest(names["commits"])
        if "metadata" in names[""]:
            state = self._state(planned, committed, "0" in names["sources/0"])
            if "state" in names[""]:
                raise DamagedFileError("state/ is of a query with state", "Name a folder of its own.")
        elif planned is None and committed is None and "0" not in names["sources/0"] and "state" not in names[""]:
            state = None
        else:  # Spark would begin a new query, at the offsets of the old one
            raise DamagedFileError("metadata is missing")
        self._refuse_orphans(names, planned)
        return state

    def _state(self, planned: int | None, committed: int | None, begun: bool) -> CheckpointState:
        generation = parse_metadata(self._files.text("metadata"))
        self._check_commits(planned, committed)
        if planned is None:
            return CheckpointState(generation, None, None, self._initial() if begun else {}, {})
        ends, before = self._offsets(planned)[1], self._ends_before(planned)
        back = [p for p, start in before.items() if ends.get(p, -1) < start]
        if back:  # Spark would read them again from there, or from their beginning
            raise DamagedFileError(f"offsets/{planned} ends before it begins, in partition {back[0]}")
        return CheckpointState(generation, planned, committed, {p: before.get(p, 0) for p in ends}, ends)

    def _check_commits(self, planned: int | None, committed: int | None) -> None:
        """Every planned batch but the newest is committed, nothing else is, and the newest commit can be read."""
        if committed is not None and (planned is None or committed > planned):
            raise DamagedFileError(f"offsets/{committed} is missing, though commits/{committed} is there")
        if planned and (committed is None or committed < planned - 1):
            raise DamagedFileError(f"commits/{planned - 1} is missing, though offsets/{planned} is there")
        if committed is None:
            return
        name = f"commits/{committed}"
        try:
            check_commit(name, self._files.text(name))
        except DamagedFileError as damage:
            # An older one cannot be spared: Spark would see two batches that are not committed.
            repair = self._deletion([name, f"commits/.{committed}.crc"]) if committed == planned else None
            more = f"{repair}: the batch runs again under its number." if repair else None
            raise DamagedFileError(str(damage), more) from damage

    def _refuse_orphans(self, names: dict[str, list[str]], planned: int | None) -> None:
        """Checksums that outlived their files: Spark could never write those files again."""
        found = [f"{log}/.{n}.crc" for log in ("offsets", "commits") for n in orphans(names[log])]
        found += [".metadata.crc"] if {".metadata.crc", "metadata"} & {*names[""]} == {".metadata.crc"} else []
        found += ["sources/0/.0.crc"] if planned is None and orphans(names["sources/0"]) else []
        if found:
            what = f"{', '.join(found)}: {'checksums' if len(found) > 1 else 'a checksum'} without file, "
            raise DamagedFileError(what + "which would keep Spark from writing that file", f"{self._deletion(found)}.")

    def _ends_before(self, batch_id: int) -> dict[int, int]:
        """Where a batch begins, in partitions that were there before it."""
        return self._offsets(batch_id - 1)[1] if batch_id else self._initial()

    def _offsets(self, batch_id: int) -> tuple[int, dict[int, int]]:
        name = f"offsets/{batch_id}"
        return parse_offsets(name, self._files.text(name), self._topic)

    def _initial(self) -> dict[int, int]:
        return parse_initial("sources/0/0", self._files.text("sources/0/0"), self._topic)

    def _unusable(self, damage: DamagedFileError) -> ConfigurationError:
        move = command(self.uri, "mv", ["", f".damaged-{_now()}"])
        away = (
            f"Move the folder away and start again ({move}): a new checkpoint continues where the tables end; "
            "nothing is lost or doubled."
        )
        return ConfigurationError(f"CHECKPOINT_URI={self.uri}: {damage}. {damage.repair or away}")

    def _deletion(self, names: list[str]) -> str:
        return f"Delete it and start again ({command(self.uri, 'rm -f', [f'/{name}' for name in names])})"


def command(uri: str, verb: str, ends: list[str]) -> str:
    """A shell command on places that begin with `uri`."""
    parts = urlsplit(uri)
    base = parts.path if parts.scheme == "file" else uri
    program = verb if parts.scheme in {"", "file"} else f"hadoop fs -{verb}"
    return " ".join([program, *(shlex.quote(base + end) for end in ends)])


def _now() -> str:
    """Part of a name that was never given before."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}"


def newest(names: list[str]) -> int | None:
    """The highest number among the names in a log."""
    return max((int(name) for name in names if name.isdecimal()), default=None)


def orphans(names: list[str]) -> list[int]:
    """The numbers, beyond the newest, of which a checksum is there."""
    numbers = [int(name[1:-4]) for name in names if name.endswith(".crc") and name[1:-4].isdecimal()]
    last = newest(names)
    return sorted(n for n in numbers if last is None or n > last)
