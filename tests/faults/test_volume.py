"""Much, skewed, and half of it bad: bounded batches, bounded memory, nothing left behind."""

from __future__ import annotations

import os
import re
import subprocess
import uuid

import pytest
from jobs import Site
from supervisor import STOP_SECONDS, SupervisedJob
from test_enrich import event
from world import wait_for

pytestmark = pytest.mark.faults
row = pytest.mark.row
BACKLOG = int(os.environ.get("FAULT_BACKLOG", "60000"))
BATCH = 5_000
BACKLOG_BATCH = max(BATCH, BACKLOG // 20)
_LINE = re.compile(r"batch \d+: ([\d,]+) in = .* lag ([\d,]+)")


def resident_mb(pid: int) -> float:
    """Memory of a process, as the system counts it."""
    answer = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(answer.stdout.strip() or 0) / 1024


def batches_of(site: Site) -> list[tuple[int, int]]:
    """(records, lag) of each delivered batch."""
    return [tuple(int(n.replace(",", "")) for n in found) for found in _LINE.findall(site.log())]


@row(25, "backlog (FAULT_BACKLOG=1000000 for the full size)")
def test_a_backlog_drains_in_bounded_batches_and_flat_memory(site: Site, result) -> None:
    manifest = site.folder / "manifest.jsonl"
    site.generate(f"--count={BACKLOG}", "--seed=25", f"--manifest={manifest}", "--malformed-rate=0.01")
    with result.recovery():
        job = site.start_enrich(
            "--available-now", f"--max-offsets-per-trigger={BACKLOG_BATCH}", SPARK_DRIVER_MEMORY="1g"
        )
        memory = []
        while job.poll() is None:
            if len(batches_of(site)) > len(memory):
                memory.append(resident_mb(job.pid))
            wait_for(lambda: job.poll() is not None or len(batches_of(site)) > len(memory), 600, "the next batch")
    assert job.returncode == 0, site.log()
    sizes, lags = zip(*batches_of(site), strict=True)
    assert max(sizes) <= BACKLOG_BATCH + 3  # at least one record of each partition
    assert list(lags) == sorted(lags, reverse=True)
    assert lags[-1] == 0
    memory = [each for each in memory if each]
    half = len(memory) // 2
    assert max(memory[half:]) < 1.25 * max(memory[:half])
    result.note(
        f"{len(sizes)} batches of at most {BACKLOG_BATCH:,}; at most {max(memory):,.0f} MB resident at a 1 GiB heap"
    )
    result.proved_undisturbed(site, manifest)


@row(27, "1 GiB heap, 95 % of the records in one partition, one in 100 of them 100 KB")
def test_one_hot_partition_does_not_starve_the_others(site: Site, result) -> None:
    producer = site.kafka.producer(max_request_size=30_000_000)
    for number in range(20_000):
        key = b"hot" if number % 20 else f"cold-{number}".encode()
        padding = "x" * 100_000 if number % 100 == 0 else None
        producer.send(site.topics.raw, value=event(event_id=str(uuid.UUID(int=number)), user_id=padding), key=key)
    producer.flush()
    producer.close()

    with result.recovery():
        limit = f"--max-offsets-per-trigger={BATCH}"
        code = site.start_enrich("--available-now", limit, SPARK_DRIVER_MEMORY="1g").wait(1800)

    assert code == 0, site.log()
    assert "OutOfMemory" not in site.log()
    first = next(r for r in site.table("batch_audit").to_pylist() if r["batch_id"] == 0)
    assert {span["partition"] for span in first["offsets"] if span["end_offset"] > span["start_offset"]} == {0, 1, 2}
    result.proved_undisturbed(site)


@row(28, "half of all records bad: carry on")
def test_half_of_all_records_bad_is_carried_on_with(site: Site, result) -> None:
    manifest = site.folder / "manifest.jsonl"
    rates = ["--malformed-rate=0.2", "--missing-field-rate=0.2", "--wrong-type-rate=0.1"]
    site.generate("--count=6000", "--seed=28", f"--manifest={manifest}", *rates)
    with result.recovery():
        site.drain()
    result.proved_undisturbed(site, manifest)
    dead = site.table("dead_letters", ["failure_type"]).num_rows
    assert 0.45 < dead / 6000 < 0.55
    assert re.search(r"warning: .*dead", site.log())


@pytest.mark.integration
@row(28, "half of all records bad: stop before writing, --max-dead-ratio=0.3")
def test_a_batch_with_too_many_dead_is_not_written_if_that_is_asked_for(site: Site, result) -> None:
    """Exit code 3 with the ratio; without the limit the same batch goes through."""
    manifest = site.folder / "manifest.jsonl"
    site.generate("--count=1000", "--seed=28", f"--manifest={manifest}", "--malformed-rate=0.5")

    assert site.enrich("--available-now", "--max-dead-ratio=0.3") == 3, site.log()

    (line,) = site.errors()
    assert "MAX_DEAD_RATIO" in line or "--max-dead-ratio" in line
    assert [site.table(name).num_rows for name in ("events", "dead_letters", "batch_audit")] == [0, 0, 0]
    with result.recovery():
        site.drain()
    result.proved_undisturbed(site, manifest)


@row(2, "SIGTERM at three moments under a running generator")
def test_sigterm_under_load_replays_nothing(site: Site, result) -> None:
    """The batch in hand is finished within 30 s of the signal."""
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=20", f"--manifest={manifest}")
    seconds = [job.stop()]
    for batches in (1, 2):
        job = SupervisedJob(site)
        job.await_batches(batches)
        seconds.append(job.stop())
    generator.terminate()
    assert generator.wait(STOP_SECONDS) == 0
    with result.recovery():
        site.drain()
    assert max(seconds) < 30
    result.line.times = len(seconds)
    result.note(f"Stopped within {max(seconds):.1f} s.")
    result.proved_undisturbed(site, manifest)
