"""Folders: the project, its virtual environment, pyspark's jars, and the cache that all checkouts share."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from pipelines.cli import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
INFRA = PROJECT_ROOT / "infra"


def shown(path: Path) -> str:
    """The path as people are told it: within the project from its root."""
    return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)


def cache_folder() -> Path:
    """``$ECOMMERCE_CACHE``, else ``ecommerce-streaming`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    chosen = os.environ.get("ECOMMERCE_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").expanduser().resolve() / "ecommerce-streaming"


def pyspark_jars() -> Path:
    """The folder with the jars that pyspark ships: Spark, and Ivy."""
    spec = importlib.util.find_spec("pyspark")
    folder = Path(spec.origin).parent / "jars" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise ConfigurationError("pyspark's jars are missing: run `make install`.")
    return folder


def environment_conf() -> Path:
    """The virtual environment's ``conf`` folder: what SPARK_CONF_DIR names after ``make install``."""
    if sys.prefix == sys.base_prefix:
        raise ConfigurationError("This Python is not a virtual environment: run `make install`, or pass --conf-dir.")
    return Path(sys.prefix) / "conf"
