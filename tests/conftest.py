"""Real servers for integration tests, one start per session, on free ports and in temporary folders.

A test that needs them takes `kafka_stack`, `s3_server` (once with S3Proxy, once with MinIO) or
`stack_environment` (both, as environment variables) and is marked `integration`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from infra.local import Stack
from infra.local.minio import find_minio
from infra.local.ports import free_ports


def pytest_configure() -> None:
    """Shells ignore Ctrl-C for what they start in the background, and so do its children; tests send it to some."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """In CI a skipped integration test is a failed one: nothing may go missing unnoticed."""
    report = yield
    in_ci = os.environ.get("CI", "").lower() in {"1", "true"}
    if in_ci and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("integration"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(autouse=True, scope="session")
def short_lived_jvms() -> Iterator[None]:
    """Jobs that live for a minute compile quickly instead of well: half the CPU of a start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m")
        yield


@pytest.fixture(scope="session")
def kafka_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """ZooKeeper and one Kafka broker."""
    zookeeper, kafka = free_ports(2)
    ports = {"zookeeper": zookeeper, "kafka": kafka}
    yield from _running(Stack(tmp_path_factory.mktemp("kafka"), ports=ports, servers=("zookeeper", "kafka")))


@pytest.fixture(scope="session", params=["s3proxy", "minio"])
def s3_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An S3 server with the lake's bucket, each kind in turn."""
    if request.param == "minio" and find_minio() is None:
        pytest.skip("MinIO is missing: run `make minio`")
    ports = {"s3": free_ports(1)[0]}
    home = tmp_path_factory.mktemp(request.param)
    yield from _running(Stack(home, ports=ports, s3_server=request.param, servers=("s3",)))


@pytest.fixture
def stack_environment(kafka_stack: Stack, s3_server: Stack) -> dict[str, str]:
    """The settings that point this project's programs at both."""
    return {**kafka_stack.environment(), **s3_server.environment()}


def _running(stack: Stack) -> Iterator[Stack]:
    stack.up()
    try:
        yield stack
    finally:
        stack.clean()
