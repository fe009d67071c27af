"""The object store goes away, answers 503 or dawdles under a running job; it is reached through a proxy."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobs import Site
from supervisor import SupervisedJob
from tcp_proxy import TcpProxy

from infra.local import Stack

pytestmark = pytest.mark.faults
row = pytest.mark.row


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[TcpProxy]:
    with TcpProxy(stack.state.ports.s3) as made:
        yield made


@pytest.fixture
def site(stack: Stack, proxy: TcpProxy, tmp_path: Path) -> Iterator[Site]:
    stack.resume("s3")
    stack.up()
    proxy.heal()
    environment = {**stack.environment(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
    made = Site.create(environment, f"f-{uuid.uuid4().hex[:6]}", tmp_path)
    yield made
    made.kill_all()


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
def test_a_store_that_was_away_loses_nothing(stack: Stack, proxy: TcpProxy, site: Site, result, fault, seconds: int):
    """The batch in hand waits or fails and is tried again; nothing is recorded as done before it is."""
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.02")
    with fault(stack, proxy):
        time.sleep(seconds)
    proxy.heal()
    with result.recovery():
        generator.send_signal(signal.SIGTERM)
        assert generator.wait(100) == 0
        job.catch_up()
    result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
    job.stop()
    result.proved(site, manifest)
