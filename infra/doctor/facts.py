"""What the machine says: gathered here, judged in `checks`. Nothing is started, stopped or changed."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from infra.doctor.ports import is_taken, listener
from infra.env_file import ENV_FILE, EnvFileError, Setting, is_private, parse_env, parse_template, read_template

INFRA = Path(__file__).resolve().parents[1]
COMPOSE_FILES = (INFRA / "docker-compose.yml", INFRA / "docker-compose.secure.yml")
PROJECT_LABEL = "com.docker.compose.project"
_SECONDS = 15
_REQUIRED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?\?")
_PUBLISHED = re.compile(r"(?:[\d.]+|\[?::\]?):(\d+)(?:-(\d+))?->")


class Container(NamedTuple):
    """A running container with the ports that it takes on this machine."""

    name: str
    project: str
    ports: frozenset[int]


@dataclass(frozen=True)
class Settings:
    """infra/.env, the template it is made from, and what the compose files ask for."""

    template: Sequence[Setting]
    required: frozenset[str]
    file: Mapping[str, str] | None
    error: str = ""
    is_private: bool = True
    shell: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What Docker Compose takes: the shell's value, else the file's, else the template's."""
        default = next((setting.default for setting in self.template if setting.name == name), "")
        return self.shell.get(name) or (self.file or {}).get(name) or default


@dataclass(frozen=True)
class Facts:
    """One machine. `info` is what `docker info` tells of the engine; None when it cannot be reached."""

    system: str
    machine: str
    is_wsl: bool
    client: str | None
    info: Mapping[str, Any] | None
    engine_error: str
    least_api: str
    context: str
    endpoint: str
    environment: Mapping[str, str]
    compose: tuple[str, str] | None
    settings: Settings
    containers: Sequence[Container] = ()
    volumes: Sequence[str] = ()
    taken: Mapping[int, str] = field(default_factory=dict)
    free_bytes: int | None = None
    disk_use: str = ""


def gather(secure: bool) -> Facts:
    """Ask the machine; each question has a time-out, so an engine that hangs does not hang this."""
    settings = _settings(secure)
    client = _said("docker", "--version") if shutil.which("docker") else None
    endpoint = _said("docker", "context", "inspect", "--format", "{{.Name}} {{.Endpoints.docker.Host}}").split()
    info, error = _engine()
    facts = Facts(
        system=platform.system(),
        machine=platform.machine(),
        is_wsl="microsoft" in platform.release().lower(),
        client=client,
        info=info,
        engine_error=error,
        least_api=_said("docker", "version", "--format", "{{.Server.MinAPIVersion}}") if info else "",
        context=endpoint[0] if endpoint else "",
        endpoint=os.environ.get("DOCKER_HOST") or (endpoint[1] if len(endpoint) > 1 else ""),
        environment={name: value for name, value in os.environ.items() if name.startswith(("DOCKER_", "COMPOSE_"))},
        compose=_compose(),
        settings=settings,
    )
    ports = {int(v) for s in settings.template if s.name.endswith("_PORT") and (v := settings.value(s.name)).isdigit()}
    taken = {} if where(facts) == "remote" else {port: listener(port) for port in ports if is_taken(port)}
    extra: dict[str, Any] = {"taken": taken}
    if info is not None:
        project = settings.value("COMPOSE_PROJECT_NAME")
        volumes = _said("docker", "volume", "ls", "--quiet", "--filter", f"label={PROJECT_LABEL}={project}")
        extra |= {"containers": _containers(), "volumes": volumes.split()}
        if where(facts) == "here":
            extra["free_bytes"] = _free_bytes(info)
        else:
            extra["disk_use"] = _said("docker", "system", "df", "--format", "{{.Type}} {{.Size}}").replace("\n", ", ")
    return Facts(**{**vars(facts), **extra})


