"""The compose stack from one place: ``python3 -m infra.compose up|demo|verify|status|down|clean`` (``make compose-…``).

Standard library only, like `infra.env_file`: with Docker, the machine needs `make` and `python3`, no installation.
Everything is plain Docker Compose in infra/: the files, infra/.env, the project's name. What runs is shown, so that
people can run it themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.env_file import ENV_FILE, EnvFileError, beaten, parse_env, parse_template, read_template, write_env

INFRA = Path(__file__).resolve().parent
BASE = "docker-compose.yml"
SECURE = "docker-compose.secure.yml"
# The services whose images are built here, unless a setting names another; the others use one of these.
_BUILT = {"spark-master": "SPARK_IMAGE", "minio": "MINIO_IMAGE"}
_HEALTH_SECONDS = 300
_MANIFESTS = "/var/lib/ecommerce/generator"
_PAGES = {
    "SPARK_MASTER_UI_PORT": ("8080", "Spark: master, workers, the running job"),
    "S3_CONSOLE_PORT": ("9001", "MinIO's console (MINIO_ROOT_USER and its password are in infra/.env)"),
    "KAFKA_UI_PORT": ("8090", "Kafka UI, read-only (with UI=1)"),
}


class ComposeError(Exception):
    """Docker Compose could not do it: one line with the remedy. `code` is the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Stack:
    """The stack as it is to run: `program` is how Docker Compose is called here."""

    program: tuple[str, ...]
    files: tuple[str, ...]
    profiles: tuple[str, ...] = ()

    def command(self, *arguments: str) -> list[str]:
        """A Docker Compose command about this stack, to be run in infra/."""
        files = [part for file in self.files for part in ("-f", file)]
        profiles = [part for profile in self.profiles for part in ("--profile", profile)]
        return [*self.program, *files, *profiles, *arguments]

    def run(self, *arguments: str) -> None:
        """Show and run a command; what it prints goes to the terminal. Raises ComposeError where it fails."""
        command = self.command(*arguments)
        print(f"$ cd infra && {shlex.join(command)}", file=sys.stderr, flush=True)
        done = subprocess.run(command, cwd=INFRA, check=False)  # noqa: S603 - our own command
        if done.returncode:
            raise ComposeError(f"`{arguments[0]}` failed: see the lines above, or `make doctor`.", done.returncode)

    def containers(self) -> list[dict[str, Any]]:
        """All containers of the stack as `docker inspect` describes them."""
        ids = _output(self.command("ps", "--all", "--quiet"), cwd=INFRA).split()
        return list(json.loads(_output(["docker", "inspect", *ids]))) if ids else []


def up(stack: Stack) -> None:
    """Build, start, and wait until all is healthy; say where things are."""
    for line in write_env():
        print(line, file=sys.stderr)
    check_shell()
    settings = _settings()
    if built := [service for service, image in _BUILT.items() if not settings.get(image)]:
        stack.run("build", *built)
    try:
        stack.run("up", "--detach", "--no-build", "--remove-orphans")
    except ComposeError:
        for problem in filter(None, map(problem_of, stack.containers())):
            print(f"! {problem}", file=sys.stderr)
        raise
    await_health(stack)
    status(stack)


def check_shell(environment: Mapping[str, str] = os.environ) -> None:
    """No secret of infra/.env is another one in this shell, as after `eval "$(make -s local-env)"`.

    Raises ComposeError: containers would take the shell's, and one user would have two pseudonyms.
    """
    file = parse_env(ENV_FILE.read_text(encoding="utf-8"), ENV_FILE.name)
    secrets = {setting.name for setting in parse_template(read_template()) if setting.length}
    others = [name for name in beaten(file, environment) if name in secrets]
    if others:
        names = ", ".join(others)
        raise ComposeError(
            f"{names} of this shell is not infra/.env's, and would beat it: `unset {' '.join(others)}`.", 2
        )


