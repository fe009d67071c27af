"""What a benchmark has measured so far, in a file: an interrupted one goes on where it was."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.places import DATA

_VERSIONS = ("pyspark", "delta-spark", "confluent-kafka", "polars", "deltalake", "orjson", "pyarrow")


@dataclass
class Journal:
    """Figures by what they are of, e.g. ``W1/stock.default/0``. Another `settings` than the file's starts anew."""

    path: Path
    settings: dict[str, Any]
    entries: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, kind: str, settings: dict[str, Any], *, fresh: bool) -> Journal:
        """The journal of this kind of benchmark."""
        path = DATA / f"{kind}.json"
        if not fresh and path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["settings"] == settings:
                return cls(path, settings, stored["entries"])
        return cls(path, settings)

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def note(self, name: str, value: Any) -> None:
        """Keep a figure, at once."""
        self.entries[name] = value
        fresh = self.path.with_suffix(".new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"settings": self.settings, "entries": self.entries}, indent=1), encoding="utf-8")
        fresh.replace(self.path)

    def close(self) -> None:
        """Everything is measured: the next benchmark starts anew."""
        self.path.unlink(missing_ok=True)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    versions = {name: _version(name) for name in _VERSIONS}
    return {
        "cpu": _first(r"model name\s*:\s*(.*)", "/proc/cpuinfo") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo") or 0) / 2**20, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _first(pattern: str, path: str) -> str | None:
    found = re.search(pattern, Path(path).read_text(encoding="utf-8")) if Path(path).exists() else None
    return found.group(1) if found else None
