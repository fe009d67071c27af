"""The steps on one table, by delta-rs: delete what is past its retention, merge small files, remove unused ones.

Each is a commit (the last one: two) of the plain protocol, whose userMetadata says that it is none of the stream's: the
job passes over it when it looks where it ended. The log is not cleaned here and gets no checkpoint: if maintenance ran
for weeks and the job did not, the stream's last commit would fall out of the log, and with it the place to go on.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, WriterProperties

from pipelines.maintenance.files import TARGET_BYTES, Day


def _commit(step: str) -> dict[str, Any]:
    return {
        "commit_properties": CommitProperties(custom_metadata={"userMetadata": json.dumps({"maintenance": step})}),
        "post_commithook_properties": PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False),
    }


def delete_before(table: DeltaTable, day: datetime.date) -> int:
    """Delete the partitions before a day; returns the number of rows. Their files stay until `remove_unused`."""
    (column,) = table.metadata().partition_columns
    return int(table.delete(f"{column} < '{day.isoformat()}'", **_commit("retention"))["num_deleted_rows"])


def merge(table: DeltaTable, day: Day) -> int:
    """Merge the small files of a partition; returns by how many files it has fewer. Rows and their order stay."""
    columns = table.metadata().partition_columns
    only = [(columns[0], "=", day.isoformat())] if day else None
    done = table.optimize.compact(
        only,
        target_size=TARGET_BYTES,
        writer_properties=WriterProperties(compression="ZSTD"),
        **_commit("optimize"),
    )
    return int(done["numFilesRemoved"]) - int(done["numFilesAdded"])


def unused(table: DeltaTable, stored: Mapping[str, int], retention_hours: int) -> dict[str, int]:
    """Path → bytes of what `remove_unused` would remove: delta-rs also lists what an earlier run has removed."""
    listed = table.vacuum(retention_hours, dry_run=True, enforce_retention_duration=False, full=True)
    return {path: stored[path] for path in listed if path in stored}


def remove_unused(table: DeltaTable, retention_hours: int) -> None:
    """Remove files that no version of the last `retention_hours` needs, a crash's leftovers included."""
    table.vacuum(retention_hours, dry_run=False, enforce_retention_duration=False, full=True, **_commit("vacuum"))
