"""One writer: a second job on the same lake or checkpoint is refused while the first lives, and then takes over."""

from __future__ import annotations

import dataclasses
import os
import uuid
from pathlib import Path

import pytest
from jobs import Site, kill
from supervisor import SupervisedJob

from infra.local import Stack
from infra.local.minio import find_minio
from infra.local.ports import free_ports

pytestmark = pytest.mark.faults


def beside(site: Site, folder: Path, **changed: str) -> Site:
    """The same pipeline, started from elsewhere with some settings changed."""
    folder.mkdir()
    return dataclasses.replace(site, environment={**site.environment, **changed}, folder=folder, processes=[])


@pytest.mark.parametrize(
    ("setting", "shared"),
    [
        pytest.param("CHECKPOINT_URI", "LAKE_URI", marks=pytest.mark.row(24, "a second job on the same lake")),
        pytest.param("LAKE_URI", "CHECKPOINT_URI", marks=pytest.mark.row(24, "a second job on the same checkpoint")),
    ],
    ids=["lake", "checkpoint"],
)
@pytest.mark.skipif(find_minio() is None, reason="MinIO is missing: run `make minio`")
def test_a_second_job_is_refused_until_the_first_is_dead(site: Site, result, setting: str, shared: str) -> None:
    """Refused with exit code 3 and the owner's pid; after kill -9 of the owner it starts."""
    manifest = site.folder / "manifest.jsonl"
    job = SupervisedJob(site)
    generator = job.feed("--rate=50", f"--manifest={manifest}")
    second = beside(site, site.folder / "second", **{setting: f"{site.environment[setting]}-2"})

    assert second.enrich("--available-now") == 3, second.log()

    (line,) = second.errors()
    assert shared in line
    assert os.uname().nodename in line
    assert job.process.poll() is None
    kill(job.process)
    generator.terminate()
    assert generator.wait(60) == 0
    with result.recovery():
        heir = beside(site, site.folder / "heir")
        heir.drain()
    result.proved(heir, manifest)


@pytest.mark.row(24, "a store without conditional writes: the lease is announced as advisory")
def test_an_advisory_lease_is_announced(stack: Stack, tmp_path: Path, result) -> None:
    store = Stack(tmp_path / "s3", ports={"s3": free_ports(1)[0]}, s3_server="s3proxy", servers=("s3",))
    store.up()
    try:
        environment = {**stack.environment(), **store.environment()}
        site = Site.create(environment, f"own-{uuid.uuid4().hex[:6]}", tmp_path)
        site.drain()
        assert "advisory" in site.log()
    finally:
        store.clean()
