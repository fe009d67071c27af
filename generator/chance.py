"""Chance that is the same everywhere: counter-based random bits, and tables that turn them into draws.

All draws are integer arithmetic on the raw 64-bit output of Philox, whose stream NumPy keeps stable (NEP 19). So one
seed gives the same events with every release of NumPy, on every machine, and in however many processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from itertools import accumulate
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Bits = NDArray[np.uint64]
Flags = NDArray[np.bool_]

QUANTILES = 1 << 14


class Chance:
    """A stream of random bits that follows from a seed and a name."""

    def __init__(self, seed: int, name: str) -> None:
        digest = sha256(f"{seed}/{name}".encode()).digest()
        self._philox = np.random.Philox(key=np.frombuffer(digest[:16], np.uint64))

    def bits(self, count: int) -> Bits:
        """64 random bits each."""
        return np.asarray(self._philox.random_raw(count), np.uint64)

    def below(self, limit: int, count: int) -> Int:
        """Whole numbers from 0 to `limit` − 1; `limit` is at most 2³²."""
        return np.asarray((self.bits(count) >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32), np.int64)

    def hits(self, probability: float, count: int) -> Flags:
        """Whether something of that probability happens."""
        return np.asarray(self.bits(count) >> np.uint64(32) < np.uint64(round(probability * 2**32)))

    def pick(self, table: Bits, count: int) -> Int:
        """Places in a table of `thresholds`."""
        return np.asarray(np.searchsorted(table, self.bits(count) >> np.uint64(32), side="right"))

    def quantiles(self, table: Int, count: int) -> Int:
        """Values of a table of `log_normal`."""
        return np.asarray(table[(self.bits(count) >> np.uint64(50)).astype(np.int64)])


def thresholds(weights: Sequence[float]) -> Bits:
    """A table for `Chance.pick`: place i is drawn as often as `weights[i]` says."""
    total = sum(weights)
    return np.array([round(sum_ / total * 2**32) for sum_ in accumulate(weights[:-1])], np.uint64)


@cache
def log_normal(median: float, sigma: float, scale: float = 1.0) -> Int:
    """A table of QUANTILES quantiles of the log-normal distribution, as whole numbers of 1/`scale`, at least 1.

    Computed without NumPy, whose own exp and log differ in the last bit from machine to machine.
    """
    return np.array([max(1, round(median * scale * math.exp(sigma * z))) for z in _standard_normal()], np.int64)


@cache
def _standard_normal() -> tuple[float, ...]:
    normal = NormalDist()
    return tuple(normal.inv_cdf((place + 0.5) / QUANTILES) for place in range(QUANTILES))
