"""Topics that somebody else creates, that are still being deleted, that are set up otherwise, or that are one topic."""

from __future__ import annotations

import kafka.errors
import pytest

from pipelines import topics
from pipelines.cli import ConfigurationError
from pipelines.settings import Topics

WANTED = {"retention.ms": "604800000", "max.message.bytes": "1048588", "message.timestamp.type": "LogAppendTime"}


class Admin:
    """A broker that refuses to create `refusals` times; it lists the topic only if somebody else made it."""

    def __init__(self, refusals: int, *, listed: bool) -> None:
        self._refusals = refusals
        self._listed = listed

    def create_topics(self, wanted: dict[str, object], timeout_ms: int) -> None:
        if self._refusals:
            self._refusals -= 1
            raise kafka.errors.TopicAlreadyExistsError

    def describe_topics(self, names: list[str]) -> list[dict[str, int]]:
        return [{"error_code": 0 if self._listed else 3}]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(topics, "_DELETION_LOOK_SECONDS", 0)


def test_a_topic_that_is_still_being_deleted_is_waited_for():
    assert topics._create(Admin(2, listed=False), "raw", {})


def test_a_topic_that_somebody_else_created_is_left_alone():
    assert not topics._create(Admin(1, listed=True), "raw", {})


def test_a_deletion_that_does_not_end_is_said(monkeypatch):
    monkeypatch.setattr(topics, "_TIMEOUT_MS", -1)
    with pytest.raises(kafka.errors.TopicAlreadyExistsError):
        topics._create(Admin(10**9, listed=False), "raw", {})


class Configured:
    """A broker with one topic, of these settings."""

    def __init__(self, **configs: str) -> None:
        self._configs = {name.replace("_", "."): {"value": value} for name, value in configs.items()}

    def describe_configs(self, wanted: list[object], config_filter: str) -> dict[str, dict[str, object]]:
        return {"topic": {"raw": self._configs}}


@pytest.mark.parametrize(
    ("current", "changed", "kept"),
    [
        ({}, {}, {}),
        ({"retention_ms": "604800001"}, {}, {"retention.ms": "604800001"}),
        ({"retention_ms": "-1"}, {}, {"retention.ms": "-1"}),
        ({"retention_ms": "1000"}, {"retention.ms": "604800000"}, {}),
        ({"max_message_bytes": "5242880"}, {}, {"max.message.bytes": "5242880"}),
        ({"message_timestamp_type": "CreateTime"}, {"message.timestamp.type": "LogAppendTime"}, {}),
        (
            {"max_message_bytes": "1000", "retention_ms": "-1"},
            {"max.message.bytes": "1048588"},
            {"retention.ms": "-1"},
        ),
    ],
)
def test_what_a_topic_keeps_is_never_made_less(current, changed, kept):
    """A shorter retention deletes records that nobody has read yet; a smaller size refuses those of a running job."""
    broker = Configured(**{name.replace(".", "_"): value for name, value in WANTED.items()} | current)
    assert topics._differing(broker, topics.TopicSpec("raw", 1, WANTED)) == (changed, kept)


@pytest.mark.parametrize("names", [("a", "a", "c"), ("a", "b", "a"), ("a", "b", "b"), ("a", "a", "a")])
def test_two_topics_of_one_name_are_refused(names):
    with pytest.raises(ConfigurationError, match="must be three topics"):
        Topics(*names)
