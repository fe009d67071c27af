"""CPU time of a tree of processes: what the benchmark's main figure rests on."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from benchmarks.metering import Meter

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def used_by(program: str, look_every: float = 0.05) -> float:
    """CPU seconds of a Python program as the meter sees it, the last look while it waits to be stopped."""
    program += "\nprint('done', flush=True)\ninput()\n"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    meter = Meter(process.pid)
    assert process.stdout is not None
    import select

    while not select.select([process.stdout], [], [], look_every)[0]:
        meter.look()
    used = meter.look().cpu_seconds
    process.communicate(b"\n")
    return used


def child(seconds: float) -> str:
    """A program that starts a child which burns so much and waits for it."""
    return f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {BURN.format(seconds=seconds)!r}])\n"


def test_the_program_itself_counts() -> None:
    assert used_by(BURN.format(seconds=0.4)) == pytest.approx(0.4, abs=0.15)


def test_a_child_that_ended_between_two_looks_counts() -> None:
    """Nobody saw it: its parent's account has it."""
    assert used_by(child(0.4), look_every=5) == pytest.approx(0.4, abs=0.2)


def test_grandchildren_that_ended_count_once() -> None:
    nested = f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {child(0.4)!r}])\n"
    assert used_by(nested) == pytest.approx(0.45, abs=0.2)


def test_an_orphan_counts_while_it_runs_and_after_it() -> None:
    """Its parent is gone, so nobody of the tree waits for it; it is of the session still."""
    orphan = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-S', '-c', {BURN.format(seconds=0.4)!r}])"
    starter = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-S', '-c', {orphan!r}])\ntime.sleep(1)\n"
    assert used_by(starter) == pytest.approx(0.45, abs=0.25)


def test_the_account_never_shrinks() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", child(0.2)], start_new_session=True)
    meter, seen = Meter(process.pid), []
    while process.poll() is None:
        seen.append(meter.look().cpu_seconds)
        time.sleep(0.02)
    assert seen == sorted(seen)
