"""Trying again: how long, and after which errors."""

from __future__ import annotations

import click
import pytest

from pipelines.cli import RunFailed, StoppedByPolicy
from pipelines.patience import Patience, keep_trying, worth_another_try
from pipelines.shutdown import Shutdown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Waits(Shutdown):
    """A shutdown whose waits take no time; `stop_at` is the wait at which a stop is requested."""

    def __init__(self, clock, stop_at=None):
        super().__init__()
        self.clock, self.stop_at, self.waited = clock, stop_at, []

    def wait(self, seconds):
        self.clock.now += seconds
        self.waited.append(seconds)
        return len(self.waited) == self.stop_at


REFUSED = ConnectionError("java.net.ConnectException: Connection refused")


def failing(times, error=REFUSED):
    left = [error] * times

    def attempt():
        if left:
            raise left.pop()

    return attempt


def explain(error):
    return error if isinstance(error, click.ClickException) else RunFailed("broken.")


def try_it(attempt, seconds=60, stop_at=None):
    clock = Clock()
    waits, said = Waits(clock, stop_at), []
    try:
        keep_trying(attempt, explain, Patience(seconds, clock), waits, said.append)
    finally:
        try_it.waited, try_it.said = waits.waited, said


def test_a_server_that_comes_back_is_waited_for_with_growing_pauses():
    try_it(failing(4))
    assert try_it.waited == [1, 2, 4, 8]
    assert try_it.said[0] == "broken. Trying again in 1 s."


def test_patience_ends():
    with pytest.raises(RunFailed):
        try_it(failing(100), seconds=60)
    assert sum(try_it.waited) >= 60
    assert max(try_it.waited) == 30


def test_no_patience_is_no_second_try():
    with pytest.raises(RunFailed):
        try_it(failing(1), seconds=0)
    assert try_it.waited == []


def test_success_renews_patience():
    clock = Clock()
    patience = Patience(10, clock)
    assert patience.next_wait() == 1
    clock.now = 9
    patience.succeeded()
    clock.now = 18
    assert patience.next_wait() == 1


@pytest.mark.parametrize("error", [StoppedByPolicy("no."), ValueError("a mistake of ours")])
def test_what_would_fail_again_is_not_tried_again(error):
    with pytest.raises(click.ClickException):
        try_it(failing(1, error))
    assert try_it.waited == []


def test_a_stop_request_ends_the_waiting():
    with pytest.raises(RunFailed, match="Stopped while waiting"):
        try_it(failing(9), stop_at=2)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("org.apache.kafka.common.errors.TimeoutException: Topic not present in metadata after 60000 ms", True),
        ("software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request", True),
        ("kafka.errors.KafkaTimeoutError: …", True),
        ("java.io.IOException: No space left on device", True),
        ("builtins.OSError Generic S3 error: Error performing GET http://…: error sending request for url", True),
        ("org.apache.kafka.common.errors.RecordTooLargeException: 3 MB", False),
        ("S3Exception: AccessDenied", False),
        ("org.apache.spark.sql.AnalysisException: no such column", False),
        ("something else", False),
    ],
)
def test_errors_of_servers_are_told_from_errors_of_ours(text, again):
    assert worth_another_try(text) is again
