"""Topics grow under a running job."""

from __future__ import annotations

import pytest
from jobs import PARTITIONS, Site
from supervisor import START_SECONDS, SupervisedJob

from pipelines.topics import declared, ensure

pytestmark = pytest.mark.faults


@pytest.mark.row(23, "partitions doubled while running, sinks first")
def test_new_partitions_are_read_from_their_start(site: Site, result) -> None:
    first, second = site.folder / "first.jsonl", site.folder / "second.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=40", f"--manifest={first}")

    ensure(site.kafka, declared(site.topics, 2 * PARTITIONS, 921_600), 1)
    with result.recovery():
        # A producer learns of new partitions after minutes, a new one at once.
        site.generate("--count=1000", "--seed=23", f"--manifest={second}")
        generator.terminate()
        assert generator.wait(60) == 0
        job.catch_up()

    assert job.failures == 0
    job.stop()
    partitions = set(site.table("events", ["kafka_partition"])["kafka_partition"].to_pylist())
    assert partitions == set(range(2 * PARTITIONS))
    result.proved_undisturbed(site, first, second)


@pytest.mark.row(23, "raw alone grown while running")
def test_a_raw_topic_that_grew_alone_stops_the_job_with_the_command(site: Site, result) -> None:
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=40", f"--manifest={site.folder / 'first.jsonl'}")
    generator.terminate()
    assert generator.wait(60) == 0
    admin = site.kafka.admin()
    admin.create_partitions({site.topics.raw: 2 * PARTITIONS}, timeout_ms=20_000)
    admin.close()
    site.generate("--count=1000", "--seed=23", f"--manifest={manifest}")

    code = job.process.wait(START_SECONDS)

    errors = site.errors()
    assert code == 2, site.log()
    assert len(errors) == 1
    assert "make topics" in errors[0]
    ensure(site.kafka, declared(site.topics, 2 * PARTITIONS, 921_600), 1)
    with result.recovery():
        site.drain()
    result.proved(site, site.folder / "first.jsonl", manifest)
