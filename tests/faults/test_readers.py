"""Readers beside the writer, and what a crash leaves in the lake's folders."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from jobs import Site, kill
from supervisor import SupervisedJob

pytestmark = pytest.mark.faults


@pytest.mark.row(26, "tables read over and over while the job writes")
def test_readers_see_whole_batches_only(site: Site, result) -> None:
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=40", f"--manifest={manifest}", "--malformed-rate=0.1")
    seen: list[dict[int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.wait(0.2):
            seen.append(Counter(site.table("events", ["batch_id"])["batch_id"].to_pylist()))

    reader = threading.Thread(target=read)
    reader.start()
    job.await_batches(5)
    done.set()
    reader.join()
    generator.terminate()
    assert generator.wait(60) == 0
    with result.recovery():
        job.catch_up()
    job.stop()
    whole = Counter(site.table("events", ["batch_id"])["batch_id"].to_pylist())
    assert all(whole[batch] == rows for snapshot in seen for batch, rows in snapshot.items())
    assert len({len(snapshot) for snapshot in seen}) > 2
    result.line.times = len(seen)
    result.proved_undisturbed(site, manifest)


@pytest.mark.row(26, "killed while writing; then OPTIMIZE and VACUUM between two runs")
def test_orphan_files_are_no_rows_and_maintenance_changes_nothing(site: Site, result) -> None:
    """Files that no commit names stay unread and can be vacuumed; a compacted table is continued."""
    manifest = site.folder / "manifest.jsonl"
    site.generate("--count=4000", "--seed=26", f"--manifest={manifest}", "--malformed-rate=0.05")
    job = site.start_enrich("--available-now", "--max-offsets-per-trigger=800")
    SupervisedJob.await_first(site, job)
    kill(job)
    site.drain("--max-offsets-per-trigger=800")
    for name in ("events", "dead_letters"):
        table = site.open_table(name)
        rows = table.to_pyarrow_table(columns=["kafka_offset"]).num_rows
        table.optimize.compact()
        removed = table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        assert removed
        assert site.table(name, ["kafka_offset"]).num_rows == rows
    site.generate("--count=500", "--seed=27", f"--manifest={manifest}", "--append")
    with result.recovery():
        site.drain()
    result.note("Maintenance has its turn between two runs of the job.")
    result.proved(site, manifest)
