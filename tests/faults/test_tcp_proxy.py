"""The proxy does to connections what the fault tests believe it does."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from tcp_proxy import TcpProxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[TcpProxy]:
    with TcpProxy(echo) as made:
        yield made


def connected(proxy: TcpProxy) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=2)
    assert said(connection) == b"hello"
    return connection


def said(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(100)


def test_latency_delays_both_ways(proxy: TcpProxy) -> None:
    connection = connected(proxy)
    proxy.latency_seconds = 0.1
    began = time.monotonic()
    assert said(connection) == b"hello"
    assert time.monotonic() - began >= 0.2


def test_a_stalled_connection_stays_silent_and_then_goes_on(proxy: TcpProxy) -> None:
    connection = connected(proxy)
    proxy.stall()
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        said(connection)
    proxy.heal()
    connection.settimeout(2)
    assert connection.recv(100) == b"hello"


def test_a_reset_is_a_reset(proxy: TcpProxy) -> None:
    connection = connected(proxy)
    assert proxy.reset() == 1
    with pytest.raises(ConnectionError):
        said(connection)


def test_a_refused_port_is_open_again_once_healed(proxy: TcpProxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.heal()
    connected(proxy)


def test_unavailable_is_an_http_503(proxy: TcpProxy) -> None:
    proxy.answer_unavailable(1.0)
    request = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=2)
    request.request("PUT", "/bucket/key", body=b"x" * 200_000)
    answer = request.getresponse()
    assert (answer.status, b"SlowDown" in answer.read()) == (503, True)
