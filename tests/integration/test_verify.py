"""verify on the real servers: it proves a run in which nothing was lost, and names what is then taken or added."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path

import pytest
from jobs import Site

# verify reads through the same clients whatever serves S3; test_crash_and_care.py has it prove on MinIO.
pytestmark = [pytest.mark.integration, pytest.mark.parametrize("s3_server", ["s3proxy"], indirect=True)]

COUNT = 600
FAULTS = ("malformed", "missing-field", "wrong-type", "bad-timestamp", "duplicate", "late")


@pytest.fixture
def site(stack_environment: dict[str, str], tmp_path: Path) -> Site:
    return Site.create(stack_environment, f"verify-{uuid.uuid4().hex[:8]}", tmp_path)


def failed_claims(result: subprocess.CompletedProcess[str]) -> dict[str, list[dict[str, object]]]:
    """Claims that do not hold, with their examples, from verify --json."""
    claims = json.loads(result.stdout)["claims"]
    return {claim["name"]: claim["examples"] for claim in claims if not claim["holds"]}


def abort_a_transaction(site: Site) -> None:
    """Leave records in the raw topic that a read_committed consumer is never given."""
    producer = site.kafka.producer(transactional_id=uuid.uuid4().hex)
    producer.init_transactions()
    producer.begin_transaction()
    for partition in (0, 1):
        producer.send(site.topics.raw, value=b"never committed", partition=partition)
    producer.flush()
    producer.abort_transaction()
    producer.close()


def test_what_was_lost_or_added_after_a_proven_run_is_named(site: Site) -> None:
    manifest = site.folder / "manifest.jsonl"
    rates = [f"--{fault}-rate=0.04" for fault in FAULTS]
    abort_a_transaction(site)
    site.generate(f"--count={COUNT}", "--seed=7", f"--manifest={manifest}", *rates)
    site.drain()
    abort_a_transaction(site)

    proof = site.verify("--manifest", str(manifest), "--json")

    assert proof.returncode == 0, proof.stdout + proof.stderr
    account = json.loads(proof.stdout)
    counted = [account["records"][name] for name in ("accepted", "dead", "duplicate")]
    assert account["records"]["given"] == COUNT == sum(counted)
    assert all(row["found"] == row["injected"] > 0 for row in account["recall"])
    assert len(account["recall"]) == 1 + len(FAULTS)

    producer = site.kafka.producer()
    headers = [("source.topic_id", topic_id(site)), ("source.partition", b"1"), ("source.offset", b"999999")]
    producer.send(site.topics.dead_letter, value=b"made up", partition=1, headers=headers)
    producer.close()

    stray = site.verify("--json")
    assert stray.returncode == 1
    assert failed_claims(stray) == {
        "nothing_misplaced": [
            {
                "partition": 1,
                "offset": 999999,
                "detail": "in the dead-letter topic, but Kafka has no such raw record",
            }
        ]
    }

    lost = site.open_table("events").to_pyarrow_table(columns=["kafka_partition", "kafka_offset"]).to_pylist()[0]
    partition, offset = lost["kafka_partition"], lost["kafka_offset"]
    site.open_table("events").delete(f"kafka_partition = {partition} and kafka_offset = {offset}")

    loss = site.verify("--manifest", str(manifest))
    assert loss.returncode == 1
    assert f"partition {partition} offset {offset}: in none of events, dead_letters, duplicates" in loss.stdout
    assert "NOT PROVEN" in loss.stdout


def topic_id(site: Site) -> bytes:
    admin = site.kafka.admin()
    try:
        return next(str(t["topic_id"]) for t in admin.describe_topics() if t["name"] == site.topics.raw).encode()
    finally:
        admin.close()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1"),
        ({"RAW_TOPIC": "a-typo"}, "RAW_TOPIC=a-typo"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "AWS_SECRET_ACCESS_KEY"),
        ({"LAKE_URI": "s3a://no-such-bucket"}, "LAKE_URI=s3a://no-such-bucket"),
        ({}, "has no table batch_audit"),
    ],
    ids=["broker", "topic", "key", "bucket", "empty lake"],
)
def test_a_wrong_setting_ends_in_one_line_that_names_it(site: Site, changed: dict[str, str], named: str) -> None:
    site.environment.update(changed)

    result = site.verify()

    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert named in line
    assert site.environment["AWS_SECRET_ACCESS_KEY"] not in line
