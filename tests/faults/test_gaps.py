"""Kafka no longer has what was not processed yet: the job stops with the gap, and goes on if that is accepted."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from pathlib import Path

import pytest
from jobs import PARTITIONS, Site
from kafka import TopicPartition
from supervisor import START_SECONDS
from world import compare, records_of, topic_id_of, wait_for

from pipelines.topics import declared, ensure

pytestmark = pytest.mark.faults


def stopped(site: Site) -> str:
    """The line with which the job stops by policy, exit code 3."""
    assert site.enrich("--available-now") == 3, site.log()
    return site.errors()[-1]


def gap_rows(site: Site) -> list[dict]:
    return [row for row in site.table("batch_audit").to_pylist() if row["kind"] == "gap"]


@pytest.mark.row(22, "retention overtook the checkpoint")
def test_deleted_records_are_named_and_given_up_only_on_request(site: Site, result) -> None:
    manifest = site.folder / "manifest.jsonl"
    site.generate("--count=600", "--seed=1", f"--manifest={manifest}")
    site.drain()
    ends = {p: sum(r.partition == p for r in records_of(site, site.topics.raw)) for p in range(PARTITIONS)}
    site.generate("--count=600", "--seed=2", f"--manifest={manifest}", "--append")
    admin = site.kafka.admin()
    admin.delete_records({TopicPartition(site.topics.raw, 1): ends[1] + 50}, timeout_ms=20_000)
    admin.close()

    line = stopped(site)

    assert f"partition 1: {ends[1]:,} to {ends[1] + 49:,}" in line
    assert gap_rows(site) == []
    with result.recovery():
        site.drain("--accept-data-loss")
    prove_but(site, result, manifest, 50)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(200, marks=pytest.mark.row(22, "raw topic made anew, with fewer records than before")),
        pytest.param(1000, marks=pytest.mark.row(22, "raw topic made anew, with more records than before")),
    ],
    ids=["fewer", "more"],
)
def test_a_topic_that_was_made_anew_is_noticed(site: Site, result, count: int) -> None:
    """Once that is accepted, every record of the new topic is processed; what the old one gave stays."""
    site.generate("--count=600", "--seed=1")
    site.drain()
    made_anew(site)
    manifest = site.folder / f"{uuid.uuid4().hex}.jsonl"
    site.generate(f"--count={count}", "--seed=2", f"--manifest={manifest}")

    line = stopped(site)

    assert "deleted and created again" in line
    assert "--accept-data-loss" in line
    with result.recovery():
        site.drain("--accept-data-loss")
    assert len(gap_rows(site)) == 1
    held = site.table("events", ["kafka_topic_id"])["kafka_topic_id"].to_pylist()
    assert held.count(topic_id_of(site)) == count
    assert len(held) == 600 + count
    prove_new_topic(site, result, manifest)


@pytest.mark.row(22, "raw topic made anew under a running job")
def test_a_running_job_does_not_go_on_with_another_topic(site: Site, result) -> None:
    """Nothing of the new topic is written until that is accepted."""
    job = reading(site)
    made_anew(site)
    manifest = site.folder / f"{uuid.uuid4().hex}.jsonl"
    site.generate("--count=1000", "--seed=2", f"--manifest={manifest}")

    assert job.wait(START_SECONDS) == 3, site.log()

    assert "deleted and created again" in site.errors()[-1]
    assert site.table("events", ["kafka_offset"]).num_rows == 600
    with result.recovery():
        site.drain("--accept-data-loss")
    assert len(gap_rows(site)) == 1
    prove_new_topic(site, result, manifest)


@pytest.mark.row(22, "retention overtook a running job")
def test_a_running_job_stops_where_records_were_deleted_before_it_read_them(site: Site, result) -> None:
    """It is paused meanwhile, like a job that is too slow."""
    job = reading(site)
    manifest = site.folder / f"{uuid.uuid4().hex}.jsonl"
    os.killpg(job.pid, signal.SIGSTOP)
    site.generate("--count=600", "--seed=2", f"--manifest={manifest}")
    deleted = keep_newest(site, 20)
    os.killpg(job.pid, signal.SIGCONT)

    assert job.wait(START_SECONDS) == 3, site.log()

    assert f"{deleted:,} offsets" in site.errors()[-1]
    assert site.table("events", ["kafka_offset"]).num_rows == 600
    with result.recovery():
        site.drain("--accept-data-loss")
    prove_but(site, result, manifest, deleted)


def reading(site: Site) -> subprocess.Popen[str]:
    """A job that has delivered 600 records and waits for more."""
    site.generate("--count=600", "--seed=1")
    job = site.start_enrich("--trigger", "1 second")
    wait_for(lambda: "lag 0" in site.log(), START_SECONDS, "the first records")
    return job


def keep_newest(site: Site, kept: int) -> int:
    """Delete all but so many records of each partition; how many of the newest 600 went."""
    ends = {p: sum(r.partition == p for r in records_of(site, site.topics.raw)) for p in range(PARTITIONS)}
    admin = site.kafka.admin()
    admin.delete_records({TopicPartition(site.topics.raw, p): end - kept for p, end in ends.items()}, timeout_ms=20_000)
    admin.close()
    return 600 - PARTITIONS * kept


def prove_but(site: Site, result, manifest: Path, deleted: int) -> None:
    """Everything is there but what Kafka deleted, and one row tells of that."""
    (gap,) = gap_rows(site)
    assert gap["reason"]
    found = compare(site, manifest)
    result.line.records, result.line.lost, result.line.doubled = found.acknowledged, found.lost, found.doubled
    result.note(f"The {deleted} records that Kafka deleted are the lost ones; batch_audit names them.")
    assert (found.lost, found.doubled, found.undelivered) == (deleted, 0, 0)
    proof = site.verify("--caught-up")
    assert proof.returncode == 0, proof.stdout + proof.stderr


def prove_new_topic(site: Site, result, manifest: Path) -> None:
    found = compare(site, manifest)
    result.line.records, result.line.lost, result.line.doubled = found.raw, found.lost, found.doubled
    result.line.repeats, result.line.overtaken = found.repeats, found.overtaken
    assert not found.wrong, found
    proof = site.verify("--manifest", str(manifest), "--caught-up")
    assert proof.returncode == 0, proof.stdout + proof.stderr


def made_anew(site: Site) -> None:
    admin = site.kafka.admin()
    old = topic_id_of(site)
    admin.delete_topics([site.topics.raw], timeout_ms=20_000)
    admin.close()
    wait_for(lambda: topic_id_of(site) != old, 60, "the topic's deletion")
    ensure(site.kafka, declared(site.topics, PARTITIONS, 921_600), 1)
    wait_for(lambda: topic_id_of(site) not in {old, "None"}, 60, "the topic's creation")
