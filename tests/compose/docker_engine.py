"""A Docker engine for the tests: the one that runs, or one that is started here where that is possible.

Only root on Debian can start one without asking anybody; everywhere else the tests are skipped with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGES = ("docker.io", "docker-compose", "debootstrap")
_START_SECONDS = 60


class NoEngineError(Exception):
    """There is no engine, and none can be started here."""


@contextmanager
def engine(log: Path, say: Callable[[str], None]) -> Iterator[None]:
    """An engine that answers; one that was started here is stopped in the end. Raises NoEngineError."""
    if _answers():
        yield
        return
    _install(say)
    say("Starting a Docker engine")
    with log.open("wb") as output:
        daemon = subprocess.Popen(["dockerd"], stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise NoEngineError(f"dockerd did not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.5)
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


def _answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60).returncode == 0


def _install(say: Callable[[str], None]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoEngineError("no Docker engine answers, and only root on Debian can start one here: start Docker")
    if not all(shutil.which(program) for program in ("dockerd", "docker", "debootstrap", "docker-compose")):
        say(f"Installing {', '.join(_PACKAGES)}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *_PACKAGES]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
            if done.returncode:
                raise NoEngineError(f"{' '.join(command)} failed: {done.stderr[-300:]}")
