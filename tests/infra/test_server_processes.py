"""Processes are known by pid and command line, outlive their starter and are stopped only when ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import processes
from infra.local.processes import ServerProcess

SLEEPER = "import sys, time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); {SLEEPER}"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server process that is not started yet and is gone after the test."""
    one = ServerProcess("one", f" {tmp_path}/config", tmp_path / "run" / "one.pid", tmp_path / "logs" / "one.out")
    yield one
    one.kill()


def start(process: ServerProcess, program: str = SLEEPER) -> int:
    """Start Python with the marker on its command line."""
    return process.start([sys.executable, "-c", program, process.marker.strip()], {})


def test_a_started_process_is_known_and_leads_its_own_session(process: ServerProcess) -> None:
    pid = start(process)
    assert process.pid() == pid
    assert os.getsid(pid) == pid


def test_a_process_without_arguments_yet_is_waited_for(process: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after its exec `ps` shows only the program's name: that is not “stopped while starting”."""
    seen = processes.command_line
    answers = iter(["[python]", "[python]"])
    monkeypatch.setattr(processes, "command_line", lambda pid: next(answers, None) or seen(pid))
    pid = start(process)
    assert process.pid() == pid


def test_a_process_that_ended_is_gone_even_before_it_is_reaped(process: ServerProcess) -> None:
    pid = start(process)
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)
    assert process.pid() is None


def test_a_reused_pid_is_not_ours_and_is_not_stopped(process: ServerProcess) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPER])
    try:
        process.pid_file.parent.mkdir()
        process.pid_file.write_text(str(stranger.pid))

        assert process.pid() is None
        assert process.stop() is False
        assert stranger.poll() is None
        assert not process.pid_file.exists()
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", ["", "not a number", "999999999"])
def test_a_stale_pid_file_means_not_running(process: ServerProcess, content: str) -> None:
    process.pid_file.parent.mkdir()
    process.pid_file.write_text(content)
    assert process.pid() is None
    assert process.stop() is False


def test_stop_kills_what_ignores_sigterm(process: ServerProcess) -> None:
    start(process, STUBBORN)
    while "on" not in process.console.read_text():
        time.sleep(0.05)
    assert process.stop(seconds=0.5) is True
    assert process.pid() is None


def test_stop_reaches_a_paused_process(process: ServerProcess) -> None:
    start(process)
    process.signal(signal.SIGSTOP)
    assert process.stop(seconds=5) is True
    assert process.pid() is None


def test_one_earlier_console_log_is_kept(process: ServerProcess) -> None:
    for text in ("first", "second"):
        start(process, f"print('{text}')")
        while process.pid() is not None:
            time.sleep(0.05)
    assert process.console.read_text() == "second\n"
    assert process.console.with_suffix(".out.old").read_text() == "first\n"
