"""Each wrong setting ends within a minute, in one line that names it, with exit code 2."""

from __future__ import annotations

import os
import re
import time
import uuid

import pytest
from jobs import Site

pytestmark = pytest.mark.integration
on_one_server = pytest.mark.parametrize("s3_server", ["s3proxy"], indirect=True)

# What Spark's launcher prints before our program starts.
LAUNCHER = re.compile(r"^(WARNING: |\d\d:\d\d:\d\d WARN )")


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
def test_trigger_that_is_no_interval(site):
    assert site.enrich("--trigger", "often") == 2
    assert "often" in site.log()
