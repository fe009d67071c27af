"""What is looked at before the first batch, on servers that say what each test wants."""

from __future__ import annotations

import errno
import shutil
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import kafka.errors
import pytest
from botocore.exceptions import ClientError

from pipelines import preflight
from pipelines.cli import ConfigurationError, RunFailed
from pipelines.clients import KafkaSettings, S3Settings
from pipelines.lake import Lake
from pipelines.preflight_topics import check_topic_settings
from pipelines.settings import Topics

TOPICS = Topics("raw", "enriched", "dead")
LARGE, DAY = "1908736", str(24 * 3600 * 1000)
FINE = {
    "raw": {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "retention.ms": DAY},
    "enriched": {"cleanup.policy": "delete", "max.message.bytes": LARGE},
    "dead": {"cleanup.policy": "delete", "max.message.bytes": LARGE},
}


class Broker(KafkaSettings):
    """A broker whose topics have these settings."""

    def describing(self, topics):
        object.__setattr__(self, "topics", topics)
        return self

    def admin(self, **overrides):
        told = {name: {key: {"value": value} for key, value in of.items()} for name, of in self.topics.items()}
        return SimpleNamespace(describe_configs=lambda asked, config_filter: {"topic": told}, close=lambda: None)


def warnings_about(**changed):
    topics = {name: {**of, **changed.get(name, {})} for name, of in FINE.items()}
    return check_topic_settings(Broker("broker:9092").describing(topics), TOPICS, 921_600)


def test_topics_as_make_topics_leaves_them_are_fine():
    assert warnings_about() == []


@pytest.mark.parametrize("topic", ["enriched", "dead"])
def test_a_sink_that_is_too_small_for_the_largest_event_is_refused(topic):
    with pytest.raises(ConfigurationError) as refused:
        warnings_about(**{topic: {"max.message.bytes": "1908735"}})
    assert f"{topic} takes records of 1908735 bytes" in refused.value.message
    assert "MAX_EVENT_BYTES=921600 make topics" in refused.value.message


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
@pytest.mark.parametrize(("topic", "harm"), [("raw", "events vanish"), ("dead", "no record without a key")])
def test_a_compacted_topic_is_refused(topic, harm, policy):
    with pytest.raises(ConfigurationError, match=f"{topic} has cleanup.policy={policy}, so .*{harm}.*: set"):
        warnings_about(**{topic: {"cleanup.policy": policy}})


def test_the_producers_time_is_worth_a_warning():
    (line,) = warnings_about(raw={"message.timestamp.type": "CreateTime"})
    assert "message.timestamp.type=CreateTime" in line
    assert "make topics" in line


@pytest.mark.parametrize(("retention_ms", "warns"), [("3599999", True), ("3600000", False), ("-1", False)])
def test_less_than_an_hour_of_raw_records_is_worth_a_warning(retention_ms, warns):
    assert [f"retention.ms={retention_ms}" in line for line in warnings_about(raw={"retention.ms": retention_ms})] == (
        [True] if warns else []
    )


def test_topics_that_the_broker_does_not_describe_are_not_judged():
    assert check_topic_settings(Broker("broker:9092").describing({"raw": {}}), TOPICS, 921_600) == []


def test_a_broker_that_is_gone_is_named(monkeypatch):
    def nobody(self, **overrides):
        raise kafka.errors.KafkaConnectionError("gone")

    monkeypatch.setattr(KafkaSettings, "admin", nobody)
    with pytest.raises(ConfigurationError, match="KAFKA_BOOTSTRAP_SERVERS"):
        check_topic_settings(KafkaSettings("127.0.0.1:1"), TOPICS, 921_600)


