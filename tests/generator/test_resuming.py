"""A run that was cut short goes on where it ended; workers and one process write the same."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_generator_command import ENVIRONMENT, run, until

RUN = [
    "--sink", "file", "--count", 30_000, "--seed", 4, "--faults", "everything",
    "--start-time", "2026-03-01T00:00:00Z", "--end-time", "2026-03-02T00:00:00Z",
]  # fmt: skip


def names(folder: Path, name: str) -> list[object]:
    return ["--output", folder / f"{name}.jsonl", "--manifest", folder / f"{name}.m"]


def contents(folder: Path, name: str) -> tuple[bytes, bytes]:
    return (folder / f"{name}.jsonl").read_bytes(), (folder / f"{name}.m").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder with an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(*RUN, *names(folder, "run")).returncode == 0
    return folder


def test_four_workers_write_what_one_process_writes(whole, tmp_path):
    assert run(*RUN, *names(tmp_path, "run"), "--workers", 4).returncode == 0
    assert contents(tmp_path, "run") == contents(whole, "run")


def test_a_killed_run_that_is_resumed_is_the_whole_run(whole, tmp_path):
    manifest = tmp_path / "run.m"
    command = [sys.executable, "-m", "generator", *map(str, [*RUN, *names(tmp_path, "run"), "--rate", 10_000])]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: manifest.exists() and manifest.stat().st_size > 500_000)
        process.kill()
    before = len(manifest.read_bytes().splitlines())
    assert 1_000 < before < 29_000

    result = run("--resume", manifest, "--rate", 0)

    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert before - 1 <= summary["passed_over"] <= before
    assert summary["passed_over"] + summary["sent"] == 30_000
    assert contents(tmp_path, "run") == contents(whole, "run")


def test_resuming_a_finished_run_sends_nothing(whole):
    before = contents(whole, "run")
    summary = json.loads(run("--resume", whole / "run.m").stdout)
    assert (summary["sent"], summary["passed_over"], summary["ended_by"]) == (0, 30_000, "count")
    assert contents(whole, "run") == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--resume", "{m}", "--seed", 5], "--seed"), (["--resume", "no-such.m"], "no-such.m.run.json")],
)
def test_what_cannot_be_resumed_is_one_line(whole, arguments, named):
    result = run(*(str(each).format(m=whole / "run.m") for each in arguments))
    assert result.returncode == 2
    assert named in result.stderr
    assert "Traceback" not in result.stderr


def test_a_worker_that_dies_fails_the_run(tmp_path):
    command = [sys.executable, "-m", "generator", "--sink", "null", "--rate", "100", "--workers", "2"]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            process.kill()
            pytest.skip("needs /proc")
        until(lambda: len(workers(children)) == 2, 30)
        time.sleep(2)
        subprocess.run(["kill", "-9", str(workers(children)[0])], check=True)
        until(lambda: process.poll() is not None, 30)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "worker" in err
    assert json.loads(out)["ended_by"] == "failure"


LIVE = ["--sink", "file", "--seed", 4, "--duration", 6, "--rate", 5000]


def without_times(folder: Path, name: str) -> list[dict[str, object]]:
    """A run's events without what depends on when it was."""
    events = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    return [{key: value for key, value in event.items() if key not in ("event_time", "sent_at")} for event in events]


def test_a_new_rate_or_duration_does_not_change_the_shop(tmp_path):
    """They shape it, by the visitors at a time: what is left is sent faster, and is what it would have been."""
    assert run(*LIVE, *names(tmp_path, "whole")).returncode == 0
    manifest = tmp_path / "cut.m"
    command = [sys.executable, "-m", "generator", *map(str, [*LIVE, *names(tmp_path, "cut")])]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: manifest.exists() and manifest.stat().st_size > 200_000)
        process.kill()

    result = run("--resume", manifest, "--rate", 0, "--duration", 4)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["passed_over"] > 500
    whole, cut = without_times(tmp_path, "whole"), without_times(tmp_path, "cut")
    shared = min(len(whole), len(cut))
    assert shared > 10_000
    assert cut[:shared] == whole[:shared]


def test_a_run_that_ended_before_its_first_record_can_be_started_again(tmp_path):
    (tmp_path / "m").touch()
    assert run("--sink", "null", "--count", 10, "--manifest", tmp_path / "m").returncode == 0
    assert len((tmp_path / "m").read_text().splitlines()) == 10


def workers(children: Path) -> list[int]:
    """The children that are workers; multiprocessing has a helper of its own."""
    found = []
    for pid in map(int, children.read_text().split()):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            found.append(pid)
    return found
