"""Small lakes on a local folder, written by delta-rs as the job's tables are laid out; files can be made old."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from pipelines.lake import BATCH_AUDIT, DEAD_LETTERS, DUPLICATES, EVENTS, Lake

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
PARTITION = {EVENTS: "load_date", DEAD_LETTERS: "dlq_date", DUPLICATES: None, BATCH_AUDIT: None}


def day(days_ago: int) -> datetime.date:
    return TODAY - datetime.timedelta(days=days_ago)


def append(lake: Lake, table: str, days_ago: int = 0, rows: int = 3, batch: int = 0) -> None:
    """One commit of the stream with one file."""
    column = PARTITION[table]
    columns = {"kafka_offset": range(batch * rows, (batch + 1) * rows), "note": ["x" * 20] * rows}
    if column:
        columns[column] = [day(days_ago)] * rows
    write_deltalake(
        lake.path(table),
        pa.table({name: list(values) for name, values in columns.items()}),
        mode="append",
        partition_by=[column] if column else None,
        commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps({"topic_id": "t"})}),
    )


def small_lake(folder: Path) -> Lake:
    """Each table with three files; of the partitioned ones three of today and of yesterday each."""
    lake = Lake(str(folder))
    for table in PARTITION:
        for days_ago in (0, 1) if PARTITION[table] else (0,):
            for batch in range(3):
                append(lake, table, days_ago, batch=batch)
    return lake


def contents(lake: Lake, table: str) -> list[dict]:
    """All rows."""
    rows = DeltaTable(lake.path(table)).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: json.dumps(row, default=str))


def files(lake: Lake, table: str) -> set[str]:
    """The data files in the folder."""
    return {file.name for file in Path(lake.path(table)).rglob("*.parquet") if "_delta_log" not in file.parts}


def named_files(lake: Lake, table: str) -> set[str]:
    """The data files that the newest version names."""
    return {Path(uri).name for uri in DeltaTable(lake.path(table)).file_uris()}


def age(lake: Lake, table: str, days: float) -> None:
    """Let time pass: all files, and all commits and removals in the log, become older by so many days."""
    milliseconds = int(days * 86_400_000)
    times = {file: file.stat().st_mtime for file in Path(lake.path(table)).rglob("*") if file.is_file()}
    for log in Path(lake.path(table), "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        for action in actions:
            for kind, name in (("remove", "deletionTimestamp"), ("commitInfo", "timestamp")):
                if kind in action:
                    action[kind][name] -= milliseconds
        log.write_text("".join(json.dumps(action) + "\n" for action in actions))
    for file, then in times.items():
        os.utime(file, (then - days * 86_400,) * 2)
