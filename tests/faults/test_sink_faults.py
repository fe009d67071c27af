"""The dead-letter topic cannot be written: the batch waits or fails as a whole, nothing is dropped."""

from __future__ import annotations

import time

import pytest
from jobs import PARTITIONS, Site
from kafka.admin import ConfigResource, ConfigResourceType
from supervisor import START_SECONDS, SupervisedJob
from world import wait_for

from pipelines.topics import declared, ensure

pytestmark = pytest.mark.faults
OUTAGE_SECONDS = 45


def without_replicas(site: Site, admin) -> None:
    """acks=all is refused: the topic wants more replicas in sync than there are brokers."""
    resource = ConfigResource(ConfigResourceType.TOPIC, site.topics.dead_letter, {"min.insync.replicas": "2"})
    admin.alter_configs([resource])


def with_replicas(site: Site, admin) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, site.topics.dead_letter, {"min.insync.replicas": "1"})
    admin.alter_configs([resource])
    create(site, admin)


def delete(site: Site, admin) -> None:
    admin.delete_topics([site.topics.dead_letter], timeout_ms=20_000)


def create(site: Site, admin) -> None:
    ensure(site.kafka, declared(site.topics, PARTITIONS, 921_600), 1)


@pytest.mark.parametrize(
    ("harm", "heal"),
    [
        pytest.param(
            without_replicas,
            with_replicas,
            marks=pytest.mark.row(15, "too few replicas of the dead-letter topic, 45 s"),
        ),
        pytest.param(delete, create, marks=pytest.mark.row(15, "dead-letter topic deleted, made again after 45 s")),
    ],
    ids=["replicas", "deleted"],
)
def test_a_dead_letter_topic_that_is_away_holds_the_batch_back(site: Site, result, harm, heal) -> None:
    """Meanwhile no batch is recorded as done; afterwards each dead letter is there."""
    manifest = site.folder / "manifest.jsonl"
    admin = site.kafka.admin()
    job = SupervisedJob(site)
    wait_for(lambda: "enrich: reading " in site.log(), START_SECONDS)
    harm(site, admin)
    site.generate("--count=500", "--seed=15", f"--manifest={manifest}", "--malformed-rate=0.2")
    time.sleep(OUTAGE_SECONDS)
    assert site.table("batch_audit").num_rows == 0
    heal(site, admin)
    with result.recovery():
        job.catch_up()
    admin.close()
    result.note(f"The job was started again {job.failures} times." if job.failures else "The job waited.")
    job.stop()
    result.proved(site, manifest)
