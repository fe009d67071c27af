"""Read the lake's tables with delta-rs, each at the version it had when this began; no Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from pipelines import lake
from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings, split_s3_uri
from pipelines.preflight import check_lake
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
        if split_s3_uri(place.uri) is not None:
            check_lake(place.uri, s3)
        elif not Path(place.uri.removeprefix("file://")).is_dir():
            raise ConfigurationError(f"LAKE_URI={place.uri}: there is no such folder.")
        self._tables = {name: _open(place, name, s3) for name in _COLUMNS}

    def read_all(self, facts: Facts, progress: Progress) -> None:
        """Add all rows."""
        for name, table in self._tables.items():
            with progress.task(f"table {name}"):
                facts.add(name, table.to_pyarrow_dataset(), _COLUMNS[name])


def _open(place: lake.Lake, name: str, s3: S3Settings) -> Any:
    options = s3.for_deltalake() if split_s3_uri(place.uri) else None
    try:
        return DeltaTable(place.delta_rs_path(name), storage_options=options)
    except TableNotFoundError as error:
        raise ConfigurationError(
            f"LAKE_URI={place.uri} has no table {name}: correct it, or run pipelines/enrich.py first."
        ) from error
    except (DeltaError, OSError) as error:
        raise ConfigurationError(
            f"LAKE_URI={place.uri}: table {name} cannot be read ({type(error).__name__})."
        ) from error
