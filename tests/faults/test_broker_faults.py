"""The broker and ZooKeeper go away and come back under a running generator and a running job."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from jobs import Site, kill
from supervisor import Load
from world import lines, read_manifest, wait_for

from infra.local import Stack

pytestmark = pytest.mark.faults
Action = Callable[[Stack, str], object]
row = pytest.mark.row


@pytest.mark.parametrize(
    ("harm", "heal", "seconds"),
    [
        pytest.param(Stack.stop, Stack.start, 30, marks=row(4, "broker stopped for 30 s"), id="stopped"),
        pytest.param(Stack.kill, Stack.start, 30, marks=row(4, "broker killed, -9, for 30 s"), id="killed"),
        pytest.param(Stack.pause, Stack.resume, 60, marks=row(5, "broker paused for 60 s"), id="paused"),
    ],
)
def test_a_broker_that_was_away_loses_nothing(
    stack: Stack, load: Load, result, harm: Action, heal: Action, seconds: int
) -> None:
    """Nothing is acknowledged meanwhile; the generator delivers afterwards, the job waits or is started again."""
    generator = load.feed()
    harm(stack, "kafka")
    time.sleep(2)
    before = load.acknowledged()

    time.sleep(seconds - 2)

    assert load.acknowledged() == before
    heal(stack, "kafka")
    with result.recovery():
        wait_for(lambda: load.acknowledged() > before, 90, "records acknowledged again")
        # Records that were sent again and again all that time may have been given up.
        load.settle(generator, may_fail=seconds >= 60)
    result.note(load.how())
    assert result.proved(load.site, load.manifest).sent_twice == 0


@row(7, "ZooKeeper down for 30 s")
def test_data_flow_while_zookeeper_is_away(stack: Stack, load: Load, result) -> None:
    """Records are acknowledged and batches delivered meanwhile; afterwards topics can be made again."""
    generator = load.feed()
    stack.kill("zookeeper")
    began = time.monotonic()
    time.sleep(2)
    before = load.acknowledged()
    load.job.await_batches(2)
    assert load.acknowledged() > before
    time.sleep(max(0.0, 30 - (time.monotonic() - began)))
    stack.start("zookeeper")
    with result.recovery():
        load.settle(generator)
    assert "by itself" in load.how()
    result.proved(load.site, load.manifest)
    Site.create(stack.environment(), "after", load.site.folder)  # makes three topics


@row(6, "broker away longer than the delivery timeout (120 s)")
def test_a_generator_without_a_broker_says_how_many_records_it_could_not_deliver(
    stack: Stack, site: Site, result
) -> None:
    manifest = site.folder / "manifest.jsonl"
    generator = site.start_generator("--rate=40", f"--manifest={manifest}", "--seed=5")
    wait_for(lambda: lines(manifest) > 300, 60)
    stack.kill("kafka")

    # Each record fails 120 s after it was made; the generator gives up after 1,000 failures and awaits the others'.
    code = generator.wait(360)

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


@row(3, "generator killed, -9, then --resume")
def test_a_killed_generator_goes_on_where_it_was_and_nothing_acknowledged_is_missing(site: Site, result) -> None:
    """What had arrived and was not noted any more is sent again; it is a duplicate, and nothing is missing."""
    manifest = site.folder / "manifest.jsonl"
    window = ["--start-time=2026-01-01T00:00:00Z", "--end-time=2026-01-01T06:00:00Z", "--count=4000", "--seed=9"]
    generator = site.start_generator("--rate=1000", *window, f"--manifest={manifest}")
    wait_for(lambda: lines(manifest) > 1000, 60)
    kill(generator)
    noted = {row["record"] for row in read_manifest(manifest)}
    assert 1000 < len(noted) < 4000

    with result.recovery():
        site.resume_generator(manifest)
        site.drain()

    rows = read_manifest(manifest)
    assert sorted(row["record"] for row in rows) == list(range(4000))
    assert {row["event_id"] for row in rows} == set(site.table("events", ["event_id"])["event_id"].to_pylist())
    result.note(
        f"{len(noted):,} of 4,000 records were noted before; {result.proved(site, manifest).raw - 4000} sent twice."
    )
