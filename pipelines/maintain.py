"""Care for the lake's tables: ``python -m pipelines.maintain``. Needs no Spark; the job must not run meanwhile.

Reads:  the Delta tables' logs.
Writes: dead letters that are past their retention are deleted; small files of days that are over are merged; files that
        nothing needs any more are removed. Rows, their order and what the stream knows of its progress stay.
Guarantees: it holds the lake's lease while it works, so no job writes then (where the lease is firm). Each step is one
commit; stopped anywhere, it can be run again.
"""

from __future__ import annotations

import datetime
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, RunFailed, debug_option, lake_options, one_line, run
from pipelines.cli import setting as option
from pipelines.clients import S3Settings
from pipelines.delta_tables import open_tables
from pipelines.lake import DEAD_LETTERS, TABLES, Lake
from pipelines.lease import Lease
from pipelines.maintenance import steps
from pipelines.maintenance.files import Day, TableFiles
from pipelines.maintenance.report import Cared, show
from pipelines.maintenance.stored import StoredFiles
from pipelines.terminal import page

SAFE_VACUUM_HOURS = 7 * 24
# Half of what Delta's log remembers; see `steps`.
_IDLE_DAYS = 15
_FILES_AT_ONCE = 1_000


@dataclass(frozen=True)
class Policy:
    """What is old. `today` (UTC) and later days are still written to; 0 days keep dead letters for ever."""

    today: datetime.date
    vacuum_retention_hours: int = SAFE_VACUUM_HOURS
    dead_letter_retention_days: int = 30

    @property
    def dead_letters_from(self) -> datetime.date | None:
        """The first day whose dead letters stay."""
        days = self.dead_letter_retention_days
        return self.today - datetime.timedelta(days=days) if days else None


