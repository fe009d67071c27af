"""What the log says of a table's files, per partition; no file is opened."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

# Delta's own target for OPTIMIZE. A file that is smaller is worth merging with another one.
TARGET_BYTES = 100 * 1024 * 1024
# A partition's date; None is the whole of a table without partitions.
Day = datetime.date | None


@dataclass(frozen=True)
class TableFiles:
    """The files of a table's newest version. `small`: files below TARGET_BYTES per partition."""

    rows: dict[Day, int]
    files: dict[Day, int]
    small: dict[Day, int]
    size_bytes: int

    @classmethod
    def of(cls, table: DeltaTable) -> TableFiles:
        """As the table was when it was opened or changed last."""
        rows: Counter[Day] = Counter()
        files: Counter[Day] = Counter()
        small: Counter[Day] = Counter()
        size = 0
        for file in _actions(table):
            day = next((value for name, value in file.items() if name.startswith("partition.")), None)
            rows[day] += file["num_records"] or 0
            files[day] += 1
            small[day] += file["size_bytes"] < TARGET_BYTES
            size += file["size_bytes"]
        return cls(dict(rows), dict(files), dict(small), size)

    def worth_merging(self, today: datetime.date) -> list[Day]:
        """The partitions with several small files that get no more rows; oldest first."""
        return sorted(
            (day for day, count in self.small.items() if count > 1 and (day is None or day < today)),
            key=lambda day: day or datetime.date.min,
        )

    def rows_before(self, day: datetime.date) -> int:
        """Rows in partitions before a day."""
        return sum(rows for partition, rows in self.rows.items() if partition is not None and partition < day)


def _actions(table: DeltaTable) -> list[dict[str, Any]]:
    actions = pa.table(table.get_add_actions(flatten=True))
    wanted = [name for name in actions.column_names if name.startswith("partition.")]
    rows: list[dict[str, Any]] = actions.select(["num_records", "size_bytes", *wanted]).to_pylist()
    return rows