def await_health(stack: Stack) -> None:
    """Wait until every container is healthy or done. Raises ComposeError for one that fails, or after 5 minutes."""
    began = time.monotonic()
    told: list[str] = []
    while True:
        containers = stack.containers()
        problem = next(filter(None, map(problem_of, containers)), None)
        if problem:
            raise ComposeError(f"{problem}. See `docker compose logs` in infra/, or `make doctor`.")
        waiting = sorted({service_of(each) for each in containers if not is_ready(each)})
        if not waiting:
            return
        if waiting != told:
            print(f"Waiting for {', '.join(waiting)} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
            told = waiting
        if time.monotonic() - began > _HEALTH_SECONDS:
            raise ComposeError(f"{', '.join(waiting)}: not healthy after {_HEALTH_SECONDS} s. See `make doctor`.")
        time.sleep(1)


def demo(stack: Stack) -> None:
    """The demo inside the stack."""
    up(stack)
    terminal = [] if sys.stdout.isatty() else ["-T"]
    stack.run("run", "--rm", "--no-deps", *terminal, "tools", "python", "-m", "pipelines.demo", "--running", _MANIFESTS)


def verify(stack: Stack) -> None:
    """Prove that nothing was lost: all that the generator has sent until now, while it goes on sending."""
    steps = (
        f"cp {_MANIFESTS}/manifest.jsonl /tmp/sent.jsonl",
        "python -m pipelines.lag --wait 600",
        "python -m pipelines.verify --manifest /tmp/sent.jsonl",
    )
    stack.run("run", "--rm", "--no-deps", "-T", "tools", "sh", "-c", " && ".join(steps))


def status(stack: Stack) -> None:
    """The containers and the pages."""
    containers = stack.containers()
    for each in sorted(containers, key=service_of):
        state = each["State"]
        health = state.get("Health", {}).get("Status") or f"exit code {state['ExitCode']}"
        words = health if state["Status"] == "running" else f"{state['Status']}, exit code {state['ExitCode']}"
        print(f"{service_of(each):<18}{words}")
    if not containers:
        print("The stack is not there: `make compose-up` starts it.")
        return
    values = _settings()
    print()
    for name, (default, title) in _PAGES.items():
        if name != "KAFKA_UI_PORT" or any(service_of(each) == "kafka-ui" for each in containers):
            print(f"http://127.0.0.1:{values.get(name, default):<6} {title}")
    print(f"{'127.0.0.1:' + values.get('KAFKA_PORT', '9092'):<23} Kafka, for programs on this machine")


def down(stack: Stack) -> None:
    """Stop in good order and remove the containers; data stays."""
    stack.run("stop")
    stack.run("down", "--remove-orphans")


def clean(stack: Stack) -> None:
    """Stop, and delete all data."""
    stack.run("down", "--volumes", "--remove-orphans")


def problem_of(container: dict[str, Any]) -> str | None:
    """What is wrong with a container, with the last line that it wrote; None if nothing is."""
    state = container["State"]
    if state["Status"] == "running" and state.get("Health", {}).get("Status", "healthy") in ("healthy", "starting"):
        return None
    if state["Status"] == "created" or (state["Status"] == "exited" and state["ExitCode"] == 0):
        return None
    said = _output(["docker", "logs", "--tail", "1", container["Id"]], both=True).strip()[-300:]
    words = "is not healthy" if state["Status"] == "running" else f"ended with exit code {state['ExitCode']}"
    if state.get("OOMKilled"):
        words = "ran out of memory"
    return f"{service_of(container)} {words}: {said or 'it said nothing'}"


def is_ready(container: dict[str, Any]) -> bool:
    """Healthy, or a job that is done."""
    state = container["State"]
    return bool(state["Status"] == "exited" or state.get("Health", {}).get("Status") == "healthy")


def service_of(container: dict[str, Any]) -> str:
    """The name of a container's service."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def find_program() -> tuple[str, ...]:
    """How Docker Compose is called here. Raises ComposeError where it is missing."""
    for program in (("docker", "compose"), ("docker-compose",)):
        try:
            if subprocess.run([*program, "version"], capture_output=True, check=False).returncode == 0:  # noqa: S603
                return program
        except FileNotFoundError:
            continue
    raise ComposeError("There is no Docker Compose: install Docker Desktop, or see `make doctor`.", 2)


def files_in_use(project: str) -> tuple[str, ...]:
    """The files that a running stack was started with, so that no other command changes what it is."""
    label = "com.docker.compose.project"
    form = f'{{{{.Label "{label}.config_files"}}}}'
    rows = _output(["docker", "ps", "--all", "--filter", f"label={label}={project}", "--format", form]).splitlines()
    return (BASE, SECURE) if any(SECURE in row for row in rows) else (BASE,)


def _settings() -> dict[str, str]:
    """infra/.env, and what the shell says instead."""
    return {**parse_env(ENV_FILE.read_text(encoding="utf-8"), ENV_FILE.name), **os.environ}


def _output(command: Sequence[str], cwd: Path | None = None, both: bool = False) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise ComposeError(f"{' '.join(command[:2])} failed: {reason[:300]}. See `make doctor`.")
    return done.stdout + done.stderr if both else done.stdout


_COMMANDS: dict[str, tuple[Callable[[Stack], None], str]] = {
    "up": (up, "build the images, make infra/.env, start everything and wait until it is healthy"),
    "demo": (demo, "bring it up and run the demo in it"),
    "verify": (verify, "prove that nothing of what the generator sent was lost"),
    "status": (status, "show the containers and their pages"),
    "down": (down, "stop in good order; data stays"),
    "clean": (clean, "stop and delete all data"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 failed, 2 configuration."""
    parser = argparse.ArgumentParser(prog="python3 -m infra.compose", description="The stack in containers.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in _COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        if name in ("up", "demo"):
            sub.add_argument("--secure", action="store_true", help="TLS, SCRAM and access rights everywhere")
            sub.add_argument("--ui", action="store_true", help="with a page about Kafka")
    arguments = parser.parse_args(argv)
    try:
        program = find_program()
        if not ENV_FILE.exists() and arguments.command not in ("up", "demo"):
            raise ComposeError("There is no infra/.env, so no stack was started here: `make compose-up`.", 2)
        write_env()
        project = _settings()["COMPOSE_PROJECT_NAME"]
        secure = getattr(arguments, "secure", False) or arguments.command == "clean"
        files = (BASE, SECURE) if secure else files_in_use(project)
        if arguments.command == "up" and not secure:
            files = (BASE,)
        everything = () if arguments.command in ("up", "demo") else ("ui", "tools")
        profiles = ("ui",) if getattr(arguments, "ui", False) else everything
        _COMMANDS[arguments.command][0](Stack(program, files, profiles))
    except (ComposeError, EnvFileError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return getattr(error, "code", 2)
    except KeyboardInterrupt:
        print("Stopped. `make compose-down` stops what runs.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
