"""How these tests run the analytics: as people do, as a process, on a database of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from analytics.places import VIRTUAL_ENVIRONMENT
from infra.places import PROJECT_ROOT

TIMEOUT_SECONDS = 300
PYTHON = VIRTUAL_ENVIRONMENT / "bin" / "python"


@dataclass(frozen=True)
class Analytics:
    """The models of one lake, which the environment names."""

    environment: Mapping[str, str] = field(repr=False)
    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "shop.duckdb"

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    def run(self, *arguments: str, **more_environment: str) -> subprocess.CompletedProcess[str]:
        """python -m analytics …, whatever comes of it."""
        own = {"ANALYTICS_DATABASE": str(self.database), "REPORT_FILE": str(self.page)}
        return subprocess.run(
            [sys.executable, "-m", "analytics", *arguments],
            env={**self.environment, **own, **more_environment},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    def build(self, *arguments: str) -> str:
        """Build and test the models; what was said about it."""
        done = self.run("build", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query over the models."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def one(self, query: str) -> Any:
        """The only value of a query over the models."""
        ((value,),) = self.ask(query)
        return value

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every model's rows, in an order that depends on nothing but them."""
        names = self.ask("select table_name from information_schema.tables where table_schema = 'main' order by 1")
        return {name: sorted(self.ask(f'from "{name}"'), key=repr) for (name,) in names}
