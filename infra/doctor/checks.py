"""From facts to findings: what fits, what does not, and what to do. Pure: a test builds any machine it likes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.doctor.facts import Facts, where
from infra.doctor.settings_checks import environment_file, ports

OK, WARNING, ERROR, NOTE = "ok", "warning", "error", "note"

GIB = 1024**3
OLDEST_ENGINE = (20, 10)
OLDEST_COMPOSE = (1, 29)
# The API that Compose 1.29 speaks for these files (compose/const.py); Docker 29 refuses all below 1.44.
COMPOSE_1_API = (1, 38)
LEAST_GIB, GOOD_GIB, EACH_FURTHER_WORKER_GIB = 6.0, 8.0, 1.75
# A machine of 8 GiB tells 7.6 to 7.8: its kernel keeps the rest.
_KERNEL_GIB = 0.4
LEAST_CPUS = 2
BUILD_GIB, RUN_GIB = 10, 3
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
INSTALL = "https://docs.docker.com/engine/install/"


@dataclass(frozen=True)
class Finding:
    """One check's outcome: `status` is "ok", "warning", "error" or "note" (nothing to judge)."""

    check: str
    status: str
    text: str


def findings(facts: Facts, profiles: tuple[str, ...] = ()) -> list[Finding]:
    """All checks in the order in which to mend what they find."""
    found = [Finding("docker", *client(facts)), Finding("engine", *engine(facts)), Finding("compose", *compose(facts))]
    if facts.info is not None:
        info = facts.info
        found += [
            Finding("architecture", *architecture(facts, info)),
            Finding("memory", *memory(facts, info)),
            Finding("processors", *processors(info)),
            Finding("disk", *disk(facts)),
        ]
    found += [Finding("settings", *each) for each in environment_file(facts)]
    return found + [Finding("ports", *each) for each in ports(facts, profiles)]


def client(facts: Facts) -> tuple[str, str]:
    """The command `docker`."""
    if facts.client is None:
        return ERROR, f"The command docker is not on PATH: install Docker ({INSTALL})."
    return OK, facts.client or "docker is there, but tells no version."


def engine(facts: Facts) -> tuple[str, str]:
    """The engine answers and is new enough."""
    if facts.client is None:
        return NOTE, "Not looked at without the command docker."
    if facts.info is None:
        return ERROR, _unreachable(facts)
    if "ServerVersion" not in facts.info:
        return WARNING, "`docker` here is not Docker (Podman?): the containers are tested with Docker only."
    if facts.info.get("OSType", "linux") != "linux":
        return ERROR, "The engine runs Windows containers: switch to Linux containers in Docker Desktop's menu."
    told = str(facts.info["ServerVersion"])
    version = numbers(told)
    if version is None:
        return WARNING, f"The engine calls itself {told}: whether that is 20.10 or newer cannot be told."
    if version < OLDEST_ENGINE:
        return ERROR, f"Docker Engine {told} is too old: install 20.10 or newer ({INSTALL})."
    return OK, f"Docker Engine {told} on {facts.info.get('OperatingSystem', 'Linux')}"


def compose(facts: Facts) -> tuple[str, str]:
    """Compose: v2 or later as `docker compose`, or 1.29 as `docker-compose` where the engine still talks to it."""
    remedy = "install the Compose plugin (https://docs.docker.com/compose/install/)"
    if facts.compose is None:
        return ERROR, f"No Docker Compose: {remedy}."
    command, told = facts.compose
    version = numbers(told)
    if version is None:
        return WARNING, f"`{command}` calls itself {told}: whether that is 1.29 or newer cannot be told."
    if version < OLDEST_COMPOSE:
        return ERROR, f"`{command}` {told} is too old: {remedy}."
    if version >= (2,):
        return OK, f"`{command}` {told}"
    least = numbers(facts.least_api)
    if least and least > (numbers(facts.environment.get("COMPOSE_API_VERSION", "")) or COMPOSE_1_API):
        return ERROR, f"This engine refuses `{command}` {told} (it wants API {facts.least_api} or newer): {remedy}."
    return WARNING, (
        f"`{command}` {told} works, but gets no fixes any more. "
        f"Should it end with KeyError: 'ContainerConfig', {remedy}."
    )


def architecture(facts: Facts, info: Mapping[str, Any]) -> tuple[str, str]:
    """The engine's processor is one that all images exist for, and nobody asks for the other one."""
    told = str(info.get("Architecture", "")).lower()
    own = _ARCHITECTURES.get(told)
    if own is None:
        return ERROR, f"The engine's processor is {told or 'unknown'}; images exist for amd64 and arm64 only."
    wished = facts.environment.get("DOCKER_DEFAULT_PLATFORM", "")
    if wished and _ARCHITECTURES.get(wished.lower().split("/")[1 if "/" in wished else 0]) != own:
        return WARNING, f"DOCKER_DEFAULT_PLATFORM={wished} makes an {own} engine emulate, many times slower: unset it."
    if facts.system == "Darwin" and facts.machine == "arm64" and own == "amd64":
        return WARNING, "An amd64 engine on Apple Silicon emulates, many times slower: use an arm64 one."
    return OK, own