@dataclass
class Maintenance:
    """The work on one lake. `allowed` is asked before each change and raises where nothing may be written any more."""

    policy: Policy
    stored: StoredFiles
    allowed: Callable[[], None]
    say: Callable[[str], None] = field(default=lambda line: click.echo(f"maintain: {line}", err=True))
    stop_requested: bool = field(default=False, init=False)

    def preview(self, name: str, table: DeltaTable) -> Cared:
        """What `care` would do; what merging leaves behind becomes unused only then."""
        files, first = TableFiles.of(table), self._first_kept(name)
        days = [day for day in self._to_merge(name, table) if not (first and day and day < first)]
        unused = steps.unused(table, self.stored.of(name), self.policy.vacuum_retention_hours)
        return Cared(
            name,
            before=files,
            after=files,
            expired=files.rows_before(first) if first else 0,
            fewer=sum(files.small[day] - 1 for day in days),
            removed=len(unused),
            removed_bytes=sum(unused.values()),
        )

    def care(self, name: str, table: DeltaTable) -> Cared:
        """All steps on one table; less where a stop is requested."""
        before, first = TableFiles.of(table), self._first_kept(name)
        expired = fewer = 0
        if first and before.rows_before(first) and self._may_go_on(f"{name}: deleting what arrived before {first}"):
            expired = steps.delete_before(table, first)
        for day in self._to_merge(name, table):
            if self._may_go_on(f"{name}: merging small files{f' of {day}' if day else ''}"):
                fewer += steps.merge(table, day)
        removed = self._remove_unused(name, table)
        return Cared(name, before, TableFiles.of(table), expired, fewer, len(removed), sum(removed.values()))

    def _to_merge(self, name: str, table: DeltaTable) -> list[Day]:
        days = TableFiles.of(table).worth_merging(self.policy.today)
        last = steps.last_written(table) if days else None
        if last is None or last >= self.policy.today - datetime.timedelta(days=_IDLE_DAYS):
            return days if last else []
        self.say(f"{name}: no batch since {last}: its small files stay until the job has run again")
        return []

    def _remove_unused(self, name: str, table: DeltaTable) -> dict[str, int]:
        hours = self.policy.vacuum_retention_hours
        removed: dict[str, int] = {}
        unused = {} if self.stop_requested else steps.unused(table, self.stored.of(name), hours)
        for some in _chunks(sorted(unused), _FILES_AT_ONCE):
            if self._may_go_on(f"{name}: removing {len(some):,} files that were not needed for {hours} h"):
                self.stored.remove(name, some)
                removed |= {path: unused[path] for path in some}
        return removed

    def _first_kept(self, name: str) -> datetime.date | None:
        """The first day that stays, of a table that has a retention."""
        return self.policy.dead_letters_from if name == DEAD_LETTERS else None

    def _may_go_on(self, step: str) -> bool:
        """Whether the step is to be done now. Raises LeaseLost."""
        if self.stop_requested:
            return False
        self.allowed()
        self.say(f"{step} …")
        return True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In here SIGTERM and Ctrl-C let the step in hand finish; the second one ends the process."""

        def stop(number: int, frame: object) -> None:
            self.stop_requested = True
            signal.signal(number, signal.SIG_DFL)
            self.say("stopping after the step in hand …")

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@click.command(context_settings=CONTEXT_SETTINGS)
@lake_options
@option(
    "--vacuum-retention-hours",
    "VACUUM_RETENTION_HOURS",
    SAFE_VACUUM_HOURS,
    "Files that are unused for so long are removed: readers of an older version need them until then. Hours.",
    type=click.IntRange(0),
)
@click.option(
    "--allow-short-retention",
    is_flag=True,
    help=f"Take less than {SAFE_VACUUM_HOURS} hours: whoever reads the tables just now may fail.",
)
@option(
    "--dead-letter-retention-days",
    "DEAD_LETTER_RETENTION_DAYS",
    30,
    "Dead letters that arrived earlier are deleted; 0 keeps them. Days.",
    type=click.IntRange(0, 36_500),
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, change nothing; the job may run meanwhile.")
@debug_option
def main(
    vacuum_retention_hours: int,
    allow_short_retention: bool,
    dead_letter_retention_days: int,
    dry_run: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Delete old dead letters, merge small files, remove unused ones. Stop the enrichment job before it.

    Exit codes: 0 done, or stopped by SIGTERM or Ctrl-C after the step in hand; 1 failed, run it again; 2 configuration;
    3 a job writes to this lake.
    """
    if vacuum_retention_hours < SAFE_VACUUM_HOURS and not allow_short_retention:
        raise ConfigurationError(
            f"VACUUM_RETENTION_HOURS={vacuum_retention_hours} is less than {SAFE_VACUUM_HOURS}: readers of older "
            "versions may still need those files. --allow-short-retention removes them nevertheless."
        )
    place, s3 = Lake(options["lake"]), S3Settings(options["s3_endpoint"], options["s3_region"])
    today = datetime.datetime.now(datetime.timezone.utc).date()
    policy = Policy(today, vacuum_retention_hours, dead_letter_retention_days)
    show(page(), (preview if dry_run else maintain)(place, s3, policy), is_dry_run=dry_run)


def preview(place: Lake, s3: S3Settings, policy: Policy) -> list[Cared]:
    """What `maintain` would do with each table. A job may write meanwhile."""
    work = Maintenance(policy, StoredFiles(place, s3), allowed=lambda: None)
    return _each(open_tables(place, s3, TABLES), work.preview)


def maintain(place: Lake, s3: S3Settings, policy: Policy) -> list[Cared]:
    """Care for each table, as the lake's one writer. Raises StoppedByPolicy where that is somebody else."""
    open_tables(place, s3, TABLES)  # before anything is written into a place that is no lake
    lease = Lease.acquire(place.uri, s3, "LAKE_URI", lambda line: click.echo(f"warning: {line}", err=True))
    try:
        work = Maintenance(policy, StoredFiles(place, s3), allowed=lease.check)
        with work.listening():
            # Opened anew: a job may have written until the lease was ours.
            done = _each(open_tables(place, s3, TABLES), work.care)
    finally:
        lease.release()
    if work.stop_requested:
        work.say("stopped; the rest is left to the next run")
    return done


def _each(tables: dict[str, DeltaTable], work: Callable[[str, DeltaTable], Cared]) -> list[Cared]:
    done = []
    for name, table in tables.items():
        try:
            done.append(work(name, table))
        except (DeltaError, OSError) as error:
            raise RunFailed(f"Table {name}: {one_line(error)}. What was done before stays; run it again.") from error
    return done


def _chunks(paths: list[str], size: int) -> list[list[str]]:
    return [paths[i : i + size] for i in range(0, len(paths), size)]


if __name__ == "__main__":
    raise SystemExit(run(main))
