"""Who listens on a TCP port of this machine, as far as it tells without root."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

HOST = "127.0.0.1"
LOCAL_STACK = str(Path(__file__).resolve().parents[2] / ".local")
_PROC = Path("/proc")
_LISTENING = "0A"


def is_taken(port: int) -> bool:
    """Whether a container could not be published on 127.0.0.1 at this port: somebody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(1)
        if caller.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except PermissionError:
            return False  # a port below 1024: the engine's to take, not ours
        except OSError:
            return True
    return False


def listener(port: int) -> str:
    """The program on the port, e.g. ``java, pid 4711``; empty when the machine does not tell."""
    if _PROC.joinpath("net/tcp").exists():
        return _by_proc(port)
    return _by_lsof(port)


def inodes(table: str, port: int) -> set[str]:
    """The sockets that listen on the port, in the text of /proc/net/tcp or tcp6."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {row[9] for row in rows if len(row) > 9 and row[3] == _LISTENING and row[1].endswith(f":{port:04X}")}


def describe(pid: str, command: Iterable[str]) -> str:
    """A program for people: the local servers of `make up` are named as such."""
    words = [word for word in command if word]
    if any(LOCAL_STACK in word for word in words):
        return f"the local servers of `make up`, pid {pid}"
    return f"{Path(words[0]).name}, pid {pid}" if words else f"pid {pid}"


def _by_proc(port: int) -> str:
    wanted = set()
    for name in ("net/tcp", "net/tcp6"):
        try:
            wanted |= inodes(_PROC.joinpath(name).read_text(encoding="ascii"), port)
        except OSError:
            continue
    links = {f"socket:[{inode}]" for inode in wanted}
    for process in _PROC.glob("[0-9]*"):
        try:
            if any(os.readlink(handle) in links for handle in process.joinpath("fd").iterdir()):
                command = process.joinpath("cmdline").read_text(encoding="utf-8", errors="replace")
                return describe(process.name, command.split("\0"))
        except OSError:  # another user's, or gone
            continue
    return ""


def _by_lsof(port: int) -> str:
    lsof = shutil.which("lsof")
    if lsof is None:
        return ""
    command = [lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    fields = {line[:1]: line[1:] for line in reversed(told.stdout.splitlines())}
    return describe(fields["p"], [fields.get("c", "")]) if "p" in fields else ""
