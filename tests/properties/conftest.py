"""How much is drawn, and the pipeline planned once for all batches.

Profiles: `quick`, the default, always draws the same few thousand inputs; `long` new ones each time:
pytest tests/properties --hypothesis-profile=long
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from local_spark import local_spark
from pyspark.sql import SparkSession

sys.path.append(str(Path(__file__).parents[1] / "transforms"))  # for its builders of valid events

settings.register_profile("quick", max_examples=150, derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=6000, database=None, deadline=None)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def draws() -> int:
    """The unit of how many inputs are drawn: the profile's examples."""
    return int(settings().max_examples)


@pytest.fixture(scope="session")
def luck() -> int:
    """What the random inputs follow from: a constant where the profile is to be the same each time."""
    return 0 if settings().derandomize else int(time.time())


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session in UTC, without a user interface."""
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1")
    session = local_spark().getOrCreate()
    yield session
    session.stop()
