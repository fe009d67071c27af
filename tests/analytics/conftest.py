"""One small shop for all these tests: events with faults, drained by the real job from a real broker to S3."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from analytics_runs import PYTHON, Analytics
from jobs import Site

from infra.local import Stack
from infra.local.ports import free_ports

COUNT = 3000
FAULTS = ("malformed", "missing-field", "wrong-type", "bad-timestamp", "duplicate", "late")


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """dbt and what the tests add to it."""
    if not (PYTHON.parent.parent / ".installed-test").exists():
        pytest.skip("dbt is missing: run `make test-analytics`")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An S3 server: MinIO where it is found, else S3Proxy."""
    stack = Stack(tmp_path_factory.mktemp("store"), ports={"s3": free_ports(1)[0]}, servers=("s3",))
    stack.up()
    yield stack
    stack.clean()


@pytest.fixture(scope="session")
def shop(kafka_stack: Stack, store: Stack, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A lake with three thousand events, some of them faulty; their manifest is in the folder."""
    environment = {**kafka_stack.environment(), **store.environment()}
    site = Site.create(environment, f"analytics-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("shop"))
    rates = [f"--{fault}-rate=0.02" for fault in FAULTS]
    times = ("--start-time=50m", "--end-time=now")
    site.generate(f"--count={COUNT}", "--seed=11", *times, f"--manifest={site.folder / 'manifest.jsonl'}", *rates)
    site.drain()
    return site


@pytest.fixture(scope="session")
def models(shop: Site) -> Analytics:
    """The shop's models, built once. Tests that write have a lake of their own, or put all in one test."""
    analytics = Analytics(shop.environment, shop.folder)
    analytics.build()
    return analytics


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need dbt."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.analytics)


def pytest_configure() -> None:
    # dbt must not meet the settings of whoever runs the tests.
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        del os.environ[name]
