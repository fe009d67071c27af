"""A graceful stop on SIGTERM and Ctrl-C: the batch in hand is finished, the next one never reaches a sink."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from pyspark.sql import SparkSession


class StopRequested(Exception):
    """Raised inside a batch function to keep a batch that was planned after the request from being written."""


class Shutdown:
    """Listens for SIGTERM and SIGINT in this process and, under spark-submit, in its JVM.

    Under spark-submit the signal reaches the JVM, whose default handler would tear the running batch down: so a
    handler of our own is registered there, through py4j's callback server (which foreachBatch uses as well).
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._jvm_handler: Any = None

    @property
    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ask to stop, as a signal does."""
        self._requested.set()

    def wait(self, seconds: float) -> bool:
        """Wait until a stop is requested, at most `seconds`."""
        return self._requested.wait(seconds)

    def listen(self) -> None:
        """Install this process's handlers; at first before Spark starts."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_python_signal)

    def listen_in_jvm(self, spark: SparkSession) -> None:
        """Install the JVM's handlers, and this process's again: Spark's start put one of its own in their place."""
        from pyspark.java_gateway import ensure_callback_server_started

        self.listen()
        gateway: Any = spark.sparkContext._gateway
        ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
        self._jvm_handler = _JvmSignalHandler(self)
        signals = gateway.jvm.sun.misc.Signal
        for name in ("TERM", "INT"):
            signals.handle(gateway.jvm.sun.misc.Signal(name), self._jvm_handler)

    def _on_python_signal(self, number: int, frame: FrameType | None) -> None:
        self.request()


class _JvmSignalHandler:
    """Implements sun.misc.SignalHandler for py4j."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown

    def handle(self, jvm_signal: Any) -> None:
        self._shutdown.request()

    class Java:
        implements = ("sun.misc.SignalHandler",)
