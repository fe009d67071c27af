"""Records of the generator, made in this process at a time that the test holds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from simulated_time import NOW_MS, FakeClock

from generator.building import build_records
from generator.records import Record
from generator.settings import Settings, TimeSettings
from generator.spoilt import FaultSettings

Generate = Callable[..., list[Record]]


@pytest.fixture(scope="session")
def generate() -> Generate:
    """``generate(count, seed=…, rates={fault: share}, drifts=[…], profile=…, now_ms=…, start_ms=…, end_ms=…)``.

    The profile is `engaged` unless it is named: there a short run has orders.
    """

    def records(
        count: int, *, seed: int = 7, rates: Any = None, drifts: Any = (), profile: str = "engaged",
        now_ms: int = NOW_MS, share: tuple[int, int] = (0, 1), **time: Any,
    ) -> list[Record]:  # fmt: skip
        settings = Settings(
            sink="null",
            faults=FaultSettings(rates or {}, drifts),
            time=TimeSettings(**time),
            rate=0,
            seed=seed,
            profile=profile,
            count=count,
        )
        return list(islice(build_records(settings, FakeClock(now_ms), share), count))

    return records
