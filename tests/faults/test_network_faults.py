"""A bad network between Kafka and its clients: generator and job reach the broker through a proxy only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from supervisor import Load, running
from tcp_proxy import Repeating, TcpProxy
from world import wait_for

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


@pytest.fixture(scope="module")
def loaded(network: tuple[Stack, TcpProxy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    servers, proxy = network
    environment = {**servers.environment(), "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{proxy.port}"}
    yield from running(environment, tmp_path_factory.mktemp("load"))


@pytest.fixture
def proxy(network: tuple[Stack, TcpProxy]) -> Iterator[TcpProxy]:
    yield network[1]
    network[1].heal()


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
def test_a_bad_network_to_the_broker_delays_and_loses_nothing(proxy: TcpProxy, loaded: Load, result, fault, seconds):
    """Nobody hangs: both are at work again within the time-outs after the network is good."""
    generator = loaded.feed()
    with fault(proxy):
        time.sleep(seconds)
        before = loaded.acknowledged()
    proxy.heal()
    with result.recovery():
        wait_for(lambda: loaded.acknowledged() > before, 60, "records acknowledged again")
        loaded.settle(generator)
    result.note(loaded.how())
    assert result.proved(loaded.site, loaded.manifest).sent_twice == 0
