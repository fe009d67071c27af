"""The commands around Docker Compose: what they call, and what they say of a container that failed."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from infra import compose


def container(status: str, exit_code: int = 0, health: str | None = None, **state: Any) -> dict[str, Any]:
    """A container as `docker inspect` shows it."""
    told = {"Status": status, "ExitCode": exit_code, **({"Health": {"Status": health}} if health else {}), **state}
    return {"Id": "c1", "State": told, "Config": {"Labels": {"com.docker.compose.service": "kafka"}}}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every container's last line is the same."""
    monkeypatch.setattr(compose, "_output", lambda command, **_: "the last line\n")


def test_a_command_names_files_and_profiles() -> None:
    stack = compose.Stack(("docker", "compose"), (compose.BASE, compose.SECURE), ("ui",))
    assert " ".join(stack.command("up", "--detach")) == (
        "docker compose -f docker-compose.yml -f docker-compose.secure.yml --profile ui up --detach"
    )


@pytest.mark.parametrize(
    "fine", [container("running", health="healthy"), container("running", health="starting"), container("exited")]
)
def test_what_runs_or_is_done_is_no_problem(fine: dict[str, Any], says: None) -> None:
    assert compose.problem_of(fine) is None


def test_an_unhealthy_container_is_told_with_its_last_line(says: None) -> None:
    assert compose.problem_of(container("running", health="unhealthy")) == "kafka is not healthy: the last line"


def test_a_failed_container_is_told_with_its_exit_code(says: None) -> None:
    assert compose.problem_of(container("exited", 2)) == "kafka ended with exit code 2: the last line"


def test_a_container_without_memory_is_told_as_such(says: None) -> None:
    assert compose.problem_of(container("exited", 137, OOMKilled=True)) == "kafka ran out of memory: the last line"


@pytest.mark.parametrize(
    ("rows", "files"),
    [
        ("", (compose.BASE,)),
        ("/x/infra/docker-compose.yml\n", (compose.BASE,)),
        ("/x/infra/docker-compose.yml,/x/infra/docker-compose.secure.yml\n", (compose.BASE, compose.SECURE)),
    ],
)
def test_a_secured_stack_stays_secured(rows: str, files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Later commands use the files that the running containers were made of."""
    monkeypatch.setattr(compose, "_output", lambda command, **_: rows)
    assert compose.files_in_use("ecommerce-streaming") == files


def test_docker_compose_is_the_plugin_or_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0 if command[0] == "docker-compose" else 1)

    monkeypatch.setattr(subprocess, "run", run)
    assert compose.find_program() == ("docker-compose",)


def test_a_machine_without_docker_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert compose.main(["status"]) == 2
    assert capsys.readouterr().err.startswith("Error: There is no Docker Compose: install Docker Desktop")


@pytest.mark.parametrize(
    ("state", "ready"),
    [
        (container("running", health="starting"), False),
        (container("created"), False),
        (container("running", health="healthy"), True),
        (container("exited"), True),
    ],
)
def test_a_container_is_ready_when_healthy_or_done(state: dict[str, Any], ready: bool) -> None:
    assert compose.is_ready(state) is ready
