"""The lake: which tables there are and where. Layout and columns are in `schemas`."""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.cli import ConfigurationError

EVENTS = "events"
DEAD_LETTERS = "dead_letters"
DUPLICATES = "duplicates"
BATCH_AUDIT = "batch_audit"
TABLES = (EVENTS, DEAD_LETTERS, DUPLICATES, BATCH_AUDIT)


@dataclass(frozen=True)
class Lake:
    """The Delta tables under one URI: ``s3a://bucket[/path]`` (``s3://`` is the same), or a local path.

    Raises ConfigurationError for any other place: not all of the job's parts could reach it.
    """

    uri: str

    def __post_init__(self) -> None:
        given = self.uri.strip()
        parts = urlsplit(given)
        is_s3 = parts.scheme in {"s3", "s3a"}
        if not given or parts.scheme not in {"", "file", "s3", "s3a"} or (is_s3 and not parts.netloc):
            raise ConfigurationError(f"LAKE_URI={self.uri} is neither s3a://bucket[/path] nor a folder.")
        # Spark knows S3 as s3a only, and takes a table's path only if it is absolute.
        uri = f"s3a{given[len(parts.scheme) :]}" if is_s3 else given
        object.__setattr__(self, "uri", uri if parts.scheme else os.path.abspath(uri))

    def path(self, table: str) -> str:
        """Where Spark finds the table."""
        return f"{self.uri.rstrip('/')}/{table}"

    def delta_rs_path(self, table: str) -> str:
        """The same place as the deltalake package spells it."""
        return self.path(table).replace("s3a://", "s3://", 1)
