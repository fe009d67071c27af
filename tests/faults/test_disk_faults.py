"""A full disk under the checkpoint, and under the broker's log. Needs the right to mount a small file system."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobs import Site
from supervisor import SupervisedJob
from world import lines, wait_for

from infra.local import Stack

pytestmark = pytest.mark.faults


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size, mounted at the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system takes root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all room that is left; the file that does."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def complaints(site: Site) -> list[str]:
    """The job's own lines about a full disk."""
    return [
        line
        for line in site.log().splitlines()
        if "No space left" in line and ("enrich: warning: " in line or line.startswith("Error: "))
    ]


@pytest.mark.row(11, "disk of the checkpoint full for 40 s")
def test_a_full_disk_of_the_checkpoint_is_named_and_overcome(site: Site, result, tmp_path: Path) -> None:
    manifest = site.folder / "manifest.jsonl"
    with small_disk(tmp_path / "small", "4m") as disk:
        site.environment["CHECKPOINT_URI"] = str(disk / "checkpoint")
        job = SupervisedJob(site)
        generator = job.feed("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.02")
        ballast = fill(disk)
        wait_for(lambda: complaints(site), 120, "a word about the disk")
        time.sleep(40)
        ballast.unlink()
        with result.recovery():
            generator.terminate()
            assert generator.wait(60) == 0
            job.catch_up()
        result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
        job.stop()
        result.proved(site, manifest)


@pytest.mark.row(11, "disk of the broker's log full for 30 s")
def test_a_full_disk_of_the_broker_loses_nothing_that_was_acknowledged(
    stack: Stack, tmp_path: Path, result, request: pytest.FixtureRequest
) -> None:
    """The broker gives up; with room again it is started again, and the rest is delivered."""
    stack.stop("kafka")
    with small_disk(stack.home / "kafka" / "data", "200m") as disk:
        stack.start("kafka")
        site: Site = request.getfixturevalue("site")
        manifest = site.folder / "manifest.jsonl"
        job = SupervisedJob(site)
        generator = job.feed("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.02")
        ballast = fill(disk)
        wait_for(lambda: stack.pid("kafka") is None, 60, "the broker's end")
        time.sleep(30)
        before = lines(manifest)
        ballast.unlink()
        with result.recovery():
            stack.start("kafka")
            wait_for(lambda: lines(manifest) > before, 60, "records acknowledged again")
            generator.terminate()
            assert generator.wait(100) == 0
            job.catch_up()
        result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
        job.stop()
        result.proved(site, manifest)
        site.kill_all()
        stack.stop("kafka")
