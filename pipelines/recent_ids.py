"""The ids of the events accepted lately, on the driver: the index in which a batch's re-sends are found.

It is a cache of the lake's table `events`. Which stretch of Kafka time a batch needs follows from the batch alone,
and what is not here is read from the lake. So a verdict depends on lake and batch, never on what this process
happened to keep: a replayed batch comes out as before, a late partition finds its originals, and a record with a
wild timestamp neither empties the index nor fills it.
"""
# ruff: noqa: S608 — the SQL is put together from this file's own names, never from input

from __future__ import annotations

import datetime
import tempfile
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.clients import S3Settings
from pipelines.delta_tables import open_tables
from pipelines.lake import DEAD_LETTERS, DUPLICATES, EVENTS, Lake

_SECOND = 1_000_000  # times are microseconds since the epoch
# Every so many batches, slots of time are dropped that as many batches did not need.
_IDLE_BATCHES = 10
_MOST_SPANS = 32
_ID_COLUMNS = ("event_id", "event_fingerprint", "received_at", "kafka_partition", "kafka_offset")
_FOUND = ("kafka_partition", "kafka_offset", "first_partition", "first_offset")
_FOUND_SCHEMA = pa.schema([(name, pa.int32() if name.endswith("partition") else pa.int64()) for name in _FOUND])
_ENDS_SCHEMA = pa.schema([("kafka_partition", pa.int32()), ("next_offset", pa.int64())])
_ENTRY = """event_id::uuid as id, event_fingerprint as fingerprint, epoch_us(received_at) as micros,
    kafka_partition, kafka_offset"""

Place = tuple[int, ...]  # (received at, partition, offset): the order in which records count
Find = tuple[int | None, ...]  # the columns of _FOUND


