"""Records of the generator, made in this process at a time that the test holds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from simulated_time import NOW_MS, FakeClock

from generator.records import Record
from generator.run import build_records
from generator.settings import FaultSettings, Settings, TimeSettings

Generate = Callable[..., list[Record]]


@pytest.fixture(scope="session")
def generate() -> Generate:
    """``generate(count, seed=…, rates={fault: share}, now_ms=…, start_ms=…, end_ms=…)``."""

    def records(count: int, *, seed: int = 7, rates: Any = None, now_ms: int = NOW_MS, **time: Any) -> list[Record]:
        settings = Settings(
            sink="null",
            faults=FaultSettings(rates or {}),
            time=TimeSettings(**time),
            rate=0,
            seed=seed,
            count=count,
        )
        return list(islice(build_records(settings, FakeClock(now_ms)), count))

    return records
