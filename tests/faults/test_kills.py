"""kill -9 of the driver, both its processes: at named points, and at random moments under a running generator."""

from __future__ import annotations

import os
import random
import time

import pytest
from jobs import Site, kill
from supervisor import BATCH, SupervisedJob

from pipelines.failpoints import POINTS

pytestmark = pytest.mark.faults
KILLS = int(os.environ.get("FAULT_KILLS", "20"))


@pytest.mark.row(1, "kill -9 at random moments under a running generator")
def test_kills_at_random_moments_lose_and_double_nothing(site: Site, result) -> None:
    """Every second kill hits a job that has caught up, the others one that starts, plans or writes."""
    manifest = site.folder / "manifest.jsonl"
    chance = random.Random(1)  # noqa: S311 — moments, not secrets
    generator = site.start_generator("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.02")
    job = SupervisedJob(site)
    seconds = []
    for number in range(KILLS):
        if number % 2:
            began = time.monotonic()
            job.catch_up()
            seconds.append(time.monotonic() - began)
            time.sleep(chance.uniform(0, 6))
        else:
            job.await_batches(0 if number % 4 else 1)
            time.sleep(chance.uniform(5, 25) if number % 4 else chance.uniform(0, 6))
        assert job.process.poll() is None, site.log()
        kill(job.process)
        job = SupervisedJob(site)
    generator.terminate()
    assert generator.wait(60) == 0
    with result.recovery():
        job.catch_up()
    result.line.recovery_seconds = round(max(*seconds, result.line.recovery_seconds or 0), 1)
    result.line.times = KILLS
    job.stop()
    found = result.proved(site, manifest)
    assert found.repeats <= KILLS * BATCH


@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=pytest.mark.row(1, f"kill -9 at “{point}”")) for point in POINTS]
)
def test_a_kill_at_a_named_point_repeats_nothing(site: Site, result, point: str) -> None:
    """The second of three batches is interrupted."""
    manifest = site.folder / "manifest.jsonl"
    rates = ["--malformed-rate=0.05", "--duplicate-rate=0.1"]
    site.generate("--count=900", "--seed=1", f"--manifest={manifest}", *rates)
    arguments = ("--available-now", "--max-offsets-per-trigger=300")
    job = site.start_enrich(*arguments, ENRICH_FAILPOINT=f"{point}:2")
    assert job.wait(600) != 0
    kill(job)
    assert "enrich: done" not in site.log()
    with result.recovery():
        assert site.enrich(*arguments) == 0, site.log()
    assert result.proved(site, manifest).repeats == 0
