"""The stack of the compose files, under a project's name and ports of its own, driven as people drive it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.compose import BASE, SECURE, service_of
from infra.env_file import ENV_FILE, parse_env, parse_template
from infra.local.ports import free_ports

PROJECT_ROOT = Path(__file__).parents[2]
INFRA = PROJECT_ROOT / "infra"
PORTS = ("KAFKA_PORT", "S3_PORT", "S3_CONSOLE_PORT", "SPARK_MASTER_UI_PORT", "KAFKA_UI_PORT")
# Ends the server, or Spark's JVM, as a crash does: no handler runs. The container's init then ends as well.
_KILL_JAVA = "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */java) kill -9 ${p#/proc/};; esac; done"
_PATIENCE = 600


class ComposeStack:
    """One running stack."""

    def __init__(self, project: str, *, secure: bool, workers: int) -> None:
        self.demo_output = ""
        self.files = (BASE, SECURE) if secure else (BASE,)
        self._flags = ["SECURE=1", "UI=1"] if secure else ["UI=1"]
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        own = {"COMPOSE_PROJECT_NAME": project, "SPARK_WORKERS": str(workers), "GENERATOR_RATE": "30"}
        self.environment = {**os.environ, **ports, **own}

    def make(self, target: str) -> str:
        """`make TARGET`; its output. Fails the test where it fails."""
        flags = self._flags if target in ("compose-up", "compose-demo") else []
        return self._run(["make", target, *flags], cwd=PROJECT_ROOT, seconds=3600)

    def compose(self, *arguments: str, seconds: float = _PATIENCE, fails: bool = False) -> str:
        """A Docker Compose command; its output. `fails`: it must."""
        files = [part for file in self.files for part in ("-f", file)]
        return self._run([*program(), *files, "--profile", "ui", *arguments], cwd=INFRA, seconds=seconds, fails=fails)

    def tool(self, *command: str, service: str = "tools", fails: bool = False, **environment: str) -> str:
        """Run a program of the project in a container of its own; its output."""
        settings = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        run = ["--profile", "tools", "run", "--rm", "--no-deps", "-T", *settings, service, *command]
        return self.compose(*run, fails=fails)

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """The containers of a service, or all, as `docker inspect` shows them."""
        label = f"label=com.docker.compose.project={self.environment['COMPOSE_PROJECT_NAME']}"
        ids = self._run(["docker", "ps", "--all", "--quiet", "--filter", label]).split()
        found = json.loads(self._run(["docker", "inspect", *ids])) if ids else []
        lasting = [each for each in found if each["Config"]["Labels"]["com.docker.compose.oneoff"] == "False"]
        return [each for each in lasting if service in (None, service_of(each))]

    def inside(self, container: dict[str, Any], *command: str) -> str:
        """Run a command in a running container; its output."""
        return self._run(["docker", "exec", container["Id"], *command])

    def crash(self, service: str) -> None:
        """kill -9 of a service's Java, in its first container; waits until Docker has started it again."""
        victim = self.containers(service)[0]
        before = victim["RestartCount"]
        subprocess.run(["docker", "exec", victim["Id"], "sh", "-c", _KILL_JAVA], capture_output=True, check=False)
        wait_for(lambda: self._by_id(victim)["RestartCount"] > before, f"{service} to be started again")
        wait_for(lambda: is_healthy(self._by_id(victim)), f"{service} to be healthy again")

    def logs(self, *services: str) -> str:
        """What services have said."""
        return self.compose("logs", "--no-color", *services)

    def unready(self, jobs: set[str]) -> list[str]:
        """Services that are not healthy, and `jobs` that did not end with exit code 0."""
        return [
            service_of(each)
            for each in self.containers()
            if not (each["State"]["ExitCode"] == 0 if service_of(each) in jobs else is_healthy(each))
        ]

    def secrets_in_logs(self) -> list[str]:
        """Secrets that a container has written."""
        logs = self.logs()
        return [secret for secret in self.secrets() if secret in logs]

    def secrets(self) -> list[str]:
        """All secrets of infra/.env."""
        template = parse_template((INFRA / ".env.example").read_text())
        values = parse_env(ENV_FILE.read_text(), ENV_FILE.name)
        return [values[setting.name] for setting in template if setting.length]

    def _by_id(self, container: dict[str, Any]) -> dict[str, Any]:
        return json.loads(self._run(["docker", "inspect", container["Id"]]))[0]

    def _run(self, command: list[str], cwd: Path | None = None, seconds: float = 120, fails: bool = False) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False,
            errors="replace",
        )  # fmt: skip
        output = done.stdout + done.stderr
        assert bool(done.returncode) == fails, f"{' '.join(command)} ended with {done.returncode}:\n{output[-6000:]}"
        return output


def program() -> list[str]:
    """How Docker Compose is called."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]


def images() -> list[str]:
    """The default tags of all images that the files and Dockerfiles name and do not build."""
    sources = [(INFRA / name).read_text() for name in (BASE, SECURE)]
    tags = set(re.findall(r"\$\{[A-Z_]+_IMAGE:-([^}]+)\}", "\n".join(sources)))
    return sorted(tag for tag in tags if not tag.startswith("ecommerce-streaming/"))


def is_healthy(container: dict[str, Any]) -> bool:
    """Running, and its health check says so."""
    state = container["State"]
    return state["Status"] == "running" and state["Health"]["Status"] == "healthy"


def wait_for(holds: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
    """Wait until something holds; fails the test if it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(1)
