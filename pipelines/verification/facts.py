"""The facts of a verification: tables of a DuckDB database on disk, so that millions of records fit.

``kafka_partition`` and ``kafka_offset`` always name the raw record, also in the tables about the sink topics;
``is_current`` tells whether it is one of the raw topic as it is now (a re-created topic repeats offsets), null where
no topic is named. Of keys, values, headers and ids only 64-bit hashes are kept, so that a row takes some 50 bytes:
two that differ have the same hash once in 10^19 times. Null stands for no key, value or header.
"""
# ruff: noqa: S608 — the SQL is put together from this file's own names, never from input

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.verification.offsets import Selection

RAW = "raw"
ENRICHED = "enriched"
DEAD_LETTER = "dead-letter"

_SOURCE = "is_current boolean, kafka_partition int, kafka_offset bigint"
_SINK_RECORD = f"{_SOURCE}, sink_partition int, sink_offset bigint, key ubigint"
# `event_id` as it is written, `identity` in lower case.
_ID = "event_id ubigint, identity ubigint"

_TABLES = {
    # One row per topic (raw, enriched, dead-letter) and partition: the offsets [first, next) in Kafka.
    "logs": "topic varchar, kafka_partition int, first_offset bigint, next_offset bigint",
    # One row per record that a read_committed consumer is given. `headers` leaves out ours; `content` is what
    # `contents` compares; ids and content are null where the value was too large to be looked into.
    "raw_records": f"""kafka_partition int, kafka_offset bigint, key ubigint, value ubigint, value_bytes bigint,
        headers ubigint, {_ID}, content ubigint""",
    # One row per row of the lake's tables of the same names; times in microseconds since the epoch.
    "events": f"""{_SOURCE}, batch_id bigint, {_ID}, event_fingerprint bigint, received_at bigint, is_late boolean,
        repeats_key boolean""",
    "dead_letters": f"""{_SOURCE}, batch_id bigint, failure_type varchar, key ubigint, value ubigint,
        headers ubigint, payload_sha256 ubigint, payload_bytes bigint, payload_truncated boolean""",
    "duplicates": f"""{_SOURCE}, batch_id bigint, identity ubigint, event_fingerprint bigint, received_at bigint,
        first_partition int, first_offset bigint""",
    "batch_audit": """generation varchar, batch_id bigint, kafka_topic_id varchar,
        offsets struct(partition int, start_offset bigint, end_offset bigint)[],
        records_in bigint, accepted bigint, dead bigint, duplicate bigint, late bigint,
        failures map(varchar, bigint), kind varchar, reason varchar""",
    # Rows of events that duplicates name, from outside the selection.
    "originals_elsewhere": f"""{_SOURCE}, batch_id bigint, {_ID}, event_fingerprint bigint, received_at bigint,
        is_late boolean, repeats_key boolean""",
    # One row per record of the sink topics.
    "enriched_records": f"""{_SINK_RECORD}, event_id ubigint, header_event_id ubigint, content ubigint,
        event_fingerprint bigint, is_private boolean""",
    "queue_records": f"""{_SINK_RECORD}, value ubigint, headers ubigint, failure_type varchar,
        payload_sha256 ubigint, payload_truncated boolean""",
    # The smallest raw offset that sink records name, per chunk of records that was read: also outside the selection.
    "reaches": "topic varchar, kafka_partition int, kafka_offset bigint",
    # One row per line of the generator's manifest; and what its faults must lead to.
    "manifest": """line bigint, kafka_partition int, kafka_offset bigint, identity ubigint,
        value ubigint, fault varchar, variant varchar, topic varchar""",
    "expectations": """fault varchar, variant varchar, outcomes varchar[], failure_types varchar[],
        is_late boolean""",
}
# Only records of the selection get into these.
_SELECTED = {"raw_records", "events", "dead_letters", "duplicates", "enriched_records", "queue_records", "manifest"}

_MACROS = (
    "is_current(id) as id = getvariable('topic_id')",
    "digest(content) as case when content is not null then hash(content) end",
    "digest_of_hex(sha256) as digest(try(unhex(sha256)))",
    "table_of(outcome) as case outcome when 'accepted' then 'events' when 'dead' then 'dead_letters' "
    "else 'duplicates' end",
)


class Facts:
    """The database. Fill the tables with `add`, have `derived` work out what follows, then ask."""

    def __init__(
        self, folder: Path, topic_id: str, selection: Selection | None = None, *, memory: str = "250MB"
    ) -> None:
        """`folder` takes the database and what does not fit into `memory`.

        `topic_id` is the raw topic's, as it is now; only records of the `selection` are taken in.
        """
        self.selection = selection or Selection()
        self._database = duckdb.connect(
            str(folder / "facts.duckdb"),
            config={
                "memory_limit": memory,
                # Each thread wants memory of its own, and the disk is the limit.
                "threads": "2",
                "temp_directory": str(folder / "spill"),
                "preserve_insertion_order": "false",
                # Nothing is downloaded: all that is needed is compiled in.
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        # Nobody opens it again.
        self._database.execute("pragma disable_checkpoint_on_shutdown")
        self._database.execute("set variable topic_id = ?", [topic_id])
        for macro in _MACROS:
            self._database.execute(f"create macro {macro}")
        for name, columns in _TABLES.items():
            self._database.execute(f"create table {name} ({columns})")

    def add(self, table: str, source: Any, columns: Iterable[str] = (), given: str = "source", where: str = "") -> int:
        """Append `source` (Arrow data) to a table; returns the number of rows added.

        `columns` are SQL expressions over `given`, a query of ``source``; by default the table's own columns.
        Records outside the selection are left out, unless `where` says otherwise.
        """
        names = [row[0] for row in self.rows(f"describe {table}")]
        chosen = ", ".join(columns or names)
        condition = where or (self.selection.condition() if table in _SELECTED else "true")
        self._database.register("source", source)
        try:
            added = self._database.execute(
                f"insert into {table} ({', '.join(names)}) select {chosen} from {given} where {condition}"
            ).fetchall()
        finally:
            self._database.unregister("source")
        return int(added[0][0])

    def add_rows(self, table: str, rows: dict[str, Any], columns: Iterable[str] = (), given: str = "source") -> int:
        """Append columns of Python values."""
        return self.add(table, pa.table(rows), columns, given)

    def create(self, table: str, query: str) -> None:
        """Keep a query's rows as a table."""
        self._database.execute(f"create table {table} as {query}")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query that has few; `values` stand for its question marks."""
        return self._database.execute(query, values).fetchall()

    def number(self, query: str) -> int:
        """The single number that a query asks for."""
        return int(self.rows(query)[0][0] or 0)

    def __enter__(self) -> Facts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
