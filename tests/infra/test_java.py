"""Java: found and new enough, or one line with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.java import find_java
from pipelines.cli import ConfigurationError


def java_that_says(folder: Path, text: str, code: int = 0) -> Path:
    """A `java` in folder/bin that prints `text` for -version."""
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_java_home_comes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = java_that_says(tmp_path, 'openjdk version "21.0.3" 2024-04-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == str(java)


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [
        ('java version "1.8.0_402"', 0, r"is Java 8: install Java 17 or newer"),
        ('openjdk version "11.0.2" 2019-01-15', 0, r"is Java 11: install Java 17 or newer"),
        ("Unable to locate a Java Runtime.", 1, r"does not run: install Java 17 or newer"),
    ],
)
def test_an_unfit_java_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, code: int, message: str
) -> None:
    java_that_says(tmp_path, says, code)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match=message):
        find_java()


def test_no_java_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="No `java` on PATH: install Java 17 or newer"):
        find_java()


def test_a_program_that_needs_a_newer_java_has_a_setting_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java_that_says(tmp_path / "old", 'openjdk version "17.0.15" 2025-04-15')
    newer = java_that_says(tmp_path / "newer", 'openjdk version "25" 2025-09-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.delenv("TRINO_JAVA_HOME", raising=False)
    with pytest.raises(ConfigurationError, match=r"is Java 17: install Java 24 or newer .* or set TRINO_JAVA_HOME"):
        find_java(24, "TRINO_JAVA_HOME")
    monkeypatch.setenv("TRINO_JAVA_HOME", str(tmp_path / "newer"))
    assert find_java(24, "TRINO_JAVA_HOME") == str(newer)
