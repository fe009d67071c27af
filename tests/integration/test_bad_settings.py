"""Each wrong setting ends within a minute, in one line that names it, with exit code 2."""

from __future__ import annotations

import datetime
import os
import re
import time
import uuid

import botocore.auth
import pytest
from jobs import PARTITIONS, Site
from kafka.admin import ConfigResource, ConfigResourceType
from secured import ADMIN, ENRICH

from pipelines.cli import ConfigurationError
from pipelines.clients import KafkaSettings, S3Settings
from pipelines.preflight import check_lake, clock_skew_seconds
from pipelines.preflight_topics import check_topic_settings
from pipelines.settings import Topics
from pipelines.topics import declared, ensure

pytestmark = pytest.mark.integration
on_one_server = pytest.mark.parametrize("s3_server", ["s3proxy"], indirect=True)

# What Spark's launcher prints before our program starts, and our warnings.
LAUNCHER = re.compile(r"^(WARNING: |\d\d:\d\d:\d\d (WARN |enrich: warning: ))")


@pytest.fixture(scope="module")
def site(tmp_path_factory, kafka_stack, s3_server):
    environment = {**kafka_stack.environment(), **s3_server.environment()}
    return Site.create(environment, f"settings-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("settings"))


def complaint(site: Site, **environment: str) -> str:
    log = site.folder / "enrich.log"
    log.unlink(missing_ok=True)
    started = time.monotonic()
    code = site.enrich("--available-now", **environment)
    assert code == 2, site.log()
    assert time.monotonic() - started < 60
    lines = [line for line in log.read_text().splitlines() if line.strip() and not LAUNCHER.match(line)]
    assert len(lines) == 1, lines
    assert site.environment["AWS_SECRET_ACCESS_KEY"] not in lines[0]
    return lines[0]


@on_one_server
def test_wrong_broker(site):
    assert "KAFKA_BOOTSTRAP_SERVERS" in complaint(site, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")


@on_one_server
def test_missing_topic(site):
    line = complaint(site, RAW_TOPIC="no-such-topic")
    assert "RAW_TOPIC=no-such-topic" in line
    assert "make topics" in line


def test_wrong_s3_key(site):
    assert "AWS_SECRET_ACCESS_KEY" in complaint(site, AWS_SECRET_ACCESS_KEY="wrong-secret-wrong-secret")


def test_missing_bucket(site):
    assert "LAKE_URI" in complaint(site, LAKE_URI="s3a://no-such-bucket-here")


def test_s3_server_that_is_not_there(site):
    assert "AWS_ENDPOINT_URL" in complaint(site, AWS_ENDPOINT_URL="http://127.0.0.1:1")


@on_one_server
def test_checkpoint_that_cannot_be_written(site):
    blocked = site.folder / "a-file"
    blocked.write_text("")
    assert "CHECKPOINT_URI" in complaint(site, CHECKPOINT_URI=os.fspath(blocked / "checkpoint"))


@on_one_server
def test_lake_in_the_checkpoints_folder(site):
    folder = site.folder / "both"
    line = complaint(site, CHECKPOINT_URI=os.fspath(folder), LAKE_URI=os.fspath(folder / "lake"))
    assert f"CHECKPOINT_URI={folder} contains LAKE_URI={folder}/lake" in line


@on_one_server
def test_events_larger_than_the_sinks_take(site):
    line = complaint(site, MAX_EVENT_BYTES="1000000")
    assert f"{site.topics.enriched} takes records of 1908736 bytes" in line
    assert "MAX_EVENT_BYTES=1000000 make topics" in line


@on_one_server
def test_trigger_that_is_no_interval(site):
    assert site.enrich("--trigger", "often") == 2
    assert "often" in site.log()


@pytest.fixture
def topics(site):
    """Three topics of the test's own."""
    names = Topics(*(f"{name}-{uuid.uuid4().hex[:6]}" for name in ("raw", "enriched", "dead")))
    make_topics(site.kafka, names)
    return names


def make_topics(kafka: KafkaSettings, topics: Topics) -> None:
    ensure(kafka, declared(topics, PARTITIONS, 921_600), 1)


def set_on(kafka: KafkaSettings, topic: str, **settings: str) -> None:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    admin = kafka.admin()
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])
    finally:
        admin.close()


@on_one_server
def test_what_make_topics_mends_is_named_until_it_has(site, topics):
    set_on(site.kafka, topics.raw, retention_ms="60000", message_timestamp_type="CreateTime")
    set_on(site.kafka, topics.dead_letter, max_message_bytes="1048588")
    with pytest.raises(ConfigurationError, match=f"{topics.dead_letter} takes records of 1048588 bytes"):
        check_topic_settings(site.kafka, topics, 921_600)
    set_on(site.kafka, topics.dead_letter, max_message_bytes="1908736")
    assert len(check_topic_settings(site.kafka, topics, 921_600)) == 2
    make_topics(site.kafka, topics)
    assert check_topic_settings(site.kafka, topics, 921_600) == []


@on_one_server
def test_a_compacted_raw_topic(site, topics):
    set_on(site.kafka, topics.raw, cleanup_policy="compact")
    with pytest.raises(ConfigurationError, match=f"{topics.raw} has cleanup.policy=compact"):
        check_topic_settings(site.kafka, topics, 921_600)


def test_who_may_not_see_the_topics_settings_is_not_stopped_by_them(secured_kafka):
    names = secured_kafka.topics
    set_on(secured_kafka.settings(ADMIN), names.raw, retention_ms="60000")
    try:
        assert check_topic_settings(secured_kafka.settings(ENRICH), names, 921_600) == []
        assert len(check_topic_settings(secured_kafka.settings(ADMIN), names, 921_600)) == 1
    finally:
        make_topics(secured_kafka.settings(ADMIN), names)


@pytest.fixture
def store(site, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, site.environment[name])
    return S3Settings(site.environment["AWS_ENDPOINT_URL"])


def test_the_stores_clock_is_known(store):
    skew = clock_skew_seconds(store.client().list_buckets())
    assert abs(skew) < 5  # seconds; the same machine's clock


def test_a_clock_that_is_an_hour_wrong(site, store, monkeypatch):
    """Only the signature's clock is wrong here: what the store refuses is that."""
    late = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: late.replace(tzinfo=None))
    with pytest.raises(ConfigurationError, match="clock"):
        check_lake(site.environment["LAKE_URI"], store)
