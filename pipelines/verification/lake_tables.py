"""Read the lake's tables with delta-rs, each at the version it had when this began; no Spark."""

from __future__ import annotations

from pipelines import lake
from pipelines.clients import S3Settings
from pipelines.delta_tables import open_tables
from pipelines.verification.facts import Facts
from pipelines.verification.progress import Progress

_LINEAGE = ("kafka_topic_id", "kafka_partition", "kafka_offset")
# SQL over a table's columns, in the order of the columns in `facts`. The audit is pinned first: whatever it
# lists, the tables pinned after it hold.
_COLUMNS: dict[str, tuple[str, ...]] = {
    lake.BATCH_AUDIT: (
        "generation",
        "batch_id",
        "kafka_topic_id",
        "offsets",
        "records_in",
        "accepted",
        "dead",
        "duplicate",
        "late",
        "failures",
    ),
    lake.EVENTS: (*_LINEAGE, "batch_id", "event_id", "is_late"),
    lake.DEAD_LETTERS: (
        *_LINEAGE,
        "batch_id",
        "failure_type",
        "unhex(sha256(key))",
        "unhex(sha256(value))",
        "try(unhex(payload_sha256))",
        "payload_bytes",
        "payload_truncated",
    ),
    lake.DUPLICATES: (*_LINEAGE, "batch_id"),
}


class LakeTables:
    """The four tables, pinned."""

    def __init__(self, place: lake.Lake, s3: S3Settings) -> None:
        """Raises ConfigurationError where the lake or one of its tables cannot be found or read."""
        self._tables = open_tables(place, s3, _COLUMNS)

    def read_all(self, facts: Facts, progress: Progress) -> None:
        """Add all rows."""
        for name, table in self._tables.items():
            with progress.task(f"reading table {name}"):
                facts.add(name, table.to_pyarrow_dataset(), _COLUMNS[name])
