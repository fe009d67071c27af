"""A TCP proxy on the loopback interface that misbehaves on request: a network between a client and its server.

Faults act on the connections that exist and on new ones, until `heal`.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

_HOST = "127.0.0.1"
_CHUNK = 64 * 1024
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: 86\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>"
)


class TcpProxy:
    """Passes bytes on between whoever connects to `port` and the target. Use it as a context."""

    def __init__(self, target_port: int) -> None:
        self._target = (_HOST, target_port)
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._open = True
        self._flowing = threading.Event()
        self.heal_settings()
        threading.Thread(target=self._accept, daemon=True).start()

    def heal_settings(self) -> None:
        """No delay, no limit, nothing held or answered in the server's place."""
        self.latency_seconds = 0.0
        self.bytes_per_second: float | None = None
        self.unavailable_share = 0.0
        self._flowing.set()

    def heal(self) -> None:
        """Be a good network again; refused ports are open again."""
        self.heal_settings()
        if self._listener.fileno() == -1:
            self._listener = self._listen(self.port)
            threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Half-open: connections stay and are accepted, and nothing passes."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Reset every connection and accept no new one."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def reset(self) -> int:
        """Reset every connection; how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)
                end.close()
        return len(pairs)

    def answer_unavailable(self, share: float) -> None:
        """Answer this share of new HTTP connections with 503 in the server's place."""
        self.unavailable_share = share
        self.reset()

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self.refuse()
        self._flowing.set()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(128)
        return listener

    def _accept(self) -> None:
        listener = self._listener
        while self._open:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if random.random() < self.unavailable_share:  # noqa: S311 — which request fails is chance
            return _answer(client, _UNAVAILABLE)
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            return client.close()
        pair = (client, server)
        for end in pair:
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._pairs.add(pair)
        for source, sink in (pair, pair[::-1]):
            threading.Thread(target=self._pump, args=(source, sink, pair), daemon=True).start()
        return None

    def _pump(self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        try:
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                if self.latency_seconds:
                    time.sleep(self.latency_seconds)
                if self.bytes_per_second:
                    time.sleep(len(data) / self.bytes_per_second)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            with self._lock:
                self._pairs.discard(pair)
            for end in pair:
                end.close()


class Repeating:
    """Does something every few seconds in the background, as a context."""

    def __init__(self, action: Callable[[], object], seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._action()

    def __enter__(self) -> Repeating:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)


def _answer(client: socket.socket, answer: bytes) -> None:
    """Read one HTTP request, as far as it comes at once, and answer it."""
    client.settimeout(1)
    with contextlib.suppress(OSError):
        request = client.recv(_CHUNK)
        while b"\r\n\r\n" not in request:
            request += client.recv(_CHUNK)
        head, _, body = request.partition(b"\r\n\r\n")
        left = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                     if line.startswith(b"content-length:")), 0) - len(body)  # fmt: skip
        while left > 0 and b"100-continue" not in head.lower():
            left -= len(client.recv(_CHUNK)) or left
        client.sendall(answer)
    client.close()
