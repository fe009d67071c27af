"""The steps on one table, by delta-rs: delete what is past its retention, merge small files, find unused ones.

Each commit is one of the plain protocol, and its userMetadata says that it is none of the stream's: the job passes over
it when it looks in the log where it ended. That log must not lose the stream's newest commit. delta-rs 1.6.6 may clean
it after `compact` and `vacuum`, whatever it is told, of commits that are older than the log's retention (30 days): so a
table that the stream has left alone for weeks is not compacted, and unused files are removed without a commit.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, WriterProperties

from pipelines.maintenance.files import TARGET_BYTES, Day

_NEWEST = 50


def _commit(step: str) -> dict[str, Any]:
    return {
        "commit_properties": CommitProperties(custom_metadata={"userMetadata": json.dumps({"maintenance": step})}),
        "post_commithook_properties": PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False),
    }


def last_written(table: DeltaTable) -> datetime.date | None:
    """The day (UTC) of the stream's newest commit; None where there is none."""
    for limit in (_NEWEST, None):
        for commit in table.history(limit):
            if "topic_id" in str(commit.get("userMetadata")):
                return datetime.datetime.fromtimestamp(commit["timestamp"] / 1000, datetime.timezone.utc).date()
    return None


def delete_before(table: DeltaTable, day: datetime.date) -> int:
    """Delete the partitions before a day; returns the number of rows. Their files are unused from then on."""
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
    """Path → bytes of the files that no version of the last hours needs, a crash's leftovers included.

    Of what delta-rs lists, which is also what an earlier run has removed, only what is there.
    """
    listed = table.vacuum(retention_hours, dry_run=True, enforce_retention_duration=False, full=True)
    return {path: stored[path] for path in listed if path in stored}
