"""What a stack runs with: what is recorded, then what the caller wishes, then what the machine offers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from infra.local.minio import find_minio
from infra.local.state import FILE_NAME, Ports, State, new_state
from pipelines.cli import ConfigurationError

S3_SERVERS = ("minio", "s3proxy")


def choose(home: Path, recorded: State | None, ports: Mapping[str, int], s3_server: str | None, running: bool) -> State:
    """The state to run with; ConfigurationError where a wish contradicts what is recorded.

    The S3 server never changes under its data. Ports may change while nothing runs.
    """
    if recorded is None:
        return new_state(dataclasses.replace(Ports(), **ports), s3_server or _best_s3_server())
    if s3_server not in (None, recorded.s3_server):
        raise ConfigurationError(
            f"The stack in {home} keeps its store in {recorded.s3_server} ({FILE_NAME}): "
            f"`make clean` first (deletes the stack's data), then choose {s3_server}."
        )
    wished = dataclasses.replace(recorded.ports, **ports)
    if running and wished != recorded.ports:
        changed = next(name for name in ports if getattr(recorded.ports, name) != ports[name])
        port = getattr(recorded.ports, changed)
        raise ConfigurationError(
            f"The running stack has {changed} on port {port}, not {ports[changed]}: "
            f"`make down` first, or unset {changed.upper()}_PORT."
        )
    return dataclasses.replace(recorded, ports=wished)


def _best_s3_server() -> str:
    return "minio" if find_minio() else "s3proxy"
