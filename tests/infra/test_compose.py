"""The commands around Docker Compose: what they call, and what they say of a container that failed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra import compose
from infra.env_file import parse_env, write_env


def container(status: str, exit_code: int = 0, health: str | None = None, **state: Any) -> dict[str, Any]:
    """A container as `docker inspect` shows it."""
    told = {"Status": status, "ExitCode": exit_code, **({"Health": {"Status": health}} if health else {}), **state}
    return {"Id": "c1", "State": told, "Config": {"Labels": {"com.docker.compose.service": "kafka"}}}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every container's last line is the same."""
    monkeypatch.setattr(compose, "_output", lambda command, **_: "the last line\n")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A fresh infra/.env, as a dictionary, and a shell that says nothing about it."""
    path = tmp_path / ".env"
    write_env(path)
    monkeypatch.setattr(compose, "ENV_FILE", path)
    values = parse_env(path.read_text(), path.name)
    for name in (*values, "SPARK_IMAGE", "MINIO_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return values


@pytest.fixture
def commands(env_file: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of Docker Compose, which does it all at once."""
    asked: list[str] = []
    monkeypatch.setattr(compose.Stack, "run", lambda _, *arguments: asked.append(" ".join(arguments)))
    monkeypatch.setattr(compose.Stack, "containers", lambda _: [])
    monkeypatch.setattr(compose, "write_env", list)
    return asked


STACK = compose.Stack(("docker", "compose"), (compose.BASE,))


@pytest.mark.parametrize(
    ("named", "built"),
    [
        ({}, ["build spark-master minio"]),
        ({"MINIO_IMAGE": "registry.example/minio:1"}, ["build spark-master"]),
        ({"MINIO_IMAGE": "registry.example/minio:1", "SPARK_IMAGE": "registry.example/spark:1"}, []),
    ],
)
def test_an_image_that_a_setting_names_is_not_built(
    named: dict[str, str], built: list[str], commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, image in named.items():
        monkeypatch.setenv(name, image)
    compose.up(STACK)
    assert commands == [*built, "up --detach --no-build --remove-orphans"]


def test_a_tool_leaves_the_servers_as_they_are(commands: list[str]) -> None:
    """`run` with dependencies would make anew what another setting, or another file, changed."""
    compose.verify(STACK)
    (asked,) = commands
    assert asked.startswith("run --rm --no-deps ")


def test_a_secret_of_the_shell_that_is_not_the_stacks_is_refused(
    env_file: dict[str, str], commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSEUDONYM_KEY", env_file["PSEUDONYM_KEY"])
    monkeypatch.setenv("GENERATOR_RATE", "7")
    compose.check_shell()
    monkeypatch.setenv("PSEUDONYM_KEY", "another-key-of-the-local-stack")
    with pytest.raises(compose.ComposeError) as refused:
        compose.up(STACK)
    assert str(refused.value).startswith("PSEUDONYM_KEY of this shell is not infra/.env's")
    assert (refused.value.code, commands) == (2, [])


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
