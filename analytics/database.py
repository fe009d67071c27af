"""The DuckDB file of the models: it belongs to one lake, whose tables it has seen up to some day."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.cli import ConfigurationError, RunFailed


class Database:
    """The file, and beside it a note of which lake it was built from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # What dbt leaves behind; not shared with the build of another database.
        self.dbt_folder = path.with_suffix(".dbt")
        self._note = path.with_suffix(".lake.json")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One build at a time."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunFailed(f"Another run builds {self.path}: wait until it is done.") from error
            yield

    def belong_to(self, lake_id: str) -> bool:
        """Make it the database of this lake. False where it was another's: then its models are gone.

        Incremental models go on from what they have seen; that must not be another lake's days, nor those of one that
        was deleted and made anew under the same name. Raises ConfigurationError for a file that is not ours.
        """
        known = json.loads(self._note.read_text())["lake_id"] if self._note.exists() else None
        if self.path.exists() and known is None:
            raise ConfigurationError(f"{self.path} was not made by this program: name another file (--database).")
        is_same = known in (None, lake_id)
        if not is_same:
            self.path.unlink(missing_ok=True)
            self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
        self._note.write_text(json.dumps({"lake_id": lake_id}))
        return is_same

    def count(self, models: list[str]) -> dict[str, int]:
        """Rows per model."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            # The names are dbt's.
            return {name: len(connection.table(name)) for name in models}
