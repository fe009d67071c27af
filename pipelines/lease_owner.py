"""Who holds a lease: what owner.json says of a process, and whether that process is certainly gone."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

_LARGEST_PID = 2**31 - 1
_COMMAND_SECONDS = 5


@dataclass(frozen=True)
class Owner:
    """The record in owner.json. `owner` names this one lease; `heartbeat` rises with each renewal.

    `boot` tells one start of a kernel (and on Linux one pid namespace in it, such as a container's) from any other:
    where it differs, a pid means nothing. `process_started` tells a process from a later one with its pid. Both are
    empty where the system does not tell.
    """

    owner: str
    program: str
    host: str
    boot: str
    pid: int
    process_started: str
    started_at: str
    heartbeat: int = 0

    @classmethod
    def this_process(cls) -> Owner:
        """A new owner: this process, from now on."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return cls(
            owner=str(uuid.uuid4()),
            program=Path(sys.argv[0]).name or "python",
            host=platform.node(),
            boot=_boot(),
            pid=os.getpid(),
            process_started=_process_started(os.getpid()) or "",
            started_at=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    @classmethod
    def from_json(cls, content: bytes) -> Owner | None:
        """The owner that owner.json names, or None if it names none: anybody may have written anything there."""
        try:
            record = json.loads(content)
            owner = cls(**{field.name: record[field.name] for field in dataclasses.fields(cls)})
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        return owner if type(owner.pid) is int else None

    def to_json(self) -> bytes:
        """The content of owner.json."""
        return json.dumps(dataclasses.asdict(self)).encode()

    def next_heartbeat(self) -> Owner:
        """The same owner, a heartbeat later."""
        return dataclasses.replace(self, heartbeat=self.heartbeat + 1)

    def is_certainly_gone(self, here: Owner) -> bool:
        """Whether its process has ended, as seen from `here`. False wherever that cannot be known."""
        is_here = bool(self.boot) and (self.host, self.boot) == (here.host, here.boot)
        if not is_here or not 0 < self.pid <= _LARGEST_PID:
            return False
        started = _process_started(self.pid)
        return started is None or bool(started and self.process_started and started != self.process_started)

    def __str__(self) -> str:
        text = f"{self.program} on host {self.host} (pid {self.pid}, since {self.started_at})"
        return "".join(character if character.isprintable() else "?" for character in text)


def _boot() -> str:
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id")
        if boot_id.exists():
            return f"{boot_id.read_text(encoding='ascii').strip()} {os.readlink('/proc/self/ns/pid')}"
        return _answer_of("sysctl", "-n", "kern.boottime")
    except OSError:
        return ""


def _process_started(pid: int) -> str | None:
    """When the process started, in the system's own terms; empty if unknown, None if no living process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it lives, as another user's
    try:
        # After the name, which may hold anything: the state, and 19 fields later the start in clock ticks since boot.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X"} else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""  # others' processes are hidden here (hidepid): the one that has just been signalled lives
    state, _, started = _answer_of("ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)).partition(" ")
    return None if state.startswith("Z") else started.strip()


def _answer_of(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        answer = subprocess.run(  # noqa: S603 - constants and a number
            command, capture_output=True, text=True, env=environment, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
