"""The figures of a finished run, from its events, with DuckDB: millions of lines in seconds, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.cli import ConfigurationError, one_line

_EVENTS = """
    create temp table events as
    select event ->> '$.event_name' as name, event ->> '$.anonymous_id' as visitor, event ->> '$.session_id' as visit,
           try_cast(event ->> '$.event_time' as timestamptz) as happened_at, event ->> '$.items[0].item_id' as item
    from (select case when json_valid(line) then line::json end as event
          from read_csv(?, columns = {'line': 'varchar'}, delim = '\\x01', quote = '', escape = '', header = false,
                        ignore_errors = true, max_line_size = 4000000))
    where json_type(event, '$.event_name') = 'VARCHAR'"""
_MANIFEST = """
    select coalesce(fault, 'none'), count(*)
    from read_json(?, format = 'newline_delimited', columns = {'fault': 'varchar'}) group by 1 order by 2 desc"""
_GAPS = """
    create temp table gaps as
    select epoch(happened_at - lag(happened_at) over (partition by visit order by happened_at)) as seconds
    from events where happened_at is not null"""
# Wrong clocks and bad timestamps would stretch the axis over centuries.
_BOUNDS = """
    create temp table bounds as
    select quantile_disc(happened_at, 0.02) - interval 6 hour as low,
           quantile_disc(happened_at, 0.98) + interval 6 hour as high
    from events where happened_at is not null"""
_PER_HOUR = """
    select epoch(date_trunc('hour', happened_at))::bigint, count(*) from events, bounds
    where happened_at between low and high group by 1 order by 1"""
_GAP_COUNTS = """
    select 10 ** (floor(log10(seconds) * 10) / 10), count(*) from gaps where seconds > 0 group by 1 order by 1"""
_LENGTHS = "select n, count(*) from (select count(*) as n from events group by visit) group by 1 order by 1"
_POPULARITY = "select count(*) from events where name = 'view_item' group by item order by 1 desc"


@dataclass(frozen=True)
class Figures:
    """Counts of a run.

    `per_hour` is (start of the hour in seconds since 1970, events), `gaps` (seconds, count) in steps of a tenth of a
    decade, `visit_lengths` (events, visits), `popularity` the views of each product, most wanted first.
    """

    events: int
    unreadable: int
    visitors: int
    visits: int
    by_name: dict[str, int]
    per_hour: list[tuple[int, int]]
    gaps: list[tuple[float, int]]
    gap_median_seconds: float
    visit_lengths: list[tuple[int, int]]
    popularity: list[int]
    faults: dict[str, int]

    @property
    def carts_per_view(self) -> float:
        """Add-to-carts per view of a product."""
        return self.by_name.get("add_to_cart", 0) / max(1, self.by_name.get("view_item", 0))

    @property
    def purchases_per_cart(self) -> float:
        """Purchases per add-to-cart."""
        return self.by_name.get("purchase", 0) / max(1, self.by_name.get("add_to_cart", 0))

    @property
    def events_per_visitor(self) -> float:
        """Views, add-to-carts and purchases per visitor."""
        counted = sum(self.by_name.get(name, 0) for name in ("view_item", "add_to_cart", "purchase"))
        return counted / max(1, self.visitors)


def read_figures(events: Path, manifest: Path | None) -> Figures:
    """Count. Raises ConfigurationError where a file cannot be read or is no manifest."""
    with duckdb.connect() as db:
        lines = _lines(events)
        db.execute(_EVENTS, [str(events)])

        def rows(query: str) -> list[tuple[Any, ...]]:
            return db.execute(query).fetchall()

        for create in (_GAPS, _BOUNDS):
            db.execute(create)
        ((count, visitors, visits),) = rows(
            "select count(*), count(distinct visitor), count(distinct visit) from events"
        )
        ((median,),) = rows("select coalesce(median(seconds), 0) from gaps where seconds > 0")
        return Figures(
            events=count,
            unreadable=lines - count,
            visitors=visitors,
            visits=visits,
            by_name=dict(rows("select name, count(*) from events group by 1 order by 2 desc")),
            per_hour=rows(_PER_HOUR),
            gaps=rows(_GAP_COUNTS),
            gap_median_seconds=float(median),
            visit_lengths=rows(_LENGTHS),
            popularity=[count for (count,) in rows(_POPULARITY)],
            faults=_faults(db, manifest) if manifest else {},
        )


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error


def _faults(db: duckdb.DuckDBPyConnection, manifest: Path) -> dict[str, int]:
    try:
        return dict(db.execute(_MANIFEST, [str(manifest)]).fetchall())
    except duckdb.Error as error:
        raise ConfigurationError(f"--manifest: {manifest} cannot be read: {one_line(error)}") from error