class RecentIds:
    """Ids of accepted events, for `horizon_seconds` before and after every record of a batch; 0 finds nothing.

    Compressed in memory, about 22 bytes per id; beyond `memory` it spills to a temporary folder.
    """

    def __init__(self, horizon_seconds: int, memory: str = "256MB") -> None:
        self._horizon = horizon_seconds * _SECOND
        self._slot = max(60 * _SECOND, self._horizon // 4)
        self._last_use: dict[int, int] = {}  # slot of time that is here → the last batch that needed it
        self._dropped = range(0)  # spans all slots that ever were dropped
        self._batches = 0
        self._open: Callable[[], Any] | None = None
        self._events: Any = None
        self._topic_id = ""
        self._ends: dict[int, int] = {}
        self._found: pa.Table | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="recent-ids-")
        self._database = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory,
                "temp_directory": str(Path(self._folder.name) / "spill"),
                "preserve_insertion_order": "false",
                "threads": "2",
                # Nothing is downloaded: all that is needed is compiled in.
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        # As small as a file would be, and a driver that is killed leaves none behind.
        self._database.execute("attach ':memory:' as cache (compress); use cache")
        entry = "id uuid, fingerprint bigint, micros bigint, kafka_partition int, kafka_offset bigint"
        self._database.execute(f"create table recent ({entry})")
        self._database.execute(f"create table written ({entry}, first_partition int, first_offset bigint)")
        self._database.execute("create table dead (kafka_partition int, kafka_offset bigint)")

    def restore(
        self,
        lake: Lake,
        s3: S3Settings,
        topic_id: str,
        ends: Mapping[int, int],
        doubtful: Mapping[int, tuple[int, int]] | None = None,
    ) -> int:
        """Read accepted ids from `lake` from now on; load those around the newest. Returns how many.

        Rows of `topic_id` count below `ends` (partition → first offset that is not delivered everywhere; a partition
        that is not in there has none), rows of other topics all. `doubtful` (partition → [start, end)) is what a
        batch that was cut short may have written: what the tables have of it stands, whatever the batches are now.
        Raises ConfigurationError where a table cannot be read.
        """
        if not self._horizon:
            return 0
        if doubtful:
            self._read_written(open_tables(lake, s3, [EVENTS, DUPLICATES, DEAD_LETTERS]), topic_id, doubtful)
        self._open = lambda: open_tables(lake, s3, [EVENTS])[EVENTS]
        self._events = self._open()
        self._topic_id, self._ends = topic_id, dict(ends)
        newest = _newest(self._events)
        return 0 if newest is None else self._cover({newest // self._slot})

    def find(self, ids: pa.Table) -> pa.Table:
        """The duplicates and conflicts among a batch's accepted `ids` (see `transforms.duplicates.accepted_ids`).

        kafka_partition, kafka_offset, first_partition, first_offset (both null: a conflict), in that order. Nothing
        is remembered until `commit`.
        """
        found: list[Find] = []
        if self._horizon and ids.num_rows:
            # What the tables have as dead stays dead, whatever the rules say now: it is nobody's original.
            entries = f"select {_ENTRY} from ids anti join dead using (kafka_partition, kafka_offset)"
            self._query(f"create or replace temp table batch as {entries}", ids=ids)
            self._cover({slot for (slot,) in self._query(f"select distinct micros // {self._slot} from batch")})
            found = sorted(self._judged(), key=lambda row: row[:2])
        columns = [list(column) for column in zip(*found, strict=True)] or [[]] * len(_FOUND)
        table = pa.table(columns, schema=_FOUND_SCHEMA)
        self._found = table if self._horizon and ids.num_rows else None
        return table

    def commit(self) -> None:
        """The batch of the last `find` is delivered: its ids, less the duplicates, are accepted ones now."""
        if self._found is None:
            return
        self._query(
            """insert into recent from batch anti join (from found where first_offset is not null)
               using (kafka_partition, kafka_offset)""",
            found=self._found,
        )
        self._found = None
        self._ends.update(self._query("select kafka_partition, max(kafka_offset) + 1 from batch group by all"))
        if self._batches % _IDLE_BATCHES == 0:
            self._drop({slot for slot, used in self._last_use.items() if used <= self._batches - _IDLE_BATCHES})

    @property
    def rows(self) -> int:
        """How many accepted ids are here."""
        return int(self._query("select count(*) from recent")[0][0])

    def close(self) -> None:
        """Free memory and disk."""
        self._database.close()
        self._folder.cleanup()

    def _judged(self) -> list[Find]:
        self._query("create or replace temp table known as from recent where id in (select id from batch)")
        # What a batch that was cut short has accepted is known to all, wherever it comes among them now.
        self._query("create or replace temp table kept as from written where first_offset is null")
        suspects = self._query("""
            select batch.micros, kafka_partition, kafka_offset, batch.id::varchar, batch.fingerprint,
                   written.id is not null, first_partition, first_offset
            from batch left join written using (kafka_partition, kafka_offset)
            where batch.id in (select id from known union all select id from written
                               union all select id from batch group by id having count(*) > 1)
            order by all""")
        same: dict[tuple[str, int], list[Place]] = {}
        for event_id, fingerprint, *place in self._query("""
                select id::varchar, fingerprint, micros, kafka_partition, kafka_offset
                from (from known union all select * exclude (first_partition, first_offset) from kept)
                where (id, fingerprint) in (select (id, fingerprint) from batch) order by all"""):
            same.setdefault((event_id, fingerprint), []).append(tuple(place))
        # Whether any event of an id is in reach shows by the first and last per horizon: a producer that gives one id
        # to all its events costs no more than others.
        alike: dict[str, list[int]] = {}
        for event_id, at in self._query(f"""
                select id::varchar, unnest([min(micros), max(micros)]) as micros
                from (select id, micros from known union all
                      select id, micros from kept anti join batch using (kafka_partition, kafka_offset))
                group by id, micros // {self._horizon} order by all"""):
            alike.setdefault(event_id, []).append(at)
        return judge(suspects, same, alike, self._horizon)

    def _cover(self, slots: set[int]) -> int:
        """Have all accepted ids that are within a horizon of these slots; returns how many were read."""
        reach = -(-self._horizon // self._slot)
        needed = {near for slot in slots for near in range(slot - reach, slot + reach + 1)}
        missing = needed - self._last_use.keys()
        loaded = self._load(missing) if missing else 0
        self._batches += 1
        self._last_use.update(dict.fromkeys(needed, self._batches))
        return loaded

    def _drop(self, slots: set[int]) -> None:
        if slots:
            self._query(f"delete from recent where micros // {self._slot} in (select unnest(?))", [list(slots)])
            ever = [*slots, *self._dropped[:1], *self._dropped[-1:]]
            self._dropped = range(min(ever), max(ever) + 1)
            self._last_use = {slot: used for slot, used in self._last_use.items() if slot not in slots}
        self._query("checkpoint")  # compresses what came, frees what went

    def _load(self, slots: set[int]) -> int:
        # One more slot below: // in SQL cuts towards zero, so that slots before 1970 begin earlier.
        near = " or ".join(
            f"received_at between '{_iso((first - 1) * self._slot)}' and '{_iso((last + 1) * self._slot)}'"
            for first, last in spans(slots, _MOST_SPANS)
        )
        # What came since the table was opened passed through here: it is in slots that are here or were dropped.
        if self._open is None or not (
            any(slot in self._dropped for slot in slots) or self._events.file_uris(file_pruning_predicate=near)
        ):
            return 0
        # Opened anew: files that it named long ago may be gone.
        self._events = self._open()
        stored = self._events.to_pyarrow_dataset(file_pruning_predicate=near).scanner(
            [*_ID_COLUMNS, "kafka_topic_id"], batch_size=32_768, batch_readahead=2, fragment_readahead=1
        )
        [(loaded,)] = self._query(
            f"""insert into recent select {_ENTRY} from stored left join ends using (kafka_partition)
                where epoch_us(received_at) // {self._slot} in (select unnest(?))
                  and (kafka_topic_id <> ? or kafka_offset < next_offset)""",
            [list(slots), self._topic_id],
            stored=stored.to_reader(),
            ends=pa.table([list(self._ends.keys()), list(self._ends.values())], schema=_ENDS_SCHEMA),
        )
        self._query("checkpoint")
        pa.default_memory_pool().release_unused()
        return int(loaded)

    def _read_written(self, tables: Mapping[str, Any], topic_id: str, doubtful: Mapping[int, tuple[int, int]]) -> None:
        rows = [(partition, start, end) for partition, (start, end) in doubtful.items()]
        first, last = min(start for _, start, _ in rows), max(end for *_, end in rows)
        near = f"kafka_offset between {first} and {last}"
        columns = [list(column) for column in zip(*rows, strict=True)]
        entry = _ENTRY.replace("received_at", "kafka_timestamp")
        into = {
            EVENTS: f"written select {entry}, null, null",
            DUPLICATES: f"written select {entry}, first_partition, first_offset",
            DEAD_LETTERS: "dead select kafka_partition, kafka_offset",
        }
        for name, table in tables.items():
            self._query(
                f"""insert into {into[name]}
                    from stored join doubtful using (kafka_partition)
                    where kafka_topic_id = ? and kafka_offset >= first_in_doubt and kafka_offset < next_offset""",
                [topic_id],
                stored=table.to_pyarrow_dataset(file_pruning_predicate=near),
                doubtful=pa.table(columns, names=["kafka_partition", "first_in_doubt", "next_offset"]),
            )

    def _query(self, sql: str, parameters: list[Any] | None = None, **tables: Any) -> list[Any]:
        """All rows that a statement returns; `tables` are Arrow data that it names."""
        for name, table in tables.items():
            self._database.register(name, table)
        try:
            return self._database.execute(sql, parameters).fetchall()
        finally:
            for name in tables:
                self._database.unregister(name)


def judge(
    records: list[Any], same: dict[tuple[str, int], list[Place]], alike: dict[str, list[int]], horizon: int
) -> list[Find]:
    """Go through records in their order, whose id is there more than once: the first one is accepted.

    A record is (received at, partition, offset, id, fingerprint, whether the tables have it, as whose duplicate).
    `same` has what is accepted of each (id, fingerprint), `alike` such times of each id, both sorted; they grow.
    """
    found: list[Find] = []
    for at, partition, offset, event_id, fingerprint, is_written, *original in records:
        originals, times = same.setdefault((event_id, fingerprint), []), alike.setdefault(event_id, [])
        first, other = bisect_left(originals, (at - horizon,)), bisect_left(times, at - horizon)
        if not is_written and first < len(originals) and originals[first][0] <= at + horizon:
            original = list(originals[first][1:])
        if original != [None, None]:
            found.append((partition, offset, *original))
            continue
        if other < len(times) and times[other] <= at + horizon:
            found.append((partition, offset, None, None))
        if not is_written:
            insort(originals, (at, partition, offset))
        insort(times, at)
    return found


def spans(numbers: set[int], most: int) -> list[tuple[int, int]]:
    """At most `most` spans (first, last) that hold all the numbers; the narrowest gaps are closed."""
    ordered = sorted(numbers)
    gaps = [(before, after) for before, after in pairwise(ordered) if after - before > 1]
    widest = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[: most - 1])
    firsts = [ordered[0], *(after for _, after in widest)]
    return list(zip(firsts, [*(before for before, _ in widest), ordered[-1]], strict=True))


def _newest(events: Any) -> int | None:
    """The newest received_at of a table, by its statistics."""
    files = pa.table(events.get_add_actions(flatten=True))
    if "max.received_at" not in files.column_names:
        return None
    return max((at for at in files["max.received_at"].cast(pa.int64()).to_pylist() if at is not None), default=None)


def _iso(at: int) -> str:
    """As text that delta-rs compares with statistics; what no calendar holds becomes its first or last day."""
    epoch = datetime.datetime(1970, 1, 1)
    first, last = datetime.datetime.min - epoch, datetime.datetime.max - epoch
    return (epoch + min(max(datetime.timedelta(microseconds=at), first), last)).isoformat(timespec="microseconds") + "Z"
