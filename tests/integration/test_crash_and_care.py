"""A job that is killed, maintenance on what it left, the job again; then what two engines answer from the tables."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import uuid
from decimal import Decimal

import pytest
from answers import duckdb_answers, sent_orders, spark_answers
from jobs import TIMEOUT_SECONDS, Site, kill, wait_for
from writers import Writer

from infra.local.minio import find_minio
from pipelines.clients import S3Settings
from pipelines.lake import TABLES
from pipelines.maintain import Policy, maintain

# Minutes: the store that a new stack uses is enough.
STORE = "minio" if find_minio() else "s3proxy"
pytestmark = [pytest.mark.integration, pytest.mark.parametrize("s3_server", [STORE], indirect=True)]


@pytest.fixture(scope="module")
def site(kafka_stack, s3_server, tmp_path_factory):
    environment = {**kafka_stack.environment(), **s3_server.environment()}
    site = Site.create(environment, f"kill-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("kill"))
    yield site
    site.kill_all()


@pytest.fixture(scope="module")
def report(site):
    """Table → what maintenance did, on a lake whose job was killed in the middle of a drain; it was cared for as if it
    were tomorrow, with nothing old kept, and drained into again.
    """
    rates = ["--malformed-rate", "0.02", "--missing-field-rate", "0.02", "--duplicate-rate", "0.02"]
    site.generate("--count", "2000", "--seed", "11", "--manifest", str(manifest_of(site)), *rates)
    job = site.start_enrich("--available-now", "--max-offsets-per-trigger", "800")
    wait_for(lambda: "batch 0:" in site.log(), TIMEOUT_SECONDS)
    kill(job)
    assert "enrich: done" not in site.log()
    s3 = S3Settings(site.environment["AWS_ENDPOINT_URL"], site.environment["AWS_REGION"])
    tomorrow = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=1)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, site.environment[name])
        cared = maintain(site.lake, s3, Policy(tomorrow, vacuum_retention_hours=0))
    site.drain()
    return {each.name: each for each in cared}


def manifest_of(site):
    return site.folder / "manifest.jsonl"


def test_kill_9_in_the_middle_of_a_drain_loses_and_doubles_nothing(site, report):
    """Delta holds each raw record exactly once after the restart, and verify agrees."""
    columns = ["kafka_partition", "kafka_offset"]
    found = [
        (row["kafka_partition"], row["kafka_offset"])
        for name in ("events", "dead_letters", "duplicates")
        for row in site.table(name, columns).to_pylist()
    ]
    sent = [json.loads(line) for line in manifest_of(site).read_text().splitlines()]
    assert sorted(found) == sorted((row["partition"], row["offset"]) for row in sent)
    proof = site.verify("--manifest", str(manifest_of(site)), "--caught-up")
    assert proof.returncode == 0, proof.stdout + proof.stderr


def test_the_job_kept_its_checkpoint_through_maintenance(site, report):
    assert "a new checkpoint" not in site.log()
    generations = site.table("batch_audit", ["generation"])["generation"].to_pylist()
    assert len(generations) > len(set(generations)) == 1


def test_maintenance_merged_small_files_and_removed_the_old_ones(report):
    for name in ("events", "dead_letters"):
        before, after = (sum(files.values()) for files in (report[name].before.files, report[name].after.files))
        assert after == 1 < before <= report[name].removed
        assert report[name].after.rows == report[name].before.rows


def test_the_tables_keep_the_plain_protocol(site, report):
    for name in TABLES:
        protocol = site.open_table(name).protocol()
        assert (protocol.min_reader_version, protocol.reader_features) == (1, None)


def test_duckdb_and_spark_give_the_same_answers(site, report):
    answers = duckdb_answers(site)
    assert answers == spark_answers(site)
    assert all(answers.values())


def test_the_answers_are_what_was_sent(site, report):
    orders = sent_orders(site, manifest_of(site))
    days = duckdb_answers(site)["revenue_per_day"]
    assert sum(int(count) for _, _, count, *_ in days) == len(orders) > 0
    assert sum(Decimal(revenue) for _, _, _, revenue, *_ in days) == sum(orders.values())


def test_beside_a_job_it_changes_nothing_and_says_why(site, report):
    versions = [site.open_table(name).version() for name in TABLES]
    job = Writer(site.environment, site.environment["LAKE_URI"])
    try:
        assert job.do("acquire") == "done"
        command = [sys.executable, "-m", "pipelines.maintain"]
        done = subprocess.run(command, env=site.environment, capture_output=True, text=True, timeout=60, check=False)
    finally:
        job.end()
    assert (done.returncode, done.stdout) == (3, "")
    assert "is in use by writers.py on host" in done.stderr
    assert [site.open_table(name).version() for name in TABLES] == versions