class Store(S3Settings):
    """An S3 server whose clock differs from this machine's; with `error` it refuses."""

    def telling(self, ahead_seconds, error=None):
        moment = datetime.now(timezone.utc) + timedelta(seconds=ahead_seconds)
        answer = {"ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(moment, usegmt=True)}}}
        object.__setattr__(self, "answer", answer)
        object.__setattr__(self, "error", error)
        return self

    def client(self):
        def list_objects_v2(**asked):
            if self.error:
                raise ClientError({"Error": {"Code": self.error}, **self.answer}, "ListObjectsV2")
            return self.answer

        return SimpleNamespace(list_objects_v2=list_objects_v2)


@pytest.mark.parametrize(("ahead", "said"), [(90, "s behind the S3 server's"), (-90, "s ahead of the S3 server's")])
def test_a_clock_that_is_wrong_is_worth_a_warning(ahead, said):
    (line,) = preflight.check_lake("s3a://lake", Store().telling(ahead))
    assert said in line
    assert "set it" in line


@pytest.mark.parametrize("ahead", [50, -50])
def test_a_clock_that_is_nearly_right_is_fine(ahead):
    assert preflight.check_lake("s3a://lake", Store().telling(ahead)) == []


def test_a_refusal_for_the_clock_names_the_clock():
    with pytest.raises(ConfigurationError, match=r"clock is 3,60\d s ahead of the S3 server's: set it"):
        preflight.check_lake("s3a://lake", Store().telling(-3600, "RequestTimeTooSkewed"))


def test_a_lake_that_is_a_table_is_refused():
    store = Store().telling(0)
    store.answer["Contents"] = [{"Key": "shop/events/_delta_log/00.json"}]
    with pytest.raises(ConfigurationError, match="LAKE_URI=s3a://lake/shop/events is a Delta table"):
        preflight.check_lake("s3a://lake/shop/events", store)


def test_an_answer_without_a_date_says_nothing_about_the_clock():
    assert preflight.clock_skew_seconds({}) is None


@pytest.mark.parametrize(("free", "warns"), [(99_999_999, True), (100_000_000, False)])
def test_little_room_for_the_checkpoint_is_worth_a_warning(monkeypatch, tmp_path, free, warns):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    lines = preflight.check_checkpoint(f"file://{tmp_path}/new", S3Settings())
    assert lines == ([f"CHECKPOINT_URI=file://{tmp_path}/new: only 99 MB free on that disk."] if warns else [])


def test_no_room_for_the_checkpoint_fails_the_start_but_a_restart_may_help(monkeypatch, tmp_path):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunFailed, match="no space left"):
        preflight.check_checkpoint(str(tmp_path), S3Settings())


@pytest.mark.parametrize("scheme", ["", "file:", "file://"])
def test_the_checkpoints_folder_is_made_where_the_uri_says(tmp_path, scheme):
    preflight.check_checkpoint(f"{scheme}{tmp_path}/a/b", S3Settings())
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    ("lake", "checkpoint", "said"),
    [
        ("/data/lake", "/data/lake", "contains LAKE_URI"),
        ("/data/lake", "file:///data/lake/", "contains LAKE_URI"),
        ("/data/lake", "/data", "contains LAKE_URI"),
        ("/data/lake", "/data/lake/events", "in the table events"),
        ("file:/data/lake", "/data/lake/batch_audit/checkpoint", "in the table batch_audit"),
        ("s3a://lake/shop", "s3a://lake/shop/events/", "in the table events"),
    ],
)
def test_lake_and_checkpoint_must_not_be_in_each_others_way(lake, checkpoint, said):
    with pytest.raises(ConfigurationError) as refused:
        preflight.check_places(Lake(lake), checkpoint)
    assert said in refused.value.message
    assert f"CHECKPOINT_URI={checkpoint}" in refused.value.message


@pytest.mark.parametrize(
    ("lake", "checkpoint"),
    [
        ("/data/lake", "/data/lake/_checkpoint"),
        ("/data/lake", "/data/lake-checkpoint"),
        ("/data/lake", "/data/lake/events-checkpoint"),
        ("s3a://lake", "/data/checkpoint"),
        ("s3a://lake", "hdfs://name/checkpoint"),
    ],
)
def test_lake_and_checkpoint_may_be_side_by_side(lake, checkpoint):
    preflight.check_places(Lake(lake), checkpoint)


@pytest.mark.parametrize("setting", ["LAKE_URI", "CHECKPOINT_URI"])
def test_a_place_in_anybodys_table_is_refused(tmp_path, setting):
    (tmp_path / "table" / "_delta_log").mkdir(parents=True)
    places = {"LAKE_URI": f"{tmp_path}/lake", "CHECKPOINT_URI": f"{tmp_path}/checkpoint"}
    places[setting] = f"{tmp_path}/table/inside"
    with pytest.raises(ConfigurationError, match=f"{setting}={places[setting]} is in a Delta table"):
        preflight.check_places(Lake(places["LAKE_URI"]), places["CHECKPOINT_URI"])
