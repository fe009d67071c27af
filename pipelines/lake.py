"""The lake: which tables there are and where. Layout and columns are in `schemas`."""

from __future__ import annotations

from dataclasses import dataclass

EVENTS = "events"
DEAD_LETTERS = "dead_letters"
DUPLICATES = "duplicates"
BATCH_AUDIT = "batch_audit"
TABLES = (EVENTS, DEAD_LETTERS, DUPLICATES, BATCH_AUDIT)


@dataclass(frozen=True)
class Lake:
    """The Delta tables under one URI (``s3a://bucket[/path]`` or a local path)."""

    uri: str

    def path(self, table: str) -> str:
        """Where Spark finds the table."""
        return f"{self.uri.rstrip('/')}/{table}"

    def delta_rs_path(self, table: str) -> str:
        """The same place as the deltalake package spells it."""
        return self.path(table).replace("s3a://", "s3://", 1)
