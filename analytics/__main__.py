"""The models and the page: ``python -m analytics build|report|dbt``; ``make analytics`` and ``make report``.

Reads:  the lake's Delta tables, without Spark; on the target `athena` as Glue tables.
Writes: a DuckDB file with the models (on Athena: Iceberg tables); a page of charts from them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from analytics import building
from analytics.database import Database
from analytics.places import DATABASE, REPORT, program
from analytics.settings import LakeSettings, check_athena, dbt_folders
from infra.places import PROJECT_ROOT
from pipelines.cli import CONTEXT_SETTINGS, Command, RunFailed, debug_option, run, setting, stack

TARGETS = ("local", "athena")


def _path_option(flag: str, env: str, default: Path, meaning: str) -> Callable[[Command], Command]:
    shown = str(default.relative_to(PROJECT_ROOT))
    return setting(flag, env, default, meaning, type=click.Path(path_type=Path, dir_okay=False), show_default=shown)


lake_option = stack(
    setting(
        "--lake",
        "LAKE_URI",
        None,
        "Where the Delta tables live: s3a://bucket[/path] or a path.",
        show_default="the local stack's",
    ),
    setting("--s3-endpoint", "AWS_ENDPOINT_URL", None, "S3 endpoint when it is not AWS, e.g. MinIO's URL."),
    setting("--s3-region", "AWS_REGION", "us-east-1", "S3 region."),
    _path_option("--database", "ANALYTICS_DATABASE", DATABASE, "The DuckDB file with the models."),
)


def _settings(options: dict[str, Any]) -> LakeSettings:
    return LakeSettings.load(options["lake"], options["s3_endpoint"], options["s3_region"])


@click.group(context_settings=CONTEXT_SETTINGS)
def main() -> None:
    """Models of the lake's tables (dbt), and a page of charts from them."""


@main.command()
@lake_option
@setting("--target", "DBT_TARGET", "local", "Where to build: DuckDB here, or Athena.", type=click.Choice(TARGETS))
@click.option("--full-refresh", is_flag=True, help="Build all anew, not only what arrived since.")
@debug_option
def build(target: str, full_refresh: bool, debug: bool, **options: Any) -> None:
    """Build and test all models of what is in the lake now. A second run adds what arrived since."""
    arguments = ["--full-refresh"] if full_refresh else []
    if target == "athena":
        check_athena()
        building.build_on_athena(arguments)
    else:
        building.build(_settings(options), options["database"], arguments)


@main.command()
@lake_option
@_path_option("--output", "REPORT_FILE", REPORT, "The page.")
@click.option("--no-build", is_flag=True, help="Draw the models as they are.")
@debug_option
def report(output: Path, no_build: bool, debug: bool, **options: Any) -> None:
    """Write one HTML page with charts of the models, after building them. It needs no network to be looked at."""
    if not no_build:
        building.build(_settings(options), options["database"], [], is_brief=True)
    command = [program("python"), "-m", "analytics.report", str(options["database"]), str(output)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, check=False)  # noqa: S603 — our own program
    if done.returncode:
        raise RunFailed("The page could not be written: see the line above.")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...]) -> int:
    """Run dbt itself with these ARGUMENTS, on the lake that LAKE_URI names, else the local stack's."""
    database = Database(Path(os.environ.get("ANALYTICS_DATABASE", DATABASE)))
    environment = dbt_folders(database.dbt_folder)
    if "athena" not in arguments and os.environ.get("DBT_TARGET") != "athena":
        region = os.environ.get("AWS_REGION", "us-east-1")
        settings = LakeSettings.load(os.environ.get("LAKE_URI"), os.environ.get("AWS_ENDPOINT_URL"), region)
        environment |= settings.dbt_environment(database.path)
    command = [program("dbt"), *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    raise SystemExit(run(main))
