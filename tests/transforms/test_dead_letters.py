"""What leaves for the dead-letter queue and its table: the original bytes, and every fact about the failure."""

from __future__ import annotations

import datetime
import hashlib
import json

import pytest
from builders import TOPIC, TOPIC_ID, Raw, event, joined, utc

RAW = event(event_name="x")
ENRICHED = {"source.topic", "source.topic_id", "source.partition", "source.offset"}
CONNECT = {
    f"__connect.errors.{name}"
    for name in ("topic", "partition", "offset", "stage", "exception.class.name", "exception.message")
}
DLQ = {
    "dlq.schema", "dlq.id", "dlq.failure.type", "dlq.failure.stage", "dlq.failure.errors", "dlq.failure.fields",
    "dlq.failed.at", "dlq.first.failed.at", "dlq.original.timestamp", "dlq.original.timestamp.type", "dlq.event.id",
    "dlq.event.name", "dlq.processor", "dlq.ruleset", "dlq.batch.id", "dlq.payload.sha256", "dlq.payload.bytes",
    "dlq.payload.truncated", "dlq.attempts",
}  # fmt: skip
FAILED_AT = "2026-03-01T12:00:03.004Z"
HISTORY = {
    "dlq.id": "ab" * 32,
    "dlq.first.failed.at": "2026-02-01T10:00:00.123456Z",
    "dlq.attempts": "3",
    "dlq.replay.id": "replay-1",
}


def _with(*headers: tuple[str, bytes | str | None], value=RAW, **facts) -> Raw:
    encoded = tuple((k, v.encode() if isinstance(v, str) else v) for k, v in headers)
    return Raw(value, headers=encoded, **facts)


# header → values that we never write; they are no history
FORGED = {
    "dlq.id": ("", "x", "AB" * 32, "ab" * 31, "ab" * 33, "ab" * 32 + "\n", b"\xff" * 64, None),
    "dlq.attempts": ("", "x", "-1", "1.5", "99999999999999999999", " 3", "３", b"\xff", None),
    "dlq.first.failed.at": ("", "x", "2026", "2026-02-30T10:00:00Z", "2026-02-01 10:00:00", b"\xff", None,
                             "0000-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59-18:00"),
}  # fmt: skip
VALUES = {
    "null": None,
    "empty": b"",
    "not UTF-8": b'{"a":"\xff\xfe"}',
    "every byte": bytes(range(256)),
    "NUL": b'{"a":1}\x00',
    "not JSON": b'{"a": 1',
    "blanks and tabs": b" \t ",
    "text": '{"ключ": "😀"}'.encode(),
}
KEYS = {"no key": None, "an empty key": b"", "every byte as key": bytes(range(256))}
TYPES = {0: "CreateTime", 1: "LogAppendTime"}

TABLE = joined(
    {("value", name): Raw(value) for name, value in VALUES.items()},
    {("key", name): Raw(RAW, key=key, partition=n + 1) for n, (name, key) in enumerate(KEYS.items())},
    {("forged", name, value): _with((name, value)) for name, values in FORGED.items() for value in values},
    {("type", number): Raw(RAW, timestamp_type=number) for number in TYPES},
    {
        "plain": RAW,
        "with headers": _with(
            ("trace", "abc"), ("trace", "def"), ("empty", b""), ("null", None), ("binary", b"\x00\xff"),
            ("Source.topic", "x"), ("xdlq.id", "x"), ("source", "x"), ("dlq", "x"),
        ),
        "with our headers": _with(
            ("trace", "abc"), *HISTORY.items(), ("source.topic", "old"), ("source.offset", "5"),
            ("__connect.errors.topic", "old"), ("dlq.anything", "old"), ("dlq.failure.type", "OLD"),
            ("dlq.payload.truncated", "true"),
        ),
        "no headers at all": Raw(RAW, headers=None),
        "only the attempts": _with(("dlq.attempts", "41")),
        "long id and name": event(event_id="i" * 5000, event_name="n" * 5000),
        "salvaged": event(session_id=None),
        "without a broker time": Raw(RAW, received_at=None),
        "accepted with history": _with(*HISTORY.items(), value=event()),
    },
)  # fmt: skip


