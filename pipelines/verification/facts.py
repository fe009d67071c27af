"""The facts of a verification: tables of a DuckDB database on disk, so that millions of records fit.

``kafka_topic_id``, ``kafka_partition``, ``kafka_offset`` always name the raw record, also in the tables about
the sink topics. Values and keys are never kept, only their SHA-256: null stands for a null value or key.
"""
# ruff: noqa: S608 — the SQL is put together from this file's own names, never from input

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

RAW = "raw"
ENRICHED = "enriched"
DEAD_LETTER = "dead-letter"

_COORDINATES = "kafka_topic_id varchar, kafka_partition int, kafka_offset bigint"
_SINK_RECORD = f"""{_COORDINATES}, sink_partition int, sink_offset bigint,
    key_sha256 blob, value_sha256 blob, payload_truncated boolean"""

_TABLES = {
    # One row per topic (raw, enriched, dead-letter) and partition: the offsets [first, next) in Kafka.
    "logs": "topic varchar, kafka_partition int, first_offset bigint, next_offset bigint",
    # One row per record that a read_committed consumer is given.
    "raw_records": """kafka_partition int, kafka_offset bigint,
        key_sha256 blob, value_sha256 blob, value_bytes bigint""",
    # One row per row of the lake's tables of the same names.
    "events": f"{_COORDINATES}, batch_id bigint, event_id varchar, is_late boolean",
    "dead_letters": f"""{_COORDINATES}, batch_id bigint, failure_type varchar, key_sha256 blob,
        value_sha256 blob, payload_sha256 blob, payload_bytes bigint, payload_truncated boolean""",
    "duplicates": f"{_COORDINATES}, batch_id bigint",
    "batch_audit": """generation varchar, batch_id bigint, kafka_topic_id varchar,
        offsets struct(partition int, start_offset bigint, end_offset bigint)[],
        records_in bigint, accepted bigint, dead bigint, duplicate bigint, late bigint,
        failures map(varchar, bigint)""",
    # One row per record of the sink topics.
    "enriched_records": _SINK_RECORD,
    "queue_records": _SINK_RECORD,
    # One row per line of the generator's manifest; and what its faults must lead to.
    "manifest": """line bigint, kafka_partition int, kafka_offset bigint, event_id varchar,
        sha256 blob, fault varchar, variant varchar""",
    "expectations": """fault varchar, variant varchar, outcomes varchar[], failure_types varchar[],
        is_late boolean""",
}

# What follows from the facts about the topic as it is now.
_DERIVED = {
    # One row per batch of this topic.
    "batches": "select row_number() over () as batch, * from batch_audit where is_current(kafka_topic_id)",
    # One row per batch and partition: the offsets [start, end) it took; empty ones left out.
    "spans": """
        select batch, batch_id, o.partition as kafka_partition, o.start_offset, o.end_offset
        from (select *, unnest(offsets) as o from batches) where o.end_offset > o.start_offset""",
    # One row per partition: the offsets [first, end) that were processed and that Kafka still holds.
    "covered": """
        select kafka_partition, min(start_offset) as audited_from, max(end_offset) as end_offset,
               greatest(audited_from, coalesce(any_value(log.first_offset), 0)) as first_offset
        from spans left join (from logs where topic = 'raw') as log using (kafka_partition)
        group by kafka_partition""",
    # One row per batch: how many records Kafka gives for its offsets.
    "deliveries": """
        select batch, count(*) as records from raw_records as r
        asof join spans as s on r.kafka_partition = s.kafka_partition and r.kafka_offset >= s.start_offset
        where r.kafka_offset < s.end_offset group by batch""",
    # One row per row of events, dead_letters and duplicates; `batch` is the audited one that took its offset.
    "outcomes": """
        select o.*, case when o.kafka_offset < s.end_offset then s.batch end as batch from (
            select kafka_partition, kafka_offset, batch_id, 'accepted' as outcome, 'events' as table_name,
                   null as failure_type, event_id, is_late from events where is_current(kafka_topic_id)
            union all
            select kafka_partition, kafka_offset, batch_id, 'dead', 'dead_letters', failure_type, null, null
            from dead_letters where is_current(kafka_topic_id)
            union all
            select kafka_partition, kafka_offset, batch_id, 'duplicate', 'duplicates', null, null, null
            from duplicates where is_current(kafka_topic_id)) as o
        asof left join spans as s
        on o.kafka_partition = s.kafka_partition and o.kafka_offset >= s.start_offset""",
}


class Facts:
    """The database. Fill the tables with `add`, call `derive` once, then ask."""

    def __init__(self, folder: Path, topic_id: str, memory: str = "1GB") -> None:
        """`folder` takes the database and what does not fit into `memory`.

        `topic_id` is the raw topic's, as it is now: a re-created topic has another one and repeats offsets.
        """
        self._database = duckdb.connect(
            str(folder / "facts.duckdb"),
            config={
                "memory_limit": memory,
                "temp_directory": str(folder / "spill"),
                "preserve_insertion_order": "false",
                # Nothing is downloaded: all that is needed is compiled in.
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self._database.execute("set variable topic_id = ?", [topic_id])
        self._database.execute("create macro is_current(id) as id = getvariable('topic_id')")
        for name, columns in _TABLES.items():
            self._database.execute(f"create table {name} ({columns})")

    def add(self, table: str, source: Any, columns: Iterable[str] = ()) -> int:
        """Append `source` (an Arrow table or dataset) to a table; returns the number of rows added.

        `columns` are SQL expressions over the source, by default its columns of the table's names.
        """
        names = [row[0] for row in self.rows(f"describe {table}")]
        chosen = ", ".join(columns or names)
        self._database.register("source", source)
        try:
            added = self._database.execute(
                f"insert into {table} ({', '.join(names)}) select {chosen} from source"
            ).fetchall()
        finally:
            self._database.unregister("source")
        return int(added[0][0])

    def add_rows(self, table: str, rows: dict[str, list[Any]]) -> int:
        """Append columns of Python values."""
        return self.add(table, pa.table(rows))

    def derive(self) -> None:
        """Work out what follows; call it when all facts are in."""
        for name, query in _DERIVED.items():
            self.create(name, query)

    def create(self, table: str, query: str) -> None:
        """Keep a query's rows as a table."""
        self._database.execute(f"create table {table} as {query}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query that has few."""
        return self._database.execute(query).fetchall()

    def number(self, query: str) -> int:
        """The single number that a query asks for."""
        return int(self.rows(query)[0][0] or 0)

    def __enter__(self) -> Facts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
