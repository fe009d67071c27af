"""One server process: started detached, known by its recorded pid *and* its command line, stopped only then.

A pid alone proves nothing: after a reboot or a crash it may be somebody else's. Every server's command line
contains a path in its own stack's folder, so `ps` (Linux and macOS alike) tells whether a pid is still ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.cli import ConfigurationError, RunFailed

_STOP_SECONDS = 20.0
_EXEC_SECONDS = 10.0
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class ServerProcess:
    """The process of the server `name`; `marker` is the part of its command line that only it has."""

    name: str
    marker: str
    pid_file: Path
    console: Path

    def pid(self) -> int | None:
        """The process id while our process runs; None when it is gone or the pid is now somebody else's."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        return pid if self.marker in command_line(pid) else None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start in a session of its own: closing the terminal or Ctrl-C there does not reach it."""
        for path in (self.pid_file, self.console):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.console.exists():
            self.console.replace(self.console.with_suffix(".out.old"))
        descriptor = os.open(self.console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                cwd=self.pid_file.parent,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        _children[process.pid] = process
        fresh = self.pid_file.with_suffix(".new")
        fresh.write_text(str(process.pid), encoding="ascii")
        fresh.replace(self.pid_file)
        # For a moment after the exec the kernel shows no arguments, longer where the program must be read from disk.
        deadline = time.monotonic() + _EXEC_SECONDS
        while self.pid() is None and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return process.pid

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to our process; False when it no longer runs."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    def stop(self, seconds: float = _STOP_SECONDS) -> bool:
        """SIGTERM, then SIGKILL after `seconds`. False when there was nothing to stop."""
        stopped = self.signal(signal.SIGTERM)
        if stopped:
            self.signal(signal.SIGCONT)  # a paused process would not see the SIGTERM
            if not self._gone_within(seconds):
                self.kill()
        self.pid_file.unlink(missing_ok=True)
        return stopped

    def kill(self) -> bool:
        """SIGKILL, and wait until the process is gone."""
        killed = self.signal(signal.SIGKILL)
        if killed and not self._gone_within(_STOP_SECONDS):
            raise RunFailed(f"{self.name} (pid {self.pid()}) survives SIGKILL: the machine may need a restart.")
        return killed

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def command_line(pid: int) -> str:
    """The command line of a running process; empty when there is none, or only a zombie."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:  # ours and finished: reaps it
        del _children[pid]
    if Path("/proc/self/cmdline").exists():  # ps shows no letters beyond ASCII in every locale
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            return ""
    try:
        answer = subprocess.run(  # noqa: S603
            ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)],  # noqa: S607 - wherever the system keeps it
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except FileNotFoundError as error:
        raise ConfigurationError("The program `ps` is missing: install it (Debian: procps).") from error
    status, _, command = answer.stdout.strip().partition(" ")
    return "" if status.startswith("Z") else command
