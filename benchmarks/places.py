"""Folders of the benchmarks."""

from __future__ import annotations

from infra.places import PROJECT_ROOT

# Corpora, servers, the state of an unfinished run: may be deleted at any time. Git ignores it.
DATA = PROJECT_ROOT / "benchmarks" / ".data"
RESULTS = PROJECT_ROOT / "benchmarks" / "results"
CATALOG = PROJECT_ROOT / "pipelines" / "reference" / "catalog.jsonl"
