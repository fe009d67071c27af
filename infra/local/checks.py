"""What must hold before servers start, and what their logs say when they do not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from infra.local.ports import in_use
from infra.local.servers import Server
from infra.local.state import DEFAULT_HOME, FILE_NAME, LOCK_NAME
from pipelines.cli import ConfigurationError

LEAST_FREE_BYTES = 2 * 1024**3
_ERROR = re.compile(r"\b(ERROR|FATAL)\b|Exception|[Ee]rror:")
_LOG_TAIL = 20_000


def is_own_folder(home: Path) -> bool:
    """Whether `home` is a stack's folder, or holds nothing but the lock of an `up` that could not start."""
    return home.is_dir() and ((home / FILE_NAME).is_file() or {each.name for each in home.iterdir()} <= {LOCK_NAME})


def require_own_folder(home: Path) -> None:
    """A new stack takes an empty folder only: `clean` will delete it."""
    if home != DEFAULT_HOME and home.exists() and not is_own_folder(home):
        raise ConfigurationError(f"STACK_HOME={home} is not empty and not a stack's folder: choose another.")


def require_room(home: Path, missing: Sequence[Server]) -> None:
    """Disk and ports for the servers that are to start."""
    free = shutil.disk_usage(home).free
    if missing and free < LEAST_FREE_BYTES:
        least = f"{LEAST_FREE_BYTES / 1024**3:.0f}"
        raise ConfigurationError(
            f"{home} has {free / 1024**3:.1f} GiB free and needs {least}: "
            "make room, or set STACK_HOME to a folder on another disk."
        )
    for each in missing:
        if in_use(each.port):
            other = f"{each.name.upper()}_PORT={each.port + 1000}"
            raise ConfigurationError(
                f"Port {each.port} for {each.program} is in use by another program: stop that one, "
                f"or choose another port, e.g. `{other} make up`."
            )


def last_error(each: Server) -> str:
    """The line of a server's log that says most about its end."""
    lines: list[str] = []
    for path in (each.process.console, each.log):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
            lines += [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.search(line)]
    return (errors or lines or ["no output"])[-1][:200]
