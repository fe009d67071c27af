"""One writer per lake: real processes on MinIO, S3Proxy and a local folder."""

from __future__ import annotations

import signal
import time
import uuid

import pytest
from writers import Writer

pytestmark = pytest.mark.integration


def on(*places):
    """Run the test with a lake in each of these places; a folder needs no server, and takes the one that is there."""
    servers = [(place, "s3proxy" if place == "folder" else place) for place in places]
    each = {"indirect": ["s3_server"], "ids": places, "scope": "session"}  # so that each server is started once
    return pytest.mark.parametrize(("place", "s3_server"), servers, **each)


everywhere = on("minio", "s3proxy", "folder")
where_conditions_are_kept = on("minio", "folder")


@pytest.fixture
def lake(place, s3_server, tmp_path):
    """The URI of a lake that nobody has used."""
    if place == "folder":
        return str(tmp_path / "lake")
    return f"{s3_server.environment()['LAKE_URI']}/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def start(s3_server, lake):
    writers = []

    def start():
        writers.append(Writer(s3_server.environment(), lake))
        return writers[-1]

    yield start
    for writer in writers:
        writer.end()


@where_conditions_are_kept
def test_of_six_that_start_at_once_one_writes(start):
    writers = [start() for _ in range(6)]
    for writer in writers:
        writer.tell("acquire")
    outcomes = sorted(writer.answer().partition(":")[0] for writer in writers)
    assert outcomes == ["StoppedByPolicy"] * 5 + ["done"]


@where_conditions_are_kept
def test_of_six_that_replace_a_silent_owner_at_once_one_writes(start):
    silent, *writers = (start() for _ in range(7))
    assert silent.do("acquire") == "done"
    silent.signal(signal.SIGSTOP)
    for writer in writers:
        writer.tell("acquire")
    outcomes = sorted(writer.answer().partition(":")[0] for writer in writers)
    assert outcomes == ["StoppedByPolicy"] * 5 + ["done"]


@everywhere
def test_a_second_writer_is_refused_and_told_who_the_first_is(start):
    first, second = start(), start()
    assert first.do("acquire") == "done"
    assert f"(pid {first.pid}, since 2" in second.do("acquire")
    assert first.do("check") == "done"


@everywhere
def test_after_kill_9_the_next_writer_need_not_wait(start):
    first, second = start(), start()
    first.do("acquire")
    first.end()
    answer, seconds = second.timed("acquire")
    assert answer == "done"
    assert seconds < 4  # half the expiry: the machine may be busy


@everywhere
def test_a_paused_writer_is_replaced_and_stops_when_it_goes_on(start):
    first, second = start(), start()
    first.do("acquire")
    first.signal(signal.SIGSTOP)
    answer, seconds = second.timed("acquire")
    assert answer == "done"
    assert seconds >= 8
    first.signal(signal.SIGCONT)
    lost = first.do("check")
    assert lost.startswith("LeaseLost: ")
    assert f"pid {second.pid}" in lost
    assert second.do("check") == "done"


@everywhere
def test_after_a_release_the_next_writer_need_not_wait(start):
    first, second = start(), start()
    first.do("acquire")
    assert first.do("release") == "done"
    answer, seconds = second.timed("acquire")
    assert answer == "done"
    assert seconds < 4


@on("minio")
def test_a_store_that_was_away_for_longer_than_the_expiry_costs_no_lease(start, s3_server):
    writer = start()
    writer.do("acquire")
    killed_at = time.monotonic()
    s3_server.kill("s3")
    try:
        while time.monotonic() < killed_at + 9:
            answer = writer.do("check")
            time.sleep(0.5)
        assert answer.startswith("EndpointConnectionError")
    finally:
        s3_server.start("s3")
    assert writer.do("check") == "done"


@on("s3proxy")
def test_on_s3proxy_the_lease_is_announced_as_advisory(start):
    writer = start()
    writer.do("acquire")
    assert "LAKE_URI=s3a://" in writer.do("warnings")
    assert "advisory" in writer.do("warnings")


@where_conditions_are_kept
def test_on_minio_and_in_a_folder_the_lease_is_firm(start):
    writer = start()
    writer.do("acquire")
    assert writer.do("warnings") == ""
