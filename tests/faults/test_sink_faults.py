"""The dead-letter topic cannot be written: the batch waits or fails as a whole, nothing is dropped."""

from __future__ import annotations

import pytest
from jobs import PARTITIONS, Site
from supervisor import START_SECONDS, SupervisedJob
from world import wait_for

from pipelines.topics import declared, ensure

pytestmark = pytest.mark.faults


@pytest.mark.row(15, "dead-letter topic deleted, made again once the job could not write it")
def test_a_dead_letter_topic_that_is_away_holds_the_batch_back(site: Site, result) -> None:
    """Meanwhile no batch is recorded as done; afterwards each dead letter is there."""
    manifest = site.folder / "manifest.jsonl"
    admin = site.kafka.admin()
    job = SupervisedJob(site)
    wait_for(lambda: "enrich: reading " in site.log(), START_SECONDS)
    admin.delete_topics([site.topics.dead_letter], timeout_ms=20_000)
    site.generate("--count=500", "--seed=15", f"--manifest={manifest}", "--malformed-rate=0.2")
    wait_for(lambda: job.tend() and "Trying again" in site.log(), START_SECONDS, "a batch that fails")
    assert site.table("batch_audit").num_rows == 0
    ensure(site.kafka, declared(site.topics, PARTITIONS, 921_600), 1)
    with result.recovery():
        job.catch_up()
    admin.close()
    result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
    job.stop()
    result.proved(site, manifest)
