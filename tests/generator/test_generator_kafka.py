"""Delivery to Kafka: what the manifest says is what a plain consumer finds; failures count."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import islice

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from generator.__main__ import main
from generator.kafka_sink import MAX_FAILURES_IN_A_ROW, KafkaSink
from generator.manifest import Receipts
from pipelines.cli import RunFailed
from pipelines.clients import KafkaSettings

TOPIC = "ecommerce_events_raw_generator_test"
COUNT = 3_000


@pytest.fixture(scope="module")
def topic(kafka_stack):
    from kafka.admin import NewTopic

    servers = kafka_stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
    admin = KafkaSettings(servers).admin()
    admin.create_topics([NewTopic(TOPIC, num_partitions=6, replication_factor=1)])
    admin.close()
    return servers


@pytest.mark.integration
def test_every_row_of_the_manifest_is_a_record_of_the_topic_and_the_other_way_round(topic, tmp_path, capsys):
    manifest = tmp_path / "manifest.jsonl"
    rates = [f"--{fault}-rate=0.1" for fault in ("malformed", "missing-field", "duplicate", "late")]
    arguments = ["--sink", "kafka", "--rate", "0", "--count", str(COUNT), "--raw-topic", TOPIC, "--tag", "a-tag"]
    assert main([*arguments, "--bootstrap-servers", topic, "--manifest", str(manifest), *rates]) == 0
    assert json.loads(capsys.readouterr().out)["acknowledged"] == COUNT

    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    noted = {(row["topic"], row["partition"], row["offset"]): row for row in rows}
    consumer = KafkaSettings(topic).consumer(
        TOPIC, auto_offset_reset="earliest", consumer_timeout_ms=20_000, isolation_level="read_committed"
    )
    records = list(islice(consumer, COUNT))
    consumer.close()
    assert len(rows) == len(noted) == COUNT
    assert {(record.topic, record.partition, record.offset) for record in records} == set(noted)
    for record in records:
        row = noted[record.topic, record.partition, record.offset]
        assert sha256(record.value or b"").hexdigest() == row["sha256"]
        if row["fault"] is None:
            event = json.loads(record.value)
            assert (event["event_id"], event["anonymous_id"].encode()) == (row["event_id"], record.key)
        assert dict(record.headers) == {"generator.tag": b"a-tag"}
    assert any(record.value is None for record in records)


@pytest.mark.integration
def test_a_missing_topic_is_one_line_exit_code_2_and_not_created(topic, tmp_path, capsys):
    manifest = tmp_path / "manifest.jsonl"
    arguments = [
        "--sink",
        "kafka",
        "--count",
        "1",
        "--raw-topic",
        "no_such_topic",
        "--bootstrap-servers",
        topic,
    ]
    assert main([*arguments, "--manifest", str(manifest)]) == 2
    error = capsys.readouterr().err
    assert "RAW_TOPIC=no_such_topic" in error
    assert "make topics" in error
    assert error.count("\n") == 1
    assert not manifest.exists()
    admin = KafkaSettings(topic).admin()
    assert "no_such_topic" not in admin.list_topics()
    admin.close()


@pytest.mark.integration
def test_workers_deliver_every_record_once_and_keep_the_order_of_a_key(topic, tmp_path, capsys):
    manifest = tmp_path / "manifest.jsonl"
    window = ["--start-time", "2026-03-01T00:00:00Z", "--end-time", "2026-03-02T00:00:00Z", "--seed", "3"]
    arguments = ["--sink", "kafka", "--count", "4000", "--raw-topic", TOPIC, "--bootstrap-servers", topic, *window]
    assert main([*arguments, "--manifest", str(manifest), "--workers", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["acknowledged"] == 4_000
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert sorted(row["record"] for row in rows) == list(range(4_000))
    wanted = {(row["partition"], row["offset"]): row for row in rows}
    consumer = KafkaSettings(topic).consumer(TOPIC, auto_offset_reset="earliest", consumer_timeout_ms=5_000)
    last: dict[bytes, int] = {}
    for record in consumer:
        row = wanted.pop((record.partition, record.offset), None)
        if row:
            assert sha256(record.value).hexdigest() == row["sha256"]
            assert row["record"] > last.get(record.key, -1)
            last[record.key] = row["record"]
    consumer.close()
    assert not wanted


class FailingProducer:
    """A client whose every delivery fails."""

    def partitions_for(self, topic):
        return {0, 1}

    def send(self, topic, value, key, headers, partition):
        return Future().failure(KafkaTimeoutError("Expired"))


def test_a_failed_delivery_is_counted_and_is_in_no_manifest(generate):
    receipts = Receipts(None)
    sink = KafkaSink(FailingProducer(), TOPIC, receipts)
    sink.send(generate(3))
    assert (receipts.sent, receipts.acknowledged, receipts.failed, receipts.in_flight) == (3, 0, 3, 0)
    assert receipts.first_error == "KafkaTimeoutError: Expired"


def test_when_deliveries_keep_failing_the_run_ends(generate):
    sink = KafkaSink(FailingProducer(), TOPIC, Receipts(None))
    records = generate(MAX_FAILURES_IN_A_ROW + 1)
    sink.send(records[:-1])
    with pytest.raises(RunFailed, match="Expired"):
        sink.send(records[-1:])