def header_list(outcome):
    """(key, value) of each header in order."""
    return [(h.key, None if h.value is None else bytes(h.value)) for h in outcome.record.headers]


def test_a_dead_letter_has_the_headers_of_the_contract_and_no_other(outcomes):
    names = [key for key, _ in header_list(outcomes["plain"])]
    assert sorted(names) == sorted(ENRICHED | CONNECT | DLQ)


def test_the_headers_tell_where_the_record_came_from(outcomes):
    headers, offset = outcomes["key", "no key"].headers, outcomes["key", "no key"].outcome.kafka_offset
    for prefix in ("source", "__connect.errors"):
        place = [headers[f"{prefix}.{name}"] for name in ("topic", "partition", "offset")]
        assert place == [TOPIC, "1", str(offset)]
    assert headers["source.topic_id"] == TOPIC_ID


def test_the_headers_tell_the_failure_in_the_terms_of_kafka_connect(outcomes):
    headers = outcomes["plain"].headers
    assert headers["__connect.errors.stage"] == headers["dlq.failure.stage"] == "validate"
    assert headers["__connect.errors.exception.class.name"] == headers["dlq.failure.type"] == "INVALID_VALUE"
    assert "event_name" in headers["__connect.errors.exception.message"]


def test_the_errors_in_the_headers_are_json_with_a_path_keyword_and_message(outcomes):
    (error,) = json.loads(outcomes["plain"].headers["dlq.failure.errors"])
    assert (error["path"], error["keyword"]) == ("event_name", "enum")
    assert error["expected"]
    assert error["message"]


def test_the_headers_tell_when_by_whom_and_how_large(outcomes, batch):
    headers, value = outcomes["plain"].headers, bytes(outcomes["plain"].record.value)
    assert (headers["dlq.batch.id"], headers["dlq.ruleset"]) == (str(batch.batch_id), batch.ruleset)
    assert headers["dlq.processor"] == batch.processor
    assert headers["dlq.payload.sha256"] == hashlib.sha256(value).hexdigest()
    assert (headers["dlq.payload.bytes"], headers["dlq.payload.truncated"]) == (str(len(value)), "false")
    assert (headers["dlq.event.id"], headers["dlq.event.name"]) == (RAW["event_id"], "x")
    assert [utc(headers[f"dlq.{name}"]) for name in ("failed.at", "first.failed.at", "original.timestamp")] == [
        utc(FAILED_AT), utc(FAILED_AT), utc("2026-03-01T12:00:00Z"),
    ]  # fmt: skip


def test_the_id_is_the_hash_of_topic_id_partition_and_offset(outcomes):
    outcome = outcomes["key", "an empty key"]
    identity = f"{TOPIC_ID}|2|{outcome.outcome.kafka_offset}"
    assert outcome.headers["dlq.id"] == hashlib.sha256(identity.encode()).hexdigest()


@pytest.mark.parametrize("case", [case for case in TABLE if case != "accepted with history"], ids=str)
def test_the_row_tells_what_the_headers_tell(outcomes, case):
    row, headers = outcomes[case].row, outcomes[case].headers
    texts = {
        "dlq_schema": "dlq.schema", "dlq_id": "dlq.id", "failure_type": "dlq.failure.type",
        "failure_stage": "dlq.failure.stage", "attempts": "dlq.attempts", "payload_bytes": "dlq.payload.bytes",
        "payload_sha256": "dlq.payload.sha256", "event_id": "dlq.event.id", "event_name": "dlq.event.name",
        "processor": "dlq.processor", "ruleset": "dlq.ruleset", "batch_id": "dlq.batch.id",
        "original_timestamp_type": "dlq.original.timestamp.type", "kafka_offset": "source.offset",
    }  # fmt: skip
    assert {name: None if row[name] is None else str(row[name]) for name in texts} == {
        name: headers.get(header) for name, header in texts.items()
    }


@pytest.mark.parametrize("name", VALUES)
def test_the_value_leaves_byte_for_byte(outcomes, name):
    outcome = outcomes["value", name]
    for value in (outcome.record.value, outcome.row.value):
        assert (None if value is None else bytes(value)) == VALUES[name]


