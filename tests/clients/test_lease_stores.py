"""Where owner.json is kept: what each kind of store can promise, and that it is said."""

from __future__ import annotations

import os

import pytest
from leases import S3, Place, owner

from pipelines.cli import ConfigurationError, StoppedByPolicy
from pipelines.lease_stores import open_owner_file


@pytest.mark.parametrize("place", ["s3 without conditions"], indirect=True)
def test_a_store_that_does_not_keep_conditions_is_announced_as_advisory(place):
    place.acquire()
    assert [line for line in place.warnings if "advisory" in line]
    assert list(place.s3.objects) == ["lake/_control/owner.json"]


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_store_that_knows_no_conditions_is_used_without(place):
    place.s3.knows_conditions = False
    place.acquire().check()
    assert "advisory" in place.warnings[0]


@pytest.mark.parametrize("place", ["local", "s3"], indirect=True)
def test_a_store_that_keeps_conditions_gives_no_warning(place):
    place.acquire()
    assert place.warnings == []


@pytest.mark.parametrize("place", ["s3 without conditions"], indirect=True)
def test_on_an_advisory_store_the_last_of_two_that_start_at_once_is_the_owner(place):
    place.clock.meanwhile = lambda: place.write(owner(heartbeat=int(place.clock.now)))
    with pytest.raises(StoppedByPolicy, match="elsewhere"):
        place.acquire()


def test_elsewhere_no_lease_is_kept_and_that_is_said(tmp_path):
    place = Place("hdfs://cluster/checkpoint", S3())
    place.acquire().check()
    assert "no lease is kept" in place.warnings[0]


def test_what_is_there_is_not_created_again(place):
    assert place.file.create(b"1")
    assert place.file.create(b"2") is None
    assert place.file.read()[0] == b"1"


def test_only_what_was_seen_is_replaced_or_removed(place):
    seen = place.file.create(b"1")
    assert place.file.replace(b"2", seen)
    assert place.file.replace(b"3", seen) is None
    place.file.remove(seen)
    assert place.file.read()[0] == b"2"


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}"])
def test_a_local_folder_may_be_spelled_as_a_path_or_a_uri_and_is_made(tmp_path, form):
    file = open_owner_file(form.format(tmp_path / "new" / "lake"), S3(), "LAKE_URI")
    assert file.create(b"1")
    assert (tmp_path / "new" / "lake" / "_control" / "owner.json").read_bytes() == b"1"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"CHECKPOINT_URI=.* cannot be written"):
        open_owner_file(str(tmp_path / "file" / "checkpoint"), S3(), "CHECKPOINT_URI")


def test_a_file_system_without_hard_links_still_creates_only_once(tmp_path, monkeypatch):
    def no_link(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", no_link)
    file = open_owner_file(str(tmp_path), S3(), "LAKE_URI")
    assert file.create(b"1")
    assert file.create(b"2") is None
    assert file.read()[0] == b"1"


def test_a_local_owner_json_leaves_nothing_beside_it(tmp_path):
    place = Place(str(tmp_path), S3())
    lease = place.acquire()
    place.clock.now += 7
    lease.check()
    assert [file.name for file in (tmp_path / "_control").iterdir()] == ["owner.json"]
    lease.release()
