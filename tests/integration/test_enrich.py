"""The job on a real broker and a real S3 server: S3Proxy here, MinIO in test_crash_and_care.py."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
import uuid

import pytest
from jobs import Site, headers_of, json_of, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("s3_server", ["s3proxy"], indirect=True)]


def event(**fields: object) -> bytes:
    """A valid event, with what a test is about changed; None takes a field out."""
    good = {
        "event_id": str(uuid.uuid4()),
        "event_name": "page_view",
        "event_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "anonymous_id": "a-1",
        "session_id": "s-1",
        **fields,
    }
    return json.dumps({name: value for name, value in good.items() if value is not None}).encode()


BIG = b'{"x":"' + b"A" * 25_000_000 + b'"}'
# (value, headers) → what the contract says. None: accepted.
SENT: dict[str, tuple[bytes | None, str | None]] = {
    "good": (event(), None),
    "good with unknown field": (event(foo={"bar": 1}), None),
    "good with mistyped optional": (event(platform=5), None),
    "tombstone": (None, "EMPTY_VALUE"),
    "empty": (b"", "EMPTY_VALUE"),
    "blank": (b" \n", "EMPTY_VALUE"),
    "not utf-8": (b"\xff\xfe{}", "NOT_UTF8"),
    "null": (b"null", "NOT_OBJECT"),
    "number": (b"5", "NOT_OBJECT"),
    "string": (b'"s"', "NOT_OBJECT"),
    "array": (b"[{}]", "NOT_OBJECT"),
    "truncated": (event()[:40], "NOT_JSON"),
    "bom": (b"\xef\xbb\xbf" + event(), "NOT_JSON"),
    "control character": (b'{"a":"\x01"}', "NOT_JSON"),
    "trailing garbage": (event() + b" xx", "NOT_JSON"),
    "two documents": (event() + event(), "NOT_JSON"),
    "nul tail": (event() + b"\x00", "NOT_JSON"),
    "bracket trick": (b'{"a":1}],{"b":2}', "NOT_JSON"),
    "NaN": (b'{"a":NaN}', "NOT_JSON"),
    "single quotes": (b"{'a':1}", "NOT_JSON"),
    "2000 levels": (b"[" * 2000 + b"]" * 2000, "NOT_JSON"),
    "1500 digits": (b'{"a":' + b"1" * 1500 + b"}", "NOT_JSON"),
    "25 MB": (BIG, "SIZE_VIOLATION"),
    "duplicate key": (event()[:-1] + b',"session_id":"s-2"}', None),
    "empty object": (b"{}", "MISSING_REQUIRED"),
    "missing field": (event(session_id=None), "MISSING_REQUIRED"),
    "wrong case": (event(session_id=None, Session_Id="x"), "MISSING_REQUIRED"),
    "number for string": (event(anonymous_id=5), "TYPE_MISMATCH"),
    "object for string": (event(session_id={"a": 1}), "TYPE_MISMATCH"),
    "money as text": (event(ecommerce={"value": "1.00", "currency": "EUR"}), "TYPE_MISMATCH"),
    "money overflow": (event(ecommerce={"value": 1e12, "currency": "EUR"}), "TYPE_MISMATCH"),
    "three decimals": (event(ecommerce={"value": 1.239, "currency": "EUR"}), "INVALID_VALUE"),
    "unknown name": (event(event_name="explode"), "INVALID_VALUE"),
    "no uuid": (event(event_id="42"), "INVALID_VALUE"),
    "year only": (event(event_time="2026"), "TIMESTAMP_INVALID"),
    "no zone": (event(event_time="2026-11-22T10:00:00"), "TIMESTAMP_INVALID"),
    "epoch number": (event(event_time=1763805600000), "TIMESTAMP_INVALID"),
    "future": (event(event_time="2999-01-01T00:00:00Z"), "TIMESTAMP_FUTURE"),
    "ancient": (event(event_time="1970-01-01T00:00:00Z"), "TIMESTAMP_ANCIENT"),
    "other model": (event(schema_version="9-0-0"), "UNSUPPORTED_SCHEMA_VERSION"),
}


@pytest.fixture(scope="module")
def kinds(request, tmp_path_factory, kafka_stack, s3_server):
    """A pipeline that was sent one record of each kind by a plain client, and drained."""
    environment = {**kafka_stack.environment(), **s3_server.environment()}
    folder = tmp_path_factory.mktemp("kinds")
    # Spark's own records of the run: what its pages show, too.
    events = {"enabled": "true", "dir": (folder / "events").as_uri(), "compress": "false"}
    environment["SPARK_SUBMIT_OPTS"] = " ".join(f"-Dspark.eventLog.{name}={value}" for name, value in events.items())
    (folder / "events").mkdir()
    site = Site.create(environment, f"kinds-{uuid.uuid4().hex[:6]}", folder)
    producer = site.kafka.producer(max_request_size=30_000_000)
    sent = {}
    for kind, (value, _) in SENT.items():
        # kafka-python measures before compressing; the broker measures compressed.
        send = producer.send(site.topics.raw, value=value, key=kind.encode(), headers=[("trace", kind.encode())])
        sent[kind] = send.get(60)
    producer.close()
    site.drain()
    return site, sent


@pytest.fixture(scope="module")
def dead_letters(kinds):
    site, _ = kinds
    return {record.key.decode(): record for record in site.consume(site.topics.dead_letter)}


@pytest.fixture(scope="module")
def enriched(kinds):
    site, _ = kinds
    return {record.key.decode(): record for record in site.consume(site.topics.enriched)}


def test_each_kind_ends_in_the_topic_that_the_contract_names(dead_letters, enriched):
    reasons = {kind: headers_of(record)["dlq.failure.type"] for kind, record in dead_letters.items()}
    assert reasons == {kind: reason for kind, (_, reason) in SENT.items() if reason}
    assert set(enriched) == {kind for kind, (_, reason) in SENT.items() if reason is None}


def test_dead_letters_keep_the_original_value_key_and_headers(dead_letters):
    values = {kind: record.value for kind, record in dead_letters.items() if kind != "25 MB"}
    assert values == {kind: value for kind, (value, reason) in SENT.items() if reason and kind != "25 MB"}
    assert all(headers_of(record)["trace"] == kind for kind, record in dead_letters.items())


def test_a_value_that_cannot_fit_is_cut_and_named_by_the_hash_of_the_whole(dead_letters):
    record = dead_letters["25 MB"]
    headers = headers_of(record)
    assert BIG.startswith(record.value)
    assert 900_000 < len(record.value) < 2_000_000
    assert headers["dlq.payload.truncated"] == "true"
    assert headers["dlq.payload.sha256"] == hashlib.sha256(BIG).hexdigest()
    assert headers["dlq.payload.bytes"] == str(len(BIG))


def test_records_name_their_source(kinds, dead_letters, enriched):
    _, sent = kinds
    for kind, record in {**dead_letters, **enriched}.items():
        headers = headers_of(record)
        assert record.partition == sent[kind].partition
        assert (headers["source.partition"], headers["source.offset"]) == (
            str(sent[kind].partition),
            str(sent[kind].offset),
        )


def test_a_plain_consumer_reads_enriched_events_as_json(enriched):
    original = json.loads(SENT["good with unknown field"][0])
    value = json_of(enriched["good with unknown field"])
    assert {name: value[name] for name in original if name != "foo"} == {
        name: given for name, given in original.items() if name != "foo"
    }
    assert json.loads(value["enrichment"]["rescued_data"]) == {"foo": {"bar": 1}}


def test_deltalake_reads_the_tables_without_spark(kinds):
    site, sent = kinds
    places = {kind: (s.partition, s.offset) for kind, s in sent.items()}
    columns = ["kafka_partition", "kafka_offset"]

    def rows(table):
        return sorted((r["kafka_partition"], r["kafka_offset"]) for r in site.table(table, columns).to_pylist())

    assert rows("events") == sorted(places[kind] for kind, (_, reason) in SENT.items() if reason is None)
    assert rows("dead_letters") == sorted(places[kind] for kind, (_, reason) in SENT.items() if reason)
    assert site.table("duplicates").num_rows == 0


def test_a_second_run_adds_nothing(kinds):
    site, _ = kinds
    before = [site.table(name).num_rows for name in ("events", "dead_letters", "batch_audit")]
    site.drain()
    assert [site.table(name).num_rows for name in ("events", "dead_letters", "batch_audit")] == before


def test_no_private_value_or_secret_is_logged(kinds):
    site, _ = kinds
    log = site.log()
    assert "Traceback" not in log
    for name in ("AWS_SECRET_ACCESS_KEY", "PSEUDONYM_KEY"):
        assert site.environment[name] not in log


def test_sparks_event_log_has_no_secret(kinds):
    """It has each batch's plans, as Spark's pages show them; a key of HMAC also stands in its two blocks."""
    site, _ = kinds
    told = "".join(file.read_text() for file in (site.folder / "events").rglob("events_*"))
    assert "SparkListenerSQLExecutionStart" in told
    key = site.environment["PSEUDONYM_KEY"].encode()
    assert 0 < len(key) <= 64
    blocks = [bytes(byte ^ pad for byte in key).hex() for pad in (0, 0x36, 0x5C)]
    secrets = [site.environment["AWS_SECRET_ACCESS_KEY"], key.decode(), *blocks]
    assert [secret for secret in secrets if secret in told or secret.upper() in told] == []


def test_a_graceful_stop_finishes_the_batch_and_replays_nothing(kafka_stack, s3_server, tmp_path):
    """SIGTERM, then Ctrl-C on the next run: exit code 0 each, and no record is published twice.

    All processes of the job get the signal, as from a terminal or from a supervisor that ends a control group.
    """
    environment = {**kafka_stack.environment(), **s3_server.environment()}
    site = Site.create(environment, f"stop-{uuid.uuid4().hex[:6]}", tmp_path)
    site.generate("--count", "2000", "--seed", "3")
    for how in (signal.SIGTERM, signal.SIGINT):
        batches = site.log().count("enrich: batch") if (tmp_path / "enrich.log").exists() else 0
        job = site.start_enrich("--max-offsets-per-trigger", "300", "--trigger", "1 second")
        wait_for(lambda seen=batches: site.log().count("enrich: batch") > seen, seconds=200)
        os.killpg(job.pid, how)
        assert job.wait(60) == 0, site.log()
    assert site.log().count("enrich: stopped: ") == 2
    site.drain()
    offsets = [
        (headers_of(r)["source.partition"], headers_of(r)["source.offset"]) for r in site.consume(site.topics.enriched)
    ]
    assert len(offsets) == len(set(offsets)) == 2000
