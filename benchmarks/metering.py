"""What a program and all its descendants use, through /proc: CPU time and resident memory (Linux).

CPU time is that of every process of the tree, of those too that ended between two looks: the kernel adds it to the
parent that waited for them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One process at one moment. `own` and `waited` (children that ended and were waited for) are CPU seconds."""

    pid: int
    parent: int
    session: int
    started: int
    own: float
    waited: float
    resident: int


@dataclass(frozen=True)
class Use:
    """Of a whole tree: CPU seconds since its start, bytes resident now (shared pages count once per process)."""

    cpu_seconds: float
    resident_bytes: int


def read_process(pid: int) -> Process | None:
    """The process as /proc shows it; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    own, waited = (sum(map(int, fields[at : at + 2])) / _TICK for at in (11, 13))
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), own, waited, int(fields[21]) * _PAGE)


def processes() -> list[Process]:
    """All processes of the machine."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [found for pid in pids if (found := read_process(pid)) is not None]


@dataclass
class Meter:
    """Looks at the tree of `root`: its descendants and whatever is in its session."""

    root: int
    _last: dict[int, Process] = field(default_factory=dict)
    _lost: float = 0.0
    _most: float = 0.0

    def look(self) -> Use:
        """What the tree has used up to now."""
        tree = self.tree()
        for pid, gone in self._last.items():
            if pid not in tree or tree[pid].started != gone.started:
                self._lost += self._unaccounted(gone, tree)
        self._last = tree
        used = self._lost + sum(each.own + each.waited for each in tree.values())
        self._most = max(self._most, used)
        return Use(self._most, sum(each.resident for each in tree.values()))

    def tree(self) -> dict[int, Process]:
        """The processes of the tree by id; those that were in it stay in it."""
        everything = processes()
        tree = {
            each.pid: each
            for each in everything
            if each.pid == self.root
            or each.session == self.root
            or (each.pid in self._last and self._last[each.pid].started == each.started)
        }
        grown = True
        while grown:
            more = {each.pid: each for each in everything if each.parent in tree and each.pid not in tree}
            tree |= more
            grown = bool(more)
        return tree

    def _unaccounted(self, gone: Process, tree: dict[int, Process]) -> float:
        """What a process had used that nobody waited for: its parent is not of the tree, or went at the same time.

        A parent of the tree that is still there has it in its own account now.
        """
        ancestor = gone.parent
        while ancestor in self._last and ancestor not in tree:
            ancestor = self._last[ancestor].parent
        return 0.0 if ancestor in tree else gone.own + gone.waited
