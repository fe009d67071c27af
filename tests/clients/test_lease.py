"""The lease that refuses a second writer, on a clock of the tests' own."""

from __future__ import annotations

import dataclasses
import os
import threading
import time

import pytest
from botocore.exceptions import EndpointConnectionError
from leases import owner

from pipelines.cli import RunFailed, StoppedByPolicy
from pipelines.lease import LeaseLost
from pipelines.lease_owner import Owner

AWAY = EndpointConnectionError(endpoint_url="http://store")


def wait_for(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.005)


on_s3 = pytest.mark.parametrize("place", ["s3"], indirect=True)


def test_the_first_job_becomes_the_owner_and_says_which_process_it_is(place):
    place.acquire().check()
    assert place.owner().pid == os.getpid()


def test_a_living_owner_is_refused_by_name(place):
    """It lives if its heartbeat goes on while one watches, whatever its clock says."""
    other = owner()
    place.write(other)

    def heartbeat():
        nonlocal other
        other = other.next_heartbeat()
        place.write(other)

    place.clock.meanwhile = heartbeat
    with pytest.raises(StoppedByPolicy, match=r"host elsewhere \(pid 17, since 2026-01-02T03:04:05Z\)"):
        place.acquire()
    assert place.owner() == other


def test_a_silent_owner_is_replaced_once_it_was_watched_for_the_expiry(place):
    place.write(owner())
    place.acquire()
    assert 8 <= place.clock.now - 1000 < 10
    assert place.owner().pid == os.getpid()
    assert "taken over from" in place.warnings[-1]
    assert "silent for 8 s" in place.warnings[-1]


def test_an_owner_that_moves_while_the_watcher_is_paused_is_not_replaced(place):
    place.write(owner())

    def pause():
        place.clock.now += 60
        place.write(owner(heartbeat=9))

    place.clock.meanwhile = pause
    with pytest.raises(StoppedByPolicy):
        place.acquire()


def test_a_process_that_was_killed_here_is_replaced_at_once(place, dead_pid):
    place.write(dataclasses.replace(Owner.this_process(), pid=dead_pid))
    place.acquire(settle_seconds=0)
    assert place.clock.now == 1000
    assert "no longer runs" in place.warnings[-1]


def test_time_in_which_nobody_looked_does_not_count_against_the_owner(place):
    """The machine slept, or the store hung, and the owner with it: it has its next heartbeat only now."""
    place.write(owner())
    looks = []

    def sleep_once():
        looks.append(place.clock.now)
        place.clock.now += 3600 if len(looks) == 3 else 0

    place.clock.meanwhile = sleep_once
    place.acquire()
    assert place.clock.now - looks[2] - 3600 >= 8


HERE = Owner.this_process()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[1]", b'{"owner": 1}', b"\xff\xfe", b"[" * 100_000,
     owner().to_json().replace(b'"elsewhere"', b"null"),
     *(owner(host=HERE.host, boot=HERE.boot, pid=pid).to_json() for pid in ("1", None, [], -(2**30), 0, True, 2**80))],
)  # fmt: skip
def test_an_owner_json_that_names_nobody_is_replaced_after_the_expiry(place, content):
    place.write(content)
    place.acquire()
    assert place.clock.now - 1000 >= 8
    assert place.owner().pid == os.getpid()


def test_a_name_in_owner_json_cannot_break_the_line(place):
    place.write(owner(host="a\nb\x1b[2J"))
    place.acquire()
    assert "host a?b?[2J" in place.warnings[-1]


def test_a_paused_owner_learns_at_its_next_check_who_took_over(place):
    lease = place.acquire()
    place.write(owner())
    place.clock.now += 9
    for _ in range(2):
        with pytest.raises(LeaseLost, match=r"belongs to .* on host elsewhere"):
            lease.check()
    assert place.owner().host == "elsewhere"


def test_a_paused_owner_has_lost_its_lease_even_if_the_other_is_done_already(place):
    lease = place.acquire()
    place.remove()
    place.clock.now += 9
    with pytest.raises(LeaseLost, match="gone"):
        lease.check()
    assert place.owner() is None


