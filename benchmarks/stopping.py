"""Ctrl-C and SIGTERM end a benchmark at once, and in good order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_asked: list[int] = []


@contextmanager
def stoppable() -> Iterator[None]:
    """In the block both signals raise KeyboardInterrupt, once; what is cleaned up then is not disturbed by more."""
    _asked.clear()
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_stopping() -> bool:
    """Whether a signal came: C code (librdkafka's) may have made another exception of the interrupt."""
    return bool(_asked)


def _interrupt(number: int, frame: Any) -> None:
    if not _asked:
        _asked.append(number)
        raise KeyboardInterrupt
