"""What became of each fault, kept as one JSON line per fault and shown as a table.

A run of a part of the suite replaces the lines of its own faults only.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.settings import PROJECT_ROOT

ROWS = {
    1: "kill -9 of the driver at named points and at random moments",
    2: "SIGTERM",
    3: "kill -9 of the generator",
    4: "broker down for 30 s, clean and -9",
    5: "broker paused for 60 s",
    6: "broker away longer than the delivery timeout",
    7: "ZooKeeper down for 30 s",
    8: "network: latency, half-open connections, resets",
    9: "object store: down for 60 s, 503s, slow",
    10: "wrong credentials, missing bucket, wrong endpoint",
    11: "disk full: checkpoint, broker log",
    12: "poison records, 1 per 1,000 good ones",
    13: "tombstones and null keys",
    14: "records around the size limit; enrichment that grows past it",
    15: "dead-letter topic unavailable",
    16: "duplicates in a batch, across batches, across a restart, days later",
    17: "schema drift",
    18: "clocks",
    19: "checkpoint deleted",
    20: "checkpoint damaged",
    21: "newest commits/N, or it and offsets/N, deleted",
    22: "retention overtook the checkpoint; topic re-created",
    23: "partitions grown while running",
    24: "a second job on the same lake or checkpoint",
    25: "a large backlog",
    26: "orphan files, readers during writes, OPTIMIZE and VACUUM",
    27: "small heap, hot partition, skewed keys",
    28: "half of all records bad",
    29: "configuration errors",
    30: "replay of dead letters",
}
NOT_HERE = {30: "the replay tool does not exist yet"}
COMMAND = "make test-faults"
_COLUMNS = (
    "#", "fault", "result", "times", "records", "lost", "doubled", "repeats", "overtaken", "recovery, s", "notes",
    "when",
)  # fmt: skip

_HEAD = f"""\
# Faults

What was done to real servers, jobs and generators, and what became of the records. Written by `{COMMAND}`
(`make test-faults FAULTS="-k broker"` runs a part and replaces its lines only); don't edit it. The tests are in
`tests/faults/`, the figures for machines in `faults.jsonl` beside this page.

After each fault is healed and everything has caught up, the generator's manifest (what the broker acknowledged), the
raw topic, the Delta tables and the sink topics are compared as sets. `pipelines.verify --caught-up` must say PROVEN.

- *records*: in the raw topic by then; tests that share a pipeline add to it
- *lost*: acknowledged or in the raw topic, and in none of `events`, `dead_letters`, `duplicates`
- *doubled*: rows of those tables beyond the first per topic id, partition and offset
- *repeats*: records of the enriched and dead-letter topics beyond the first per raw record, all kills together
- *overtaken*: records of those topics whose first copy comes after that of a later record of the same raw partition
- *recovery*: seconds from healing or restarting to caught up, the job's start included; the slowest of several

"""


@dataclass
class Line:
    """One fault's result. Figures are None where they say nothing."""

    row: int
    fault: str
    result: str = "passed"
    reason: str = ""
    times: int = 1
    records: int | None = None
    lost: int | None = None
    doubled: int | None = None
    repeats: int | None = None
    overtaken: int | None = None
    recovery_seconds: float | None = None
    note: str = ""
    date: str = ""
    commit: str = ""


def store(folder: Path, line: Line) -> None:
    """Add or replace one fault's line in faults.jsonl, and write faults.md anew."""
    stamped = {"date": datetime.date.today().isoformat(), "commit": _commit()}
    known = {(each.row, each.fault): each for each in load(folder)}
    known[line.row, line.fault] = Line(**{**asdict(line), **stamped})
    kept = sorted(known.values(), key=lambda each: (each.row, each.fault))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.jsonl").write_text("".join(json.dumps(asdict(each)) + "\n" for each in kept))
    (folder / "faults.md").write_text(render(kept))


def load(folder: Path) -> list[Line]:
    """All lines so far."""
    path = folder / "faults.jsonl"
    return [Line(**json.loads(text)) for text in path.read_text().splitlines()] if path.exists() else []


def render(kept: list[Line]) -> str:
    """The page."""
    table = [_COLUMNS, ("---",) * len(_COLUMNS)]
    for number, title in ROWS.items():
        of_row = [each for each in kept if each.row == number]
        table += [_cells(each) for each in of_row]
        if not of_row:
            table.append((str(number), title, "not run", *[""] * 7, NOT_HERE.get(number, ""), ""))
    return _HEAD + "".join("| " + " | ".join(cells) + " |\n" for cells in table)


def _cells(line: Line) -> tuple[str, ...]:
    figures = (line.times, line.records, line.lost, line.doubled, line.repeats, line.overtaken, line.recovery_seconds)
    shown = ["" if each is None else f"{each:,.0f}" for each in figures]
    result = line.result if line.result == "passed" else f"**{line.result}**"
    notes = " ".join(text for text in (line.note, line.reason) if text).replace("|", "\\|")
    return (str(line.row), line.fault, result, *shown, notes, f"{line.date} {line.commit}")


def _commit() -> str:
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