def where(facts: Facts) -> str:
    """Where the engine runs: "here", in a virtual machine ("desktop", "colima", "machine"), or "remote"."""
    info = facts.info or {}
    scheme, _, rest = facts.endpoint.partition("://")
    if scheme in ("tcp", "ssh") and not rest.startswith(("127.", "localhost")):
        return "remote"
    if "Docker Desktop" in str(info.get("OperatingSystem")):
        return "desktop"
    if str(info.get("Name")).startswith("colima") or facts.context.startswith("colima"):
        return "colima"
    return "machine" if facts.system == "Darwin" else "here"


def published(ports: str) -> frozenset[int]:
    """The machine's ports in the column PORTS of `docker ps`, e.g. ``127.0.0.1:9000-9001->9000-9001/tcp``."""
    ranges = [(int(first), int(last or first)) for first, last in _PUBLISHED.findall(ports)]
    return frozenset(port for first, last in ranges for port in range(first, last + 1))


def required_names(sources: Sequence[str]) -> frozenset[str]:
    """Variables without which Docker Compose refuses the files: ``${NAME:?…}``."""
    return frozenset(name for source in sources for name in _REQUIRED.findall(source))


def _settings(secure: bool) -> Settings:
    template = parse_template(read_template())
    files = [file for file in COMPOSE_FILES[: 2 if secure else 1] if file.is_file()]
    required = required_names([file.read_text(encoding="utf-8") for file in files])
    known = {setting.name for setting in template}
    shell = {name: value for name, value in os.environ.items() if name in known}
    try:
        values = parse_env(ENV_FILE.read_text(encoding="utf-8"), "infra/.env")
        return Settings(template, required, values, "", is_private(ENV_FILE), shell)
    except FileNotFoundError:
        return Settings(template, required, None, shell=shell)
    except UnicodeDecodeError:
        return Settings(template, required, None, "infra/.env is not UTF-8 text: write it as such.", shell=shell)
    except OSError as error:
        return Settings(
            template,
            required,
            None,
            f"infra/.env cannot be read ({error.strerror}): look at its owner and mode.",
            shell=shell,
        )
    except EnvFileError as error:
        return Settings(template, required, None, str(error), shell=shell)


def _engine() -> tuple[Mapping[str, Any] | None, str]:
    """What the engine tells of itself, or why it does not. Old clients end with 0 and name the error in the JSON."""
    code, out, err = _run("docker", "info", "--format", "{{json .}}")
    try:
        info = json.loads(out)
    except ValueError:
        info = {}
    errors = info.get("ServerErrors") or ([] if code == 0 and info else [err or "no answer"])
    return (None, " ".join(map(str, errors)).strip()) if errors else (info, "")


def _compose() -> tuple[str, str] | None:
    for command in (("docker", "compose"), ("docker-compose",)):
        version = _said(*command, "version", "--short")
        if version:
            return " ".join(command), version.splitlines()[-1]
    return None


def _containers() -> list[Container]:
    form = f'{{{{.Names}}}}\t{{{{.Label "{PROJECT_LABEL}"}}}}\t{{{{.Ports}}}}'
    rows = [line.split("\t") for line in _said("docker", "ps", "--format", form).splitlines()]
    return [Container(row[0], row[1], published(row[2])) for row in rows if len(row) == 3]


def _free_bytes(info: Mapping[str, Any]) -> int | None:
    """Free bytes where the engine on this machine keeps images; parents stand for folders that may not be entered."""
    roots = [str(info.get("DockerRootDir") or "/var/lib/docker")]
    if "io.containerd.snapshotter" in str(info.get("DriverStatus")):
        roots.append("/var/lib/containerd")
    found = []
    for root in roots:
        for folder in (Path(root), *Path(root).parents):
            try:
                found.append(shutil.disk_usage(folder).free)
                break
            except OSError:
                continue
    return min(found, default=None)


def _said(*command: str) -> str:
    code, out, _ = _run(*command)
    return out.strip() if code == 0 else ""


def _run(*command: str) -> tuple[int, str, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {_SECONDS} s"
    except OSError as error:
        return 127, "", error.strerror or type(error).__name__
    return done.returncode, done.stdout, done.stderr
