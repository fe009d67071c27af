"""The questions in ``analytics/questions``: SQL that DuckDB, Trino, Athena and Spark answer alike.

Where an engine spells a line in its own way, the file has the line once per engine, which a comment at its end names;
all but DuckDB's are commented out, so that DuckDB takes the file as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "analytics" / "questions"
ENGINES = ("DuckDB", "Trino", "Athena", "Spark")
_ENGINE = "|".join(ENGINES)
_OWN_LINE = re.compile(rf"(?P<indent>\s*)(?:-- )?(?P<sql>.*\S)\s+-- (?P<engines>(?:{_ENGINE})(?:, (?:{_ENGINE}))*)")


def names() -> list[str]:
    """The questions there are."""
    return sorted(file.stem for file in FOLDER.glob("*.sql"))


def summary(sql: str) -> str:
    """What is asked: the first sentence of the comment that the SQL begins with; empty without one."""
    first = sql.lstrip().partition("\n")[0]
    return first.removeprefix("--").strip().split("? ")[0].rstrip("?") + "?" if first.startswith("--") else ""


def for_engine(sql: str, engine: str) -> str:
    """The SQL as one of ENGINES takes it."""
    return "\n".join(line for each in sql.splitlines() if (line := _line(each, engine)) is not None) + "\n"


def question(name: str, engine: str) -> str:
    """The SQL of one of `names`, as the engine takes it."""
    return for_engine(Path(FOLDER / f"{name}.sql").read_text(encoding="utf-8"), engine)


def _line(line: str, engine: str) -> str | None:
    own = _OWN_LINE.fullmatch(line)
    if own is None:
        return line
    return f"{own['indent']}{own['sql']}" if engine in own["engines"].split(", ") else None
