"""dbt as a program: run it, pass on what goes wrong, and read from its files what it did."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.places import program
from analytics.settings import dbt_folders

_BAD = {"error", "fail", "runtime error"}


@dataclass(frozen=True)
class Problem:
    """A model or test that did not do well: one line, and where its SQL is."""

    name: str
    message: str
    sql: Path | None


@dataclass(frozen=True)
class Outcome:
    """What a `dbt build` did. `models` maps each model that stands to its description."""

    models: dict[str, str]
    tests: int
    failures: list[Problem]
    warnings: list[Problem]
    seconds: float


def build(
    folder: Path, environment: Mapping[str, str], arguments: Sequence[str], on_line: Callable[[str], None]
) -> Outcome | str:
    """Build and test the models; dbt leaves its files in `folder`. `on_line` gets a line per model as it is built.

    Returns the outcome, or, where dbt did not come so far, its error message.
    """
    folders = dbt_folders(folder)
    written = Path(folders["DBT_TARGET_PATH"])
    (written / "run_results.json").unlink(missing_ok=True)
    command = [program("dbt"), "--log-format", "json", "--log-level-file", "none", "build", *arguments]
    with subprocess.Popen(  # noqa: S603 — our own program
        command,
        env={**os.environ, **folders, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as dbt:
        errors = [error for line in dbt.stdout or () if (error := _heard(line, on_line))]
    try:
        return _outcome(written)
    except FileNotFoundError:
        return "; ".join(errors) or f"dbt ended with exit code {dbt.returncode}"


def _heard(line: str, on_line: Callable[[str], None]) -> str | None:
    """The line's error message, if it is one. A finished model is told."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    info, data = event["info"], event["data"]
    if info["name"] == "LogModelResult" and data["node_info"]["node_status"] == "success":
        on_line(f"{data['node_info']['node_name']} ({data['execution_time']:.1f} s)")
    return " ".join(info["msg"].split()) if info["level"] == "error" else None


def _outcome(written: Path) -> Outcome:
    results = json.loads((written / "run_results.json").read_text())
    nodes = json.loads((written / "manifest.json").read_text())["nodes"]
    ran = results["results"]
    built = [nodes[each["unique_id"]] for each in ran if _kind(each) == "model" and each["status"] == "success"]
    return Outcome(
        models={
            node["name"]: node["description"]
            for node in sorted(built, key=lambda node: ("staging" not in node["path"], node["name"]))
        },
        tests=sum(_kind(each) in {"test", "unit_test"} and each["status"] == "pass" for each in ran),
        failures=[_problem(each, written) for each in ran if each["status"] in _BAD],
        warnings=[_problem(each, written) for each in ran if each["status"] == "warn"],
        seconds=float(results["elapsed_time"]),
    )


def _kind(result: Mapping[str, Any]) -> str:
    return str(result["unique_id"]).partition(".")[0]


def _problem(result: Mapping[str, Any], written: Path) -> Problem:
    kind, _, rest = str(result["unique_id"]).partition(".")
    name = rest.split(".")[-1] if kind == "unit_test" else rest.split(".")[1]
    message = " ".join(str(result["message"] or result["status"]).split())
    found = sorted((written / "compiled").rglob(f"{name}.sql"))
    return Problem(f"{kind.replace('_', ' ')} {name}", message[:400], found[0] if found else None)
