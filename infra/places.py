"""Folders: the project, its virtual environment, and the cache that all checkouts share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipelines.cli import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
INFRA = PROJECT_ROOT / "infra"


def cache_folder() -> Path:
    """``$ECOMMERCE_CACHE``, else ``ecommerce-streaming`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    chosen = os.environ.get("ECOMMERCE_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").expanduser().resolve() / "ecommerce-streaming"


def environment_conf() -> Path:
    """The virtual environment's ``conf`` folder: what SPARK_CONF_DIR names after ``make install``."""
    if sys.prefix == sys.base_prefix:
        raise ConfigurationError("This Python is not a virtual environment: run `make install`, or pass --conf-dir.")
    return Path(sys.prefix) / "conf"
