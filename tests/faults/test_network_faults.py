"""A bad network between Kafka and its clients: generator and job reach the broker through a proxy only."""

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
from tcp_proxy import Repeating, TcpProxy
from world import lines, wait_for

from infra.local import Stack, templates
from infra.local.minio import find_minio
from infra.local.ports import free_ports
from infra.local.servers import ALL_SERVERS

pytestmark = pytest.mark.faults
row = pytest.mark.row

# Clients are told the proxy's address, the broker talks to itself over its own.
_LISTENERS = """
listeners=PLAINTEXT://{{host}}:{{port}},CLIENT://{{host}}:{behind}
advertised.listeners=PLAINTEXT://{{host}}:{{port}},CLIENT://{{host}}:{proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CLIENT:PLAINTEXT
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, TcpProxy]]:
    """Servers, and the only way to the broker."""
    *ports, behind = free_ports(4)
    with TcpProxy(behind) as proxy, pytest.MonkeyPatch.context() as patch:
        # In a properties file the last of two lines counts.
        patch.setattr(templates, "KAFKA", templates.KAFKA + _LISTENERS.format(behind=behind, proxy=proxy.port))
        servers = Stack(
            tmp_path_factory.mktemp("stack"),
            ports=dict(zip(ALL_SERVERS, ports, strict=True)),
            s3_server="minio" if find_minio() else "s3proxy",
        )
        servers.up()
        try:
            yield servers, proxy
        finally:
            servers.clean()


@pytest.fixture
def proxy(network: tuple[Stack, TcpProxy]) -> Iterator[TcpProxy]:
    yield network[1]
    network[1].heal()


@pytest.fixture
def site(network: tuple[Stack, TcpProxy], proxy: TcpProxy, tmp_path: Path) -> Iterator[Site]:
    environment = {**network[0].environment(), "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{proxy.port}"}
    made = Site.create(environment, f"f-{uuid.uuid4().hex[:6]}", tmp_path)
    yield made
    made.kill_all()


@contextmanager
def latency(proxy: TcpProxy) -> Iterator[None]:
    proxy.latency_seconds = 0.3
    yield


@contextmanager
def narrow(proxy: TcpProxy) -> Iterator[None]:
    proxy.bytes_per_second = 50_000
    yield


@contextmanager
def half_open(proxy: TcpProxy) -> Iterator[None]:
    proxy.stall()
    yield


@contextmanager
def resets(proxy: TcpProxy) -> Iterator[None]:
    with Repeating(proxy.reset, 3):
        yield


@contextmanager
def refusals(proxy: TcpProxy) -> Iterator[None]:
    proxy.refuse()
    yield


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param(latency, 30, marks=row(8, "300 ms more per packet to Kafka for 30 s"), id="latency"),
        pytest.param(narrow, 30, marks=row(8, "50 KB/s per connection to Kafka for 30 s"), id="narrow"),
        pytest.param(half_open, 45, marks=row(8, "half-open connections to Kafka for 45 s"), id="half_open"),
        pytest.param(resets, 30, marks=row(8, "all connections to Kafka reset every 3 s for 30 s"), id="resets"),
        pytest.param(refusals, 30, marks=row(8, "connections to Kafka refused for 30 s"), id="refusals"),
    ],
)
def test_a_bad_network_to_the_broker_delays_and_loses_nothing(proxy: TcpProxy, site: Site, result, fault, seconds):
    """Nobody hangs: both are at work again within the time-outs after the network is good."""
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.02")
    with fault(proxy):
        time.sleep(seconds)
        before = lines(manifest)
    proxy.heal()
    with result.recovery():
        wait_for(lambda: lines(manifest) > before, 60, "records acknowledged again")
        generator.send_signal(signal.SIGTERM)
        assert generator.wait(100) == 0
        job.catch_up()
    result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
    job.stop()
    assert result.proved(site, manifest).sent_twice == 0
