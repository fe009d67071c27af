"""What the tests of the lease share."""

from __future__ import annotations

import subprocess
import sys

import pytest
from leases import Place


@pytest.fixture(params=["local", "s3", "s3 without conditions"])
def place(request, tmp_path):
    """A lake on each kind of store, on a clock that stands still."""
    place = Place.of(request.param, tmp_path)
    yield place
    for lease in place.leases:
        lease.release()


@pytest.fixture
def dead_pid():
    """The id of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid
