"""Tables in memory: a dataclass whose fields are NumPy arrays of one length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

Table = TypeVar("Table")


def take(table: Table, rows: Any) -> Table:
    """Some rows, by number or by flag, as a table of its own."""
    kind: Any = type(table)
    return kind(**{each.name: getattr(table, each.name)[rows] for each in fields(kind)})  # type: ignore[no-any-return]


def put(table: Any, rows: Any, values: Any) -> None:
    """Replace rows by those of another table of the kind."""
    for each in fields(table):
        getattr(table, each.name)[rows] = getattr(values, each.name)


def joined(tables: Sequence[Table]) -> Table:
    """The rows of all tables, of which there is at least one."""
    if len(tables) == 1:
        return tables[0]
    kind: Any = type(tables[0])
    columns = {each.name: [getattr(table, each.name) for table in tables] for each in fields(kind)}
    return kind(**{name: np.concatenate(parts) for name, parts in columns.items()})  # type: ignore[no-any-return]
