"""Read the lake's tables with delta-rs, each at the version it had when this began; no Spark."""
# ruff: noqa: S608 — the SQL is put together from this project's own constants and checked numbers

from __future__ import annotations

import re
from typing import Any

from deltalake import DeltaTable

from pipelines import lake
from pipelines.clients import S3Settings
from pipelines.delta_tables import open_tables
from pipelines.verification.facts import Facts
from pipelines.verification.offsets import spans_as_arrow
from pipelines.verification.progress import Progress

_LINEAGE = {
    "is_current": "is_current(kafka_topic_id)",
    "kafka_partition": "kafka_partition",
    "kafka_offset": "kafka_offset",
    "batch_id": "batch_id",
}
_OUR_HEADERS = r"^(source\.|__connect\.errors\.|dlq\.)"
# As `kafka_rows.headers_text` writes them.
_HEADERS = f"""array_to_string(list_transform(
    list_filter(headers, lambda h: not regexp_matches(h.key, '{_OUR_HEADERS}')),
    lambda h: hex(h.key) || ':' || coalesce(hex(h.value), '-')), ',')"""
# Column of a table in `facts` → SQL over the columns of the lake's.
_EVENTS = {
    **_LINEAGE,
    "event_id": "digest(event_id)",
    "identity": "digest(lower(event_id))",
    "event_fingerprint": "event_fingerprint",
    "received_at": "epoch_us(received_at)",
    "is_late": "is_late",
    "repeats_key": "coalesce(list_contains(list_transform(warnings, lambda w: w.keyword), 'duplicate_key'), false)",
}
_DEAD_LETTERS = {
    **_LINEAGE,
    "failure_type": "failure_type",
    "key": "digest(key)",
    "value": "digest(unhex(sha256(value)))",
    "headers": f"digest(nullif({_HEADERS}, ''))",
    "payload_sha256": "digest_of_hex(payload_sha256)",
    "payload_bytes": "payload_bytes",
    "payload_truncated": "payload_truncated",
}
_DUPLICATES = {
    **_LINEAGE,
    "identity": "digest(lower(event_id))",
    "event_fingerprint": "event_fingerprint",
    "received_at": "epoch_us(kafka_timestamp)",
    "first_partition": "first_partition",
    "first_offset": "first_offset",
}
_AUDIT = ("generation", "batch_id", "kafka_topic_id", "offsets", "records_in", "accepted", "dead", "duplicate", "late",
          "failures", "kind", "reason")  # fmt: skip
# Columns that tables of older releases lack until the job has run again.
_ADDED = ("kind", "reason")
# The audit is pinned first: whatever it lists, the tables pinned after it hold.
_COLUMNS: dict[str, dict[str, str]] = {
    lake.BATCH_AUDIT: {name: name for name in _AUDIT},
    lake.EVENTS: _EVENTS,
    lake.DEAD_LETTERS: _DEAD_LETTERS,
    lake.DUPLICATES: _DUPLICATES,
}
# Rows at a time; a dead letter has its bytes.
_BATCH_ROWS = {lake.DEAD_LETTERS: 1_000}
_ELSEWHERE = """
    select first_partition, min(first_offset), max(first_offset) + 1 from duplicates where is_current
    group by first_partition having count(first_offset) > 0"""


class LakeTables:
    """The four tables, pinned."""

    def __init__(self, place: lake.Lake, s3: S3Settings) -> None:
        """Raises ConfigurationError where the lake or one of its tables cannot be found or read."""
        self._tables: dict[str, DeltaTable] = open_tables(place, s3, _COLUMNS)

    def read_all(self, facts: Facts, progress: Progress) -> None:
        """Add all selected rows, and the accepted records elsewhere that selected duplicates name."""
        selected = facts.selection.arrow()
        for name in self._tables:
            with progress.task(f"reading table {name}"):
                self._read(facts, name, name, None if name == lake.BATCH_AUDIT else selected)
        named = {p: [(first, end)] for p, first, end in facts.rows(_ELSEWHERE)}
        if selected is not None and named:
            with progress.task(f"looking for first copies in {lake.EVENTS}"):
                where = f"""not {facts.selection.condition()} and (kafka_partition, kafka_offset) in (
                    select (first_partition, first_offset) from duplicates)"""
                nearby = spans_as_arrow("kafka_partition", "kafka_offset", named)
                self._read(facts, lake.EVENTS, "originals_elsewhere", nearby, where)

    def _read(self, facts: Facts, name: str, table: str, rows: Any, where: str = "") -> None:
        """Add a table's rows to the facts' `table`; `rows` is a filter that lets files be skipped."""
        dataset = self._tables[name].to_pyarrow_dataset()
        chosen = _COLUMNS[name]
        lacking = [column for column in _ADDED if column in chosen and column not in dataset.schema.names]
        columns = {**chosen, **dict.fromkeys(lacking, "null")}
        used = [column for column in dataset.schema.names if any(_names(column, sql) for sql in columns.values())]
        # Little is read ahead: otherwise a table's values would be in memory by the gigabyte.
        scanner = dataset.scanner(
            columns=used,
            filter=rows,
            batch_size=_BATCH_ROWS.get(name, 50_000),
            batch_readahead=2,
            fragment_readahead=1,
        )
        facts.add(table, scanner.to_reader(), columns.values(), where=where)


def _names(column: str, sql: str) -> bool:
    return re.search(rf"(?<![\w.]){column}\b", sql) is not None
