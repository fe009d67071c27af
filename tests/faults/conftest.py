"""Servers of their own for each file of fault tests, a pipeline for each test, and the results that are kept.

A test names its line of the results table: ``@pytest.mark.row(4, "broker stopped for 30 s")``. The table is written
where FAULT_RESULTS names a folder.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobs import Site
from results import Line, store
from supervisor import Load, running
from world import Comparison, compare

from infra.local import Stack
from infra.local.minio import find_minio
from infra.local.ports import free_ports
from infra.local.servers import ALL_SERVERS

_RESULT = pytest.StashKey["Result"]()


class Result:
    """One test's line of the table; the test fills in the figures."""

    def __init__(self, row: int, fault: str) -> None:
        self.line = Line(row, fault)

    def compared(self, site: Site, *manifests: Path) -> Comparison:
        """Compare the sets, note the figures, and require that nothing is wrong."""
        found = compare(site, *manifests)
        self.line.records, self.line.lost, self.line.doubled = found.raw, found.lost, found.doubled
        self.line.repeats, self.line.overtaken = found.repeats, found.overtaken
        assert not found.wrong, found
        return found

    def proved(self, site: Site, *manifests: Path) -> Comparison:
        """The same, and verify must say so, too."""
        found = self.compared(site, *manifests)
        for manifest in manifests:
            proof = site.verify("--manifest", str(manifest), "--caught-up")
            assert proof.returncode == 0, proof.stdout + proof.stderr
            assert "PROVEN" in proof.stdout
        return found

    def proved_undisturbed(self, site: Site, *manifests: Path) -> None:
        """Where no server failed and nobody was killed, nothing is published twice, or after what came later."""
        found = self.proved(site, *manifests)
        assert (found.repeats, found.overtaken) == (0, 0)

    @contextmanager
    def recovery(self) -> Iterator[None]:
        """Healing or restarting until caught up; the slowest counts."""
        began = time.monotonic()
        yield
        self.line.recovery_seconds = max(self.line.recovery_seconds or 0.0, round(time.monotonic() - began, 1))

    def note(self, text: str) -> None:
        """Something worth knowing, for the last column."""
        self.line.note = text


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(number, fault): the test's line of the results table")


@pytest.fixture
def result(request: pytest.FixtureRequest) -> Result:
    number, fault = request.node.get_closest_marker("row").args
    made = Result(number, fault)
    request.node.stash[_RESULT] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    folder, row = os.environ.get("FAULT_RESULTS"), item.get_closest_marker("row")
    if folder and row and (report.when == "call" or (report.when == "setup" and not report.passed)):
        line = item.stash[_RESULT].line if _RESULT in item.stash else Line(*row.args)
        line.result = {"passed": "passed", "skipped": "not run"}.get(report.outcome, "failed")
        if report.skipped and isinstance(report.longrepr, tuple):
            line.reason = report.longrepr[2].removeprefix("Skipped: ")
        store(Path(folder), line)
    return report


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """ZooKeeper, one Kafka broker and an S3 server (MinIO where there is one) that tests may kill and pause."""
    servers = Stack(
        tmp_path_factory.mktemp("stack"),
        ports=dict(zip(ALL_SERVERS, free_ports(3), strict=True)),
        s3_server="minio" if find_minio() else "s3proxy",
    )
    servers.up()
    try:
        yield servers
    finally:
        servers.clean()


@pytest.fixture(scope="module")
def loaded(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """A pipeline whose job runs through all tests of the file."""
    yield from running(stack.environment(), tmp_path_factory.mktemp("load"))


@pytest.fixture
def load(loaded: Load, stack: Stack) -> Load:
    """The same, on servers that are up, whatever the test before did to them."""
    for name in ALL_SERVERS:
        stack.resume(name)
    stack.up()
    return loaded


@pytest.fixture
def site(stack: Stack, tmp_path: Path) -> Iterator[Site]:
    """A pipeline on servers that are up, whatever the test before did to them."""
    for name in ALL_SERVERS:
        stack.resume(name)
    stack.up()
    made = Site.create(stack.environment(), f"f-{uuid.uuid4().hex[:6]}", tmp_path)
    try:
        yield made
    finally:
        made.kill_all()
