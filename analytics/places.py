"""Folders of the analytics: the dbt project, its virtual environment, and where its results go."""

from __future__ import annotations

from infra.places import PROJECT_ROOT
from pipelines.cli import ConfigurationError

DBT_PROJECT = PROJECT_ROOT / "analytics"
VIRTUAL_ENVIRONMENT = PROJECT_ROOT / ".venv-analytics"
RESULTS = PROJECT_ROOT / ".analytics"
DATABASE = RESULTS / "shop.duckdb"
REPORT = RESULTS / "report.html"


def program(name: str) -> str:
    """A program of the virtual environment. Raises ConfigurationError where that is not installed."""
    path = VIRTUAL_ENVIRONMENT / "bin" / name
    if not path.exists():
        raise ConfigurationError(f"There is no {path}: run `make analytics`, which installs it.")
    return str(path)
