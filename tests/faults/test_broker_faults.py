"""The broker and ZooKeeper go away and come back under a running generator and a running job."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jobs import Site, kill
from supervisor import SupervisedJob
from world import lines, read_manifest, wait_for

from infra.local import Stack

pytestmark = pytest.mark.faults
Action = Callable[[Stack, str], object]
row = pytest.mark.row


@pytest.mark.parametrize(
    ("server", "harm", "heal", "seconds"),
    [
        pytest.param("kafka", Stack.stop, Stack.start, 30, marks=row(4, "broker stopped for 30 s"), id="stopped"),
        pytest.param("kafka", Stack.kill, Stack.start, 30, marks=row(4, "broker killed, -9, for 30 s"), id="killed"),
        pytest.param("kafka", Stack.pause, Stack.resume, 60, marks=row(5, "broker paused for 60 s"), id="paused"),
    ],
)
def test_a_broker_that_was_away_loses_nothing(
    stack: Stack, site: Site, result, server: str, harm: Action, heal: Action, seconds: int
) -> None:
    """Nothing is acknowledged meanwhile; the generator delivers afterwards, the job waits or is started again."""
    manifest, generator, job = running(site)
    # SIGTERM to a broker hands over in good order: what is on its way may still arrive.
    harm(stack, server)
    time.sleep(2)
    before = lines(manifest)

    time.sleep(seconds - 2)

    assert lines(manifest) == before
    heal(stack, server)
    with result.recovery():
        wait_for(lambda: lines(manifest) > before, 90, "records acknowledged again")
        generator.send_signal(signal.SIGTERM)
        assert generator.wait(100) == 0
        job.catch_up()
    result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
    job.stop()
    assert result.proved(site, manifest).sent_twice == 0


@row(7, "ZooKeeper down for 30 s")
def test_data_flow_while_zookeeper_is_away(stack: Stack, site: Site, result) -> None:
    """Records are acknowledged and batches delivered meanwhile; afterwards topics can be made again."""
    manifest, generator, job = running(site)
    stack.kill("zookeeper")
    time.sleep(2)
    before = lines(manifest)
    job.await_batches(2)
    assert lines(manifest) > before
    time.sleep(28)
    stack.start("zookeeper")
    with result.recovery():
        wait_for(lambda: stack.wait_healthy("kafka") is None, 60)
        generator.send_signal(signal.SIGTERM)
        assert generator.wait(100) == 0
        job.catch_up()
    assert job.failures == 0
    job.stop()
    result.proved(site, manifest)
    Site.create(stack.environment(), "after", site.folder)  # makes three topics


@row(6, "broker away longer than the delivery timeout (60 s)")
def test_a_generator_without_a_broker_says_how_many_records_it_could_not_deliver(
    stack: Stack, site: Site, result
) -> None:
    manifest = site.folder / "manifest.jsonl"
    generator = site.start_generator("--rate=40", f"--manifest={manifest}", "--seed=5")
    wait_for(lambda: lines(manifest) > 300, 60)
    stack.kill("kafka")

    code = generator.wait(240)

    said = (site.folder / "generator.log").read_text()
    assert code == 1
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "records were not acknowledged" in errors[0]
    result.note(errors[0].removeprefix("Error: "))
    stack.start("kafka")
    with result.recovery():
        site.drain()
    result.proved(site, manifest)


@row(3, "generator killed, -9, then the same --seed")
def test_a_killed_generator_has_acknowledged_nothing_that_is_missing(site: Site, result) -> None:
    """The same seed and time window go on from the first event; together they are all events of the window."""
    first, second = site.folder / "first.jsonl", site.folder / "second.jsonl"
    window = ["--start-time=2026-01-01T00:00:00Z", "--end-time=2026-01-01T06:00:00Z", "--count=4000", "--seed=9"]
    generator = site.start_generator("--rate=1000", *window, f"--manifest={first}")
    wait_for(lambda: lines(first) > 1000, 60)
    kill(generator)
    assert 1000 < lines(first) < 4000

    with result.recovery():
        site.generate(*window, f"--manifest={second}")
        site.drain()

    again = {row["event_id"] for row in read_manifest(second)}
    assert {row["event_id"] for row in read_manifest(first)} < again
    assert set(site.table("events", ["event_id"])["event_id"].to_pylist()) == again
    result.note("There is no --resume: the same seed sends the window again.")
    result.proved(site, first, second)


def running(site: Site) -> tuple[Path, object, SupervisedJob]:
    """A job and a generator that have settled: (manifest, generator, job)."""
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.02")
    return manifest, generator, job
