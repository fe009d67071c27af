"""Going on with a run that was cut short: what it was asked to do, and what it has delivered.

Beside its manifest M a run leaves M.run.json: its settings and how many rows (and lines of output) there were before.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from generator.chance import Flags
from generator.manifest import open_lines
from generator.records import Record
from generator.settings import Settings, TimeSettings
from generator.spoilt import Drift, FaultSettings
from pipelines.cli import ConfigurationError

# What may be said anew with --resume; all else follows from the run.
MAY_CHANGE = (
    "bootstrap_servers",
    "kafka_config",
    "workers",
    "rate",
    "duration",
    "summary",
    "debug",
    "dry_run",
    "resume",
)
_PLAIN = ("sink", "rate", "seed", "profile", "count", "append", "catalog", "tag", "raw_topic")


class Delivered:
    """Which records of a run have been acknowledged."""

    def __init__(self, places: Flags) -> None:
        self._places = places
        self.count = int(places.sum())
        gaps = np.flatnonzero(~places)
        # All before this one are.
        self.first_missing = int(gaps[0]) if len(gaps) else len(places)

    def missing(self, records: list[Record]) -> list[Record]:
        """Those of the records that have not been acknowledged."""
        places, known = self._places, len(self._places)
        return [record for record in records if record.place >= known or not places[record.place]]


NOTHING = Delivered(np.zeros(0, bool))


def remember(settings: Settings, rows: int, lines: int) -> None:
    """Write the run's settings beside its manifest, of which so many rows belong to earlier runs."""
    if settings.manifest is None:
        return
    told: dict[str, Any] = {name: getattr(settings, name) for name in _PLAIN}
    told["duration_seconds"] = settings.duration_seconds
    told["output"] = str(settings.output) if settings.output else None
    told["time"] = asdict(settings.time)
    told["faults"] = asdict(settings.faults)
    file = _run_file(settings.manifest)
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(json.dumps({"rows_before": rows, "lines_before": lines, "settings": told}, indent=1) + "\n")
    fresh.replace(file)


def resumed(manifest: Path, options: dict[str, Any]) -> tuple[Settings, Delivered]:
    """The settings of the run of that manifest, with the few that may change, and what it has delivered.

    Raises ConfigurationError where manifest or run file are missing or not those of a run.
    """
    try:
        kept = json.loads(_run_file(manifest).read_text())
        told = kept["settings"]
        faults = FaultSettings(
            **{**told["faults"], "drifts": tuple(Drift(**each) for each in told["faults"]["drifts"])}
        )
        settings = Settings(
            **{name: told[name] for name in _PLAIN},
            output=Path(told["output"]) if told["output"] else None,
            time=TimeSettings(**told["time"]),
            faults=faults,
            manifest=manifest,
            bootstrap_servers=options["bootstrap_servers"],
            kafka_config=options["kafka_config"],
            workers=options["workers"],
            duration_seconds=told.get("duration_seconds"),
            new_rate=options["rate"],
            new_duration_seconds=options["duration"],
            summary=options["summary"],
        )
        rows_before, lines_before = int(kept["rows_before"]), int(kept["lines_before"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"--resume: {manifest} has no readable {_run_file(manifest).name} beside it, which a run with --manifest "
            "leaves there."
        ) from error
    if settings.sink in ("console", "null"):
        raise ConfigurationError(
            f"--resume: a run with --sink {settings.sink} keeps nothing that one could go on with."
        )
    file, _ = open_lines(manifest, "--resume", append=True)  # cuts off a torn row
    file.close()
    places, last_line = _places(manifest, rows_before, lines_before)
    if settings.output:
        _cut(settings.output, last_line)
    return replace(settings, append=True), Delivered(places)


def refuse_other_options(context: click.Context) -> None:
    """Raises UsageError if flags were given that have no say with --resume."""
    given = click.core.ParameterSource.COMMANDLINE
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in MAY_CHANGE and context.get_parameter_source(name) is given:
            raise click.UsageError(
                f"--{name.replace('_', '-')} has no say with --resume: the run's own settings count."
            )


def _run_file(manifest: Path) -> Path:
    return manifest.with_name(manifest.name + ".run.json")


def _places(manifest: Path, rows_before: int, lines_before: int) -> tuple[Flags, int]:
    """Flags of the acknowledged places, and the last acknowledged line of the output."""
    found: list[int] = []
    line = b""
    with manifest.open("rb") as file:
        for number, row in enumerate(file):
            if number >= rows_before:
                found.append(_number(row, b'"record":'))
                line = row
    places = np.zeros(max(found, default=-1) + 1, bool)
    places[found] = True
    return places, _number(line, b'"line":') if b'"line":' in line else lines_before


def _number(row: bytes, name: bytes) -> int:
    try:
        return int(row.split(name, 1)[1].split(b",", 1)[0])
    except (IndexError, ValueError) as error:
        raise ConfigurationError("--resume: the manifest has rows that this release did not write.") from error


def _cut(output: Path, lines: int) -> None:
    """Leave that many lines: what follows was written, but not noted any more."""
    with output.open("r+b") as file:
        for _ in range(lines):
            file.readline()
        file.truncate(file.tell())
