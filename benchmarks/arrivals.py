"""How many records have arrived in both sinks: end offsets of the topics, and what the lake's log tells."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

import pyarrow.parquet as pq

from benchmarks.ground import Ground


@dataclass
class LakeCount:
    """Rows of a table below a prefix: from its Delta log, or for a folder of Parquet files from their footers.

    A Delta table's files count only once a commit names them: they are there seconds before.

    `versions`: number of a commit (or file) → (when it was first seen, monotonic; rows it added; its data files).
    """

    ground: Ground
    prefix: str
    is_delta: bool = True
    rows: int = 0
    versions: dict[int, tuple[float, int, list[str]]] = field(default_factory=dict)
    _files: dict[str, int] = field(default_factory=dict)

    def look(self) -> int:
        """The rows that a reader would find now."""
        if not self.is_delta:
            self._count_files()
            return self.rows
        fresh = self.ground.objects(f"{self.prefix}/_delta_log/", self._after())
        commits = [key for key, _ in fresh if key.endswith(".json") and key.rpartition("/")[2][:20].isdigit()]
        for key in commits:
            self._note(key, time.monotonic())
        return self.rows

    def _after(self) -> str:
        if not self.versions:
            return ""
        return f"{self.prefix}/_delta_log/{max(self.versions):020d}.json"

    def _note(self, key: str, seen: float) -> None:
        rows, files = 0, []
        for line in self.ground.read(key).splitlines():
            add = json.loads(line).get("add")
            if add and add.get("dataChange", True):
                rows += json.loads(add["stats"])["numRecords"] if add.get("stats") else self._footer(add["path"])
                files.append(add["path"])
        self.rows += rows
        self.versions[int(key.rpartition("/")[2][:20])] = (seen, rows, files)

    def _count_files(self) -> None:
        for key, _ in self.ground.objects(f"{self.prefix}/"):
            name = key.rpartition("/")[2]
            if name.startswith((".", "_")) or key in self._files:
                continue
            path = key.removeprefix(f"{self.prefix}/")
            self._files[key] = self._footer(path)
            self.versions[len(self.versions)] = (time.monotonic(), self._files[key], [path])
        self.rows = sum(self._files.values())

    def _footer(self, path: str) -> int:
        return int(self.file(path).metadata.num_rows)

    def file(self, path: str) -> pq.ParquetFile:
        """One of its data files."""
        return pq.ParquetFile(io.BytesIO(self.ground.read(f"{self.prefix}/{unquote(path)}")))


@dataclass(frozen=True)
class Arrived:
    """Records in both sinks at one moment."""

    enriched: int
    dead: int
    lake: int


@dataclass
class Sinks:
    """The sinks of one run."""

    ground: Ground
    enriched: str
    dead_letter: str
    prefix: str
    partitions: int
    is_delta: bool = True

    def __post_init__(self) -> None:
        self.table = LakeCount(self.ground, f"{self.prefix}/events", self.is_delta)

    def look(self) -> Arrived:
        """What is there now."""
        enriched, dead = (sum(self.ground.ends(name, self.partitions)) for name in (self.enriched, self.dead_letter))
        return Arrived(enriched, dead, self.table.look())
