"""The object store goes away, answers 503 or dawdles under a running job; it is reached through a proxy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from supervisor import Load, running
from tcp_proxy import TcpProxy

from infra.local import Stack

pytestmark = pytest.mark.faults
row = pytest.mark.row


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[TcpProxy]:
    with TcpProxy(stack.state.ports.s3) as made:
        yield made


@pytest.fixture(scope="module")
def loaded(stack: Stack, proxy: TcpProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    environment = {**stack.environment(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
    yield from running(environment, tmp_path_factory.mktemp("load"))


@contextmanager
def killed(stack: Stack, proxy: TcpProxy) -> Iterator[None]:
    stack.kill("s3")
    yield
    stack.start("s3")


@contextmanager
def paused(stack: Stack, proxy: TcpProxy) -> Iterator[None]:
    stack.pause("s3")
    yield
    stack.resume("s3")


@contextmanager
def unavailable(stack: Stack, proxy: TcpProxy) -> Iterator[None]:
    proxy.answer_unavailable(1.0)
    yield


@contextmanager
def often_unavailable(stack: Stack, proxy: TcpProxy) -> Iterator[None]:
    proxy.answer_unavailable(0.5)
    yield


@contextmanager
def slow(stack: Stack, proxy: TcpProxy) -> Iterator[None]:
    proxy.latency_seconds = 0.5
    yield


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param(killed, 60, marks=row(9, "object store killed, -9, for 60 s"), id="killed"),
        pytest.param(paused, 60, marks=row(9, "object store paused for 60 s"), id="paused"),
        pytest.param(unavailable, 60, marks=row(9, "object store answers 503 for 60 s"), id="unavailable"),
        pytest.param(often_unavailable, 45, marks=row(9, "every second connection gets a 503, 45 s"), id="often"),
        pytest.param(slow, 45, marks=row(9, "500 ms more per packet to the object store, 45 s"), id="slow"),
    ],
)
def test_a_store_that_was_away_loses_nothing(stack: Stack, proxy: TcpProxy, load: Load, result, fault, seconds: int):
    """The batch in hand waits or fails and is tried again; nothing is recorded as done before it is."""
    proxy.heal()
    generator = load.feed()
    with fault(stack, proxy):
        time.sleep(seconds)
    proxy.heal()
    with result.recovery():
        load.settle(generator)
    result.note(load.how())
    result.proved(load.site, load.manifest)
