"""Progress of long steps on stderr: a bar on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

_PLAIN_SECONDS = 5.0

Advance = Callable[[int], None]


class Progress:
    """Says what is being done and how far it has come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Advance]:
        """One long step of `total` units, or of unknown length; call what it yields with the units done."""
        if self._console.is_terminal:
            columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30)]
            if total is not None:
                columns.append(MofNCompleteColumn())
            with Bars(*columns, TimeElapsedColumn(), console=self._console, transient=True) as bars:
                task = bars.add_task(title, total=total)
                yield lambda units: bars.advance(task, units)
            return
        self._say(f"{title} …")
        yield self._plain(title, total)

    def _plain(self, title: str, total: int | None) -> Advance:
        done, said = 0, time.monotonic()

        def advance(units: int) -> None:
            nonlocal done, said
            done += units
            if time.monotonic() - said >= _PLAIN_SECONDS:
                said = time.monotonic()
                self._say(f"{title}: {done:,}" + (f" of {total:,}" if total else ""))

        return advance

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