def test_an_owner_json_that_was_deleted_by_hand_comes_back(place):
    """Nobody can have owned it since: the last renewal is younger than the expiry."""
    lease = place.acquire()
    place.remove()
    place.clock.now += 7
    lease.check()
    assert place.owner().pid == os.getpid()


def test_a_check_renews_before_the_expiry_so_that_a_heartbeat_remains(place):
    lease = place.acquire()
    place.clock.now += 6.5
    lease.check()
    assert place.owner().heartbeat == 1


@on_s3
def test_a_store_that_is_away_loses_no_lease(place):
    lease = place.acquire()
    place.s3.error = AWAY
    place.clock.now += 5
    lease.check()
    place.clock.now += 60
    with pytest.raises(EndpointConnectionError):
        lease.check()
    place.s3.error = None
    lease.check()


@on_s3
def test_a_store_that_is_away_does_not_end_the_heartbeat(place):
    lease = place.acquire(heartbeat_seconds=0.01)
    place.s3.error = AWAY
    assert all(place.s3.met.acquire(timeout=5) for _ in range(4))
    place.s3.error = None
    beaten = place.owner().heartbeat
    wait_for(lambda: place.owner().heartbeat > beaten)
    lease.check()


@on_s3
def test_a_store_that_refuses_to_write_though_nobody_is_there_is_no_endless_wait(place):
    place.s3.refuses = "owner.json"
    with pytest.raises(StoppedByPolicy):
        place.acquire()


@on_s3
def test_a_store_that_refuses_to_renew_though_the_owner_is_still_there_is_no_loss(place):
    lease = place.acquire()
    place.s3.refuses = "owner.json"
    place.clock.now += 9
    with pytest.raises(RunFailed, match="refuses to renew"):
        lease.check()
    place.s3.refuses = "nothing"
    lease.check()


@on_s3
def test_a_renewal_whose_answer_got_lost_is_no_loss(place):
    lease = place.acquire()
    place.write(place.owner().next_heartbeat())
    place.clock.now += 9
    lease.check()
    assert place.owner().pid == os.getpid()


def test_a_released_place_can_be_acquired_again_at_once(place):
    place.acquire().release()
    assert place.owner() is None
    place.acquire(settle_seconds=0).check()
    assert place.clock.now - 1000 <= 0.5


def test_a_job_that_has_released_its_lease_writes_no_more(place):
    lease = place.acquire()
    lease.release()
    with pytest.raises(LeaseLost, match="released"):
        lease.check()
    assert place.owner() is None


def test_a_release_leaves_the_owner_json_of_another_alone(place):
    lease = place.acquire()
    place.write(owner())
    lease.release()
    assert place.owner() == owner(owner=place.owner().owner)


@on_s3
def test_a_release_renews_first_so_that_nobody_can_take_over_before_it_is_done(place):
    place.acquire().release()
    assert Owner.from_json(place.s3.deleted[-1]).heartbeat == 1


@pytest.mark.filterwarnings("error")  # what a thread raises becomes a warning
@on_s3
def test_a_release_does_not_raise(place):
    lease = place.acquire()
    place.s3.error = AWAY
    lease.release()
    place.s3.error = None
    assert place.owner().pid == os.getpid()


@pytest.mark.parametrize("place", ["local", "s3"], indirect=True)
@pytest.mark.parametrize("before", [None, owner()], ids=["nobody", "a silent owner"])
def test_of_several_that_come_at_once_one_becomes_the_owner(place, before):
    if before:
        place.write(before)
    seconds = {"heartbeat_seconds": 0.05, "expiry_seconds": 1.5, "look_seconds": 0.02}
    real = {**seconds, "clock": time.monotonic, "sleep": time.sleep}
    at_once = threading.Barrier(6)
    outcomes = []

    def start():
        at_once.wait()
        try:
            place.acquire(**real)
            outcomes.append("owner")
        except StoppedByPolicy:
            outcomes.append("refused")

    jobs = [threading.Thread(target=start) for _ in range(6)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(20)
    assert sorted(outcomes) == ["owner"] + ["refused"] * 5
