"""Small charts and tables for terminals: plain Unicode, no wider than people read, the same when piped."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

MAX_WIDTH = 100
_HORIZONTAL = " ▏▎▍▌▋▊▉█"
_VERTICAL = " ▁▂▃▄▅▆▇█"


def page() -> Console:
    """Where reports go: stdout, at most 100 columns wide, and as wide when nobody says how wide a pipe is."""
    console = Console(highlight=False)
    known = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    return Console(highlight=False, width=min(MAX_WIDTH, console.width) if known else MAX_WIDTH)


def plain_table() -> Table:
    """A table with nothing but a line below its head."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)


def printable(text: str, kept: str = "") -> str:
    """Without what would move the cursor or change colours, but for `kept`: records are made by others."""
    return "".join(each if each.isprintable() or each in kept else "·" for each in text)


def heading(console: Console, title: str, note: str = "") -> None:
    """A title above a table or chart."""
    console.print()
    console.print(Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim")))


def bar(value: float, largest: float, width: int) -> str:
    """`value` as a horizontal bar, `largest` being `width` characters; a value above 0 always shows."""
    eighths = round(value / largest * width * 8) if largest else 0
    eighths = max(eighths, 1) if value > 0 else 0
    whole, part = divmod(eighths, 8)
    return "█" * whole + (_HORIZONTAL[part] if part else "")


def columns(values: Sequence[float], height: int) -> list[str]:
    """`values` as upright columns, one character each: `height` lines, the top one first."""
    largest = max(values, default=0)
    eighths = [_column_eighths(value, largest, height) for value in values]
    return ["".join(_VERTICAL[min(8, max(0, each - 8 * line))] for each in eighths) for line in reversed(range(height))]


def _column_eighths(value: float, largest: float, height: int) -> int:
    if value <= 0 or largest <= 0:
        return 0
    return max(1, round(value / largest * height * 8))


def nice_ceiling(value: float) -> float:
    """The smallest round number that is not below `value`: where an axis ends."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))
