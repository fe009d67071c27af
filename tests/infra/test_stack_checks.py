"""Before anything starts: ports, disk, Java, Go."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from infra.local import Stack, checks, minio
from infra.local.__main__ import main
from infra.local.ports import free_ports, in_use
from infra.local.servers import server
from infra.local.state import Ports, new_state
from pipelines.cli import ConfigurationError, run


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - the other program's choice
def test_a_port_in_use_is_seen(address: str) -> None:
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        assert in_use(listener.getsockname()[1])


def test_a_free_port_is_free() -> None:
    assert not in_use(free_ports(1)[0])


def test_a_port_in_use_is_named_with_the_setting(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        kafka = server("kafka", tmp_path, new_state(Ports(kafka=port), "s3proxy"))
        with pytest.raises(
            ConfigurationError, match=rf"Port {port} for Kafka is in use.*KAFKA_PORT={port + 1000} make up"
        ):
            checks.require_room(tmp_path, [kafka])


def test_too_little_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1024**3))
    zookeeper = server("zookeeper", tmp_path, new_state(Ports(), "s3proxy"))
    with pytest.raises(ConfigurationError, match=r"1\.0 GiB free and needs 2: make room, or set STACK_HOME"):
        checks.require_room(tmp_path, [zookeeper])


def test_up_without_java_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="No `java` on PATH"):
        Stack(tmp_path / "home").up()
    assert not (tmp_path / "home").exists()


def test_a_minio_binary_setting_that_is_wrong_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIO_BINARY", "/nowhere/minio")
    with pytest.raises(ConfigurationError, match="MINIO_BINARY=/nowhere/minio is not an executable file"):
        minio.find_minio()


@pytest.mark.parametrize(
    ("go", "message"),
    [
        (None, "needs Go 1.24 or newer, and no `go` is on PATH"),
        ("go version go1.22.5 linux/amd64", r"needs Go 1\.24 or newer, .* is go1\.22"),
    ],
)
def test_building_minio_names_the_go_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: str | None, message: str
) -> None:
    monkeypatch.setenv("ECOMMERCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    if go:
        (tmp_path / "go").write_text(f"#!/bin/sh\necho '{go}'\n")
        (tmp_path / "go").chmod(0o755)
    with pytest.raises(ConfigurationError, match=message):
        minio.build_minio()


def test_a_built_minio_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOMMERCE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    built = minio.built_minio()
    built.parent.mkdir(parents=True)
    built.touch(mode=0o755)
    assert minio.build_minio() == built
    assert minio.find_minio() == built


@pytest.mark.parametrize("command", ["status", "env"])
def test_commands_on_a_stack_that_never_ran_exit_with_2(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(main, [command, "--home", str(tmp_path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"Error: There is no local stack in {tmp_path}: start one with `make up`.\n"


def test_down_and_clean_of_nothing_succeed(tmp_path: Path) -> None:
    for command, text in (("down", "Nothing was running."), ("clean", "Nothing to clean")):
        result = CliRunner().invoke(main, [command, "--home", str(tmp_path / "absent")])
        assert (result.exit_code, text in result.output) == (0, True)
