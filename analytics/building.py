"""Building the models, told in a few plain lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
from deltalake import DeltaTable
from rich.console import Console
from rich.text import Text

from analytics import dbt
from analytics.database import Database
from analytics.places import RESULTS
from analytics.settings import LakeSettings
from pipelines import lake
from pipelines.cli import RunFailed
from pipelines.delta_tables import open_tables
from pipelines.terminal import page, plain_table

_SOURCES = (lake.EVENTS, lake.DEAD_LETTERS, lake.BATCH_AUDIT)


def build(settings: LakeSettings, path: Path, arguments: Sequence[str], *, is_brief: bool = False) -> None:
    """Build and test all models in the DuckDB file at `path`; `is_brief` leaves out the list of models.

    Raises ConfigurationError where the lake cannot be read, RunFailed where a model or test fails.
    """
    console = page()
    tables = open_tables(settings.lake, settings.s3, _SOURCES)
    console.print(Text(f"Lake {settings}: {_progress(tables[lake.BATCH_AUDIT])}"), soft_wrap=True)
    database = Database(path)
    with database.alone():
        if not database.belong_to(str(tables[lake.EVENTS].metadata().id)):
            console.print(f"{path} held the models of another lake: built anew.", soft_wrap=True)
        environment = settings.dbt_environment(path)
        outcome = _run(console, database.dbt_folder, environment, ["--target", "local", *arguments])
        if not is_brief:
            _show_models(console, outcome.models, database.count(list(outcome.models)))
    _conclude(console, outcome, f"in {path}")


def build_on_athena(arguments: Sequence[str]) -> None:
    """Build and test all models on Athena; raises RunFailed where one fails."""
    console = page()
    outcome = _run(console, RESULTS / "athena.dbt", {}, ["--target", "athena", *arguments])
    _conclude(console, outcome, "on Athena")


def _run(console: Console, folder: Path, environment: dict[str, str], arguments: Sequence[str]) -> dbt.Outcome:
    with console.status("dbt reads the project") as status:
        outcome = dbt.build(folder, environment, arguments, lambda line: status.update(f"built {line}"))
    if isinstance(outcome, str):
        raise RunFailed(f"dbt: {outcome}")
    return outcome


def _progress(batch_audit: DeltaTable) -> str:
    """How far the job has come, by its audit."""
    audit = batch_audit.to_pyarrow_dataset()  # noqa: F841 — DuckDB finds it by its name
    row = duckdb.sql("""
        select count(*), epoch(now()) - epoch(max(processed_at))
        from audit where coalesce(kind, 'batch') = 'batch'""").fetchone()
    batches, age = row or (0, None)
    if age is None:
        return "no batch yet, so the models will be empty"
    return f"{batches:,} batches, the newest {_span(age)} old"


def _span(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _show_models(console: Console, models: dict[str, str], rows: dict[str, int]) -> None:
    table = plain_table()
    table.add_column("model")
    table.add_column("rows", justify="right")
    table.add_column("one row per")
    for name, description in models.items():
        grain = description.partition("One row per ")[2]
        table.add_row(name, f"{rows[name]:,}", grain.partition(". ")[0].rstrip("."))
    console.print(table)


def _conclude(console: Console, outcome: dbt.Outcome, where: str) -> None:
    for title, problems in (("warning", outcome.warnings), ("failed", outcome.failures)):
        for problem in problems:
            sql = f" ({problem.sql})" if problem.sql else ""
            console.print(Text(f"{title}: {problem.name}: {problem.message}{sql}"), soft_wrap=True)
    summary = f"{len(outcome.models)} models built, {outcome.tests} tests passed {where} ({outcome.seconds:.0f} s)"
    if outcome.failures:
        raise RunFailed(f"{summary}, {len(outcome.failures)} failed: see above.")
    console.print(f"{summary}.", soft_wrap=True)
