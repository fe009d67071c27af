"""A topic is created while somebody else creates it, or while its namesake is still being deleted."""

from __future__ import annotations

import kafka.errors
import pytest

from pipelines import topics


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
