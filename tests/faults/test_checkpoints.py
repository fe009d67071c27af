"""The checkpoint is deleted or damaged: the job continues where the tables end, or names the file and the repair.

The repairs are carried out as the error line spells them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs import Site

from infra.local import Stack

pytestmark = pytest.mark.faults
_COMMAND = re.compile(r"\(((?:mv|rm -f) [^()]+)\)")


class Pipeline:
    """One pipeline that all tests here damage in turn; each adds records and proves everything so far.

    Each leaves a checkpoint of at least two batches and nothing to do.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.manifest = site.folder / "manifest.jsonl"
        self._seed = 0

    def add(self, count: int = 300) -> None:
        self._seed += 1
        arguments = [f"--count={count}", f"--seed={self._seed}", f"--manifest={self.manifest}", "--append"]
        self.site.generate(*arguments, "--malformed-rate=0.05")

    def drain(self) -> None:
        self.site.drain("--max-offsets-per-trigger=200")

    @property
    def checkpoint(self) -> Path:
        return Path(self.site.environment["CHECKPOINT_URI"])

    def newest(self, log: str) -> Path:
        names = [path for path in (self.checkpoint / log).iterdir() if path.name.isdecimal()]
        return max(names, key=lambda path: int(path.name))

    def refusal(self) -> str:
        """The one line with which the job refuses to start, exit code 2."""
        before = len(self._errors())
        assert self.site.enrich("--available-now") == 2, self.site.log()
        (line,) = self._errors()[before:]
        return line

    def _errors(self) -> list[str]:
        return self.site.errors()


@pytest.fixture(scope="module")
def pipeline(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    site = Site.create(stack.environment(), f"cp-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("checkpoints"))
    made = Pipeline(site)
    made.add(600)
    made.drain()
    yield made
    site.kill_all()


@pytest.mark.row(19, "checkpoint deleted while new records arrive")
def test_a_new_generation_begins_where_the_tables_end(pipeline: Pipeline, result) -> None:
    shutil.rmtree(pipeline.checkpoint)
    pipeline.add()
    with result.recovery():
        pipeline.drain()
    generations = set(pipeline.site.table("batch_audit", ["generation"])["generation"].to_pylist())
    assert len(generations) >= 2
    assert result.proved(pipeline.site, pipeline.manifest).repeats == 0


def empty(path: Path) -> None:
    path.write_bytes(b"")
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


def remove(path: Path) -> None:
    path.unlink()
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("name", "damaged", "damage"),
    [
        pytest.param(name, damaged, damage, marks=pytest.mark.row(20, fault), id=fault)
        for fault, name, damaged, damage in (
            ("metadata empty", "metadata", lambda p: p.checkpoint / "metadata", empty),
            ("metadata missing", "metadata", lambda p: p.checkpoint / "metadata", remove),
            ("newest offsets/N empty", "offsets/", lambda p: p.newest("offsets"), empty),
            ("newest offsets/N missing", "offsets/", lambda p: p.newest("offsets"), remove),
            ("newest commits/N empty", "commits/", lambda p: p.newest("commits"), empty),
        )
    ],
)
def test_damage_is_named_with_a_repair_that_works(
    pipeline: Pipeline, result, name: str, damaged: Callable[[Pipeline], Path], damage: Callable[[Path], None]
) -> None:
    damage(damaged(pipeline))
    pipeline.add()

    line = pipeline.refusal()

    assert name in line
    command = _COMMAND.search(line)
    assert command, line
    with result.recovery():
        subprocess.run(command[1], shell=True, check=True)  # noqa: S602 — as the line says
        pipeline.drain()
    result.note(f"Repaired by `{command[1].split(' /')[0]}`, as the line says.")
    result.proved(pipeline.site, pipeline.manifest)


@pytest.mark.row(21, "newest commits/N deleted")
def test_a_batch_whose_commit_was_deleted_runs_again_and_changes_nothing(pipeline: Pipeline, result) -> None:
    rows = pipeline.site.table("events", ["batch_id"]).num_rows
    remove(pipeline.newest("commits"))
    with result.recovery():
        pipeline.drain()
    assert pipeline.site.table("events", ["batch_id"]).num_rows == rows
    result.proved(pipeline.site, pipeline.manifest)


@pytest.mark.row(21, "newest offsets/N and commits/N deleted while new records arrive")
def test_a_batch_that_would_be_planned_anew_is_never_skipped(pipeline: Pipeline, result) -> None:
    """The job says where checkpoint and tables end; without the checkpoint it continues where the tables end."""
    remove(pipeline.newest("offsets"))
    remove(pipeline.newest("commits"))
    pipeline.add()

    line = pipeline.refusal()

    assert line.count("partition 0: ") == 2, line
    with result.recovery():
        shutil.move(pipeline.checkpoint, pipeline.checkpoint.with_name("moved-away"))
        pipeline.drain()
    result.note("Refused with both ranges; continued without the checkpoint.")
    result.proved(pipeline.site, pipeline.manifest)