def memory(facts: Facts, info: Mapping[str, Any]) -> tuple[str, str]:
    """The engine's memory against what the containers need together."""
    told = info.get("MemTotal")
    if not isinstance(told, int) or told <= 0:
        return NOTE, f"The engine does not tell its memory; the containers need {LEAST_GIB:.0f} GiB."
    workers = facts.settings.value("SPARK_WORKERS")
    further = EACH_FURTHER_WORKER_GIB * max(0, int(workers) - 1 if workers.isdigit() else 0)
    least, good, has = LEAST_GIB + further, GOOD_GIB + further, told / GIB
    with_workers = f" with {workers} Spark workers" if further else ""
    more = {
        "desktop": f"give it {good:.0f} GiB in Docker Desktop: Settings → Resources → Memory",
        "colima": f"`colima stop`, `colima start --memory {good:.0f}`",
        "machine": f"give its virtual machine {good:.0f} GiB",
    }.get(where(facts), f"use a machine with {good:.0f} GiB" + (", or fewer SPARK_WORKERS" if further else ""))
    if has < least - _KERNEL_GIB:
        return ERROR, f"The engine has {has:.1f} GiB of memory and needs {least:.0f}{with_workers}: {more}."
    if info.get("MemoryLimit") is False:
        return (
            WARNING,
            "The engine cannot limit memory (control groups): one container can take it all from the others.",
        )
    if has < good - _KERNEL_GIB:
        return WARNING, f"The engine has {has:.1f} GiB of memory, enough{with_workers} but tight: better {more}."
    return OK, f"{has:.1f} GiB"


def processors(info: Mapping[str, Any]) -> tuple[str, str]:
    """Processors of the engine."""
    count = info.get("NCPU")
    if not isinstance(count, int):
        return NOTE, f"The engine does not tell its processors; {LEAST_CPUS} are enough."
    if count < LEAST_CPUS:
        return WARNING, f"The engine has {count} processor: it works, but slowly; {LEAST_CPUS} or more are better."
    return OK, str(count)


def disk(facts: Facts) -> tuple[str, str]:
    """Room for images, where that can be known: a virtual machine does not tell how much its disk may still grow."""
    if facts.free_bytes is None:
        use = f"; in use: {facts.disk_use}" if facts.disk_use else ""
        return NOTE, f"Free room in the engine's own disk cannot be seen; the first build needs {BUILD_GIB} GiB{use}."
    has = facts.free_bytes / GIB
    is_built = bool(facts.volumes)
    if has < (RUN_GIB if is_built else BUILD_GIB):
        need = f"{RUN_GIB} to run" if is_built else f"{BUILD_GIB} for the first build"
        return ERROR, f"{has:.1f} GiB are free for the engine, {need}: make room, e.g. `docker builder prune`."
    return OK, f"{has:.0f} GiB free"


def numbers(version: str) -> tuple[int, ...] | None:
    """The leading numbers of a version: ``v20.10.24+dfsg1`` is (20, 10, 24); None without any."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(part) for part in match[1].split(".")) if match else None


def _unreachable(facts: Facts) -> str:
    host = facts.environment.get("DOCKER_HOST")
    says = facts.engine_error.lower()
    if "permission denied" in says and not host:
        return (
            "Your user may not talk to the engine: `sudo usermod -aG docker $USER`, then log in anew "
            "(that group is as good as root), or install rootless Docker."
        )
    if host:
        return f"No engine answers at DOCKER_HOST={host}: start it, or unset DOCKER_HOST."
    return f"The engine does not answer: {' '.join(_start(facts))}."


def _start(facts: Facts) -> Iterator[str]:
    if facts.context == "colima":
        yield "`colima start`"
    elif facts.context not in ("", "default", "desktop-linux"):
        yield f"start the one of the context {facts.context}, or choose another (`docker context ls`)"
    elif facts.system == "Darwin":
        yield "start Docker Desktop (`open -a Docker`) or `colima start`, and wait until it is up"
    elif facts.is_wsl:
        yield "start Docker Desktop on Windows, with Settings → Resources → WSL integration on for this distribution"
    elif facts.context == "desktop-linux":
        yield "start Docker Desktop (`systemctl --user start docker-desktop`)"
    else:
        yield "`sudo systemctl start docker`"
