"""What maintenance did, or would do, as a table for people."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from pipelines.maintenance.files import TableFiles
from pipelines.terminal import heading, plain_table


@dataclass(frozen=True)
class Cared:
    """A table's files before and after; rows that were past their retention; files and bytes that were not needed.

    `fewer`: by how many files merging left the table with less.
    """

    name: str
    before: TableFiles
    after: TableFiles
    expired: int = 0
    fewer: int = 0
    removed: int = 0
    removed_bytes: int = 0


def show(console: Console, tables: list[Cared], *, is_dry_run: bool) -> None:
    """One line per table. In a dry run it says what would be done."""
    heading(console, "Tables", "what would be done; nothing was changed" if is_dry_run else "")
    table = plain_table()
    table.add_column("table")
    for column in ("rows", "files", "size", "per file", "rows expired", "files removed", "freed"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in tables:
        before, after = sum(each.before.files.values()), sum(each.after.files.values())
        merged = before - each.fewer if is_dry_run else after
        table.add_row(
            each.name,
            f"{sum(each.after.rows.values()):,}",
            f"{before:,}" if before == merged else f"{before:,} → {merged:,}",
            _size(each.after.size_bytes),
            _size(each.after.size_bytes // after) if after else "–",
            f"{each.expired:,}" if each.expired else "–",
            f"{each.removed:,}" if each.removed else "–",
            _size(each.removed_bytes) if each.removed else "–",
        )
    console.print(table)


def _size(size_bytes: int) -> str:
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= one:
            return f"{size_bytes / one:.1f} {unit}"
    return f"{size_bytes} B"