@pytest.mark.parametrize("name", VALUES)
def test_the_row_has_the_value_as_text_if_it_is_text(outcomes, name):
    value = VALUES[name]
    try:
        expected = None if value is None else value.decode()
    except UnicodeDecodeError:
        expected = None
    assert outcomes["value", name].row.value_text == expected


@pytest.mark.parametrize("name", KEYS)
def test_the_key_leaves_byte_for_byte_to_the_same_partition(outcomes, name):
    outcome = outcomes["key", name]
    for key in (outcome.record.key, outcome.row.key):
        assert (None if key is None else bytes(key)) == KEYS[name]
    assert (outcome.record.partition, outcome.record.topic) == (list(KEYS).index(name) + 1, "dead")


def test_the_original_headers_come_first_and_unchanged(outcomes):
    originals = list(TABLE["with headers"].headers)
    assert header_list(outcomes["with headers"])[: len(originals)] == originals


def test_the_row_keeps_all_original_headers(outcomes):
    kept = [(h.key, None if h.value is None else bytes(h.value)) for h in outcomes["with headers"].row.headers]
    assert kept[:9] == list(TABLE["with headers"].headers)


def test_our_own_headers_of_an_earlier_failure_are_written_anew(outcomes):
    written = header_list(outcomes["with our headers"])
    names = [key for key, _ in written]
    assert len(names) == len(set(names))
    assert not {"dlq.anything"} & set(names)
    assert b"old" not in {value for _, value in written}
    assert written[0] == ("trace", b"abc")


def test_the_history_of_a_replayed_record_goes_on(outcomes):
    outcome = outcomes["with our headers"]
    assert (outcome.headers["dlq.id"], outcome.headers["dlq.attempts"]) == (HISTORY["dlq.id"], "4")
    assert outcome.row.first_failed_at == utc(HISTORY["dlq.first.failed.at"])
    assert utc(outcome.headers["dlq.failed.at"]) == utc(FAILED_AT)
    assert outcome.headers["dlq.replay.id"] == "replay-1"


def test_the_first_failure_is_told_to_the_millisecond_at_least(outcomes):
    told = utc(outcomes["with our headers"].headers["dlq.first.failed.at"])
    assert abs(told - utc(HISTORY["dlq.first.failed.at"])) < datetime.timedelta(milliseconds=1)


def test_attempts_alone_go_on_too(outcomes):
    assert outcomes["only the attempts"].headers["dlq.attempts"] == "42"


@pytest.mark.parametrize("case", [case for case in TABLE if case[0] == "forged"], ids=str)
def test_a_forged_history_is_ignored(outcomes, case):
    outcome = outcomes[case]
    identity = f"{TOPIC_ID}|0|{outcome.outcome.kafka_offset}"
    assert outcome.headers["dlq.id"] == hashlib.sha256(identity.encode()).hexdigest()
    assert (outcome.headers["dlq.attempts"], outcome.row.first_failed_at) == ("1", utc(FAILED_AT))


@pytest.mark.parametrize("number", TYPES)
def test_the_type_of_the_brokers_time_is_told(outcomes, number):
    assert outcomes["type", number].headers["dlq.original.timestamp.type"] == TYPES[number]


def test_no_headers_at_all_are_no_headers(outcomes):
    assert {key for key, _ in header_list(outcomes["no headers at all"])} == ENRICHED | CONNECT | DLQ


def test_a_salvaged_id_and_name_are_cut(outcomes):
    row = outcomes["long id and name"].row
    assert (row.event_id, row.event_name) == ("i" * 200, "n" * 200)


def test_the_row_salvages_id_name_and_time(outcomes):
    row = outcomes["salvaged"].row
    assert (row.event_id, row.event_name, row.event_time) == (
        RAW["event_id"], "page_view", utc("2026-03-01T11:59:58Z"),
    )  # fmt: skip


def test_a_failure_of_the_whole_value_names_no_field(outcomes):
    outcome = outcomes["value", "not JSON"]
    assert outcome.row.failure_fields == json.loads(outcome.headers["dlq.failure.fields"]) == []


def test_an_accepted_record_that_failed_before_is_not_a_dead_letter(outcomes):
    assert outcomes["accepted with history"].accepted
    assert not {key for key, _ in header_list(outcomes["accepted with history"])} & DLQ
