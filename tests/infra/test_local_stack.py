"""The whole stack with real servers: up, again up, a crash, down, and what goes wrong at start."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import Stack
from infra.local.__main__ import main
from infra.local.health import s3_answers
from infra.local.ports import free_ports, in_use
from infra.local.processes import command_line
from pipelines.cli import ConfigurationError, RunFailed, run
from pipelines.clients import KafkaSettings, S3Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that is not up yet, with S3Proxy, and leaves nothing behind."""
    zookeeper, kafka, s3 = free_ports(3)
    ports = {"zookeeper": zookeeper, "kafka": kafka, "s3": s3}
    one = Stack(tmp_path / "home", ports=ports, s3_server="s3proxy")
    yield one
    one.clean()


def s3_client(s3_server: Stack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project's own client, from the environment that the stack names."""
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the first keys it ever read
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return S3Settings(endpoint=s3_server.environment()["AWS_ENDPOINT_URL"]).client()


def test_a_stack_lives_from_up_to_clean(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(stack.home)]

    assert stack.up() is True
    assert run(main, ["status", *home]) == 0
    assert stack.up() is False, "the second up starts nothing"

    processes = [row.pid for row in stack.status()]
    stack.kill("kafka")
    assert [row.is_healthy for row in stack.status()] == [True, False, True]
    assert run(main, ["status", *home]) == 1
    assert "Kafka              -" in capsys.readouterr().out

    assert stack.up() is True, "up starts what is missing"
    assert [row.is_healthy for row in stack.status()] == [True, True, True]
    assert stack.pid("zookeeper") == processes[0]

    assert stack.down() == ["S3Proxy", "Kafka", "ZooKeeper"]
    assert not any(in_use(row.port) for row in stack.status())

    assert stack.clean() is True
    assert not stack.home.exists()


def test_servers_outlive_the_command_that_started_them(stack: Stack) -> None:
    options = [f"--{name}-port={port}" for name, port in stack._ports.items()]
    command = [
        sys.executable,
        "-m",
        "infra.local",
        "up",
        f"--home={stack.home}",
        "--s3-server=s3proxy",
        *options,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

    rows = stack.status()
    assert [row.is_healthy for row in rows] == [True, True, True]
    assert not any(stack.state.secret_key in command_line(row.pid or 0) for row in rows)


def test_a_port_in_use_stops_up_before_anything_starts(stack: Stack) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", stack._ports["kafka"]))
        listener.listen()
        with pytest.raises(ConfigurationError, match="for Kafka is in use by another program"):
            stack.up()
    assert not stack.home.joinpath("run").exists()


def test_a_server_that_crashes_at_start_is_named_and_takes_the_others_down(stack: Stack) -> None:
    stack.up()
    stack.down()
    damaged = stack.home / "kafka" / "data" / "meta.properties"
    damaged.write_text(damaged.read_text().replace("cluster.id=", "cluster.id=x"))

    with pytest.raises(RunFailed, match=r"Kafka stopped while starting: .*[Cc]luster.*Log: .*kafka\.log") as problem:
        stack.up()

    assert "\n" not in problem.value.message
    assert [row.pid for row in stack.status()] == [None, None, None]


def test_a_paused_broker_is_reported_and_comes_back(kafka_stack: Stack) -> None:
    kafka_stack.pause("kafka")
    try:
        assert [row.is_healthy for row in kafka_stack.status()] == [True, False]
    finally:
        kafka_stack.resume("kafka")
    kafka_stack.wait_healthy("kafka")


def test_topics_are_not_created_by_accident(kafka_stack: Stack) -> None:
    settings = KafkaSettings(kafka_stack.environment()["KAFKA_BOOTSTRAP_SERVERS"])
    admin = settings.admin()
    try:
        settings.consumer("a-typo", consumer_timeout_ms=1000).close()
        assert "a-typo" not in admin.list_topics()
    finally:
        admin.close()


def test_the_store_has_the_bucket_and_refuses_other_keys(s3_server: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    client = s3_client(s3_server, monkeypatch)
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["ecommerce-lake"]

    assert not s3_answers(dataclasses.replace(s3_server.state, secret_key="another"))


def test_the_store_keeps_its_data_through_a_kill(s3_server: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    client = s3_client(s3_server, monkeypatch)
    client.put_object(Bucket="ecommerce-lake", Key="infra/kept", Body=b"content")

    s3_server.kill("s3")
    s3_server.start("s3")

    assert client.get_object(Bucket="ecommerce-lake", Key="infra/kept")["Body"].read() == b"content"
    client.delete_object(Bucket="ecommerce-lake", Key="infra/kept")
