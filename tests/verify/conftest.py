"""A world in which nothing was lost, for a test to damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from verified_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
