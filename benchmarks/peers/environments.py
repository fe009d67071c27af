"""The peers' own virtual environments: what they need does not agree with the project's packages, nor among them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "benchmarks" / ".peers"


def folder(peer: str) -> Path:
    """The virtual environment of a peer."""
    return ENVIRONMENTS / peer


def stamp(peer: str) -> Path:
    """Written last by the installation: an environment without it is not complete."""
    return folder(peer) / ".installed"


def enter(peer: str, module: str) -> None:
    """Go on in the peer's environment: the same program, started anew there, in this very process.

    Ends the program with one line (exit code 2) if the peer is not installed.
    """
    home = folder(peer)
    if Path(sys.prefix).resolve() == home.resolve():
        return
    if not stamp(peer).exists():
        stop(f"{peer} is not installed: run `python -m benchmarks.peers.install {peer}`.")
    python = home / "bin" / "python"
    os.environ["PYTHONPATH"] = str(ROOT)
    os.execv(python, [str(python), "-m", module, *sys.argv[1:]])  # noqa: S606


def setting(name: str) -> str:
    """An environment variable that every peer is started with."""
    value = os.environ.get(name)
    if not value:
        stop(f"{name} is not set: benchmarks/WORKLOADS.md tells what a peer is started with.")
    return str(value)


def stop(line: str) -> None:
    """End the program: one line, exit code 2."""
    print(f"Error: {line}", file=sys.stderr)
    sys.exit(2)
