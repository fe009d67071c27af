"""Trino's archive: verified before it is unpacked, and only what is needed is kept."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from infra import trino
from infra.jars import sha256_of
from pipelines.cli import ConfigurationError

NAME = f"trino-server-{trino.VERSION}"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small archive of the real one's shape, which Maven Central would give; its checksum is known."""
    content = tmp_path / NAME
    for path in ("lib/a.jar", "plugin/delta-lake/b.jar", "plugin/mysql/c.jar"):
        (content / path).parent.mkdir(parents=True)
        (content / path).write_text(path)
    (content / "plugin" / "delta-lake" / "shared.jar").hardlink_to(content / "plugin" / "mysql" / "c.jar")
    (tmp_path / "jars").mkdir()
    archive = tmp_path / "jars" / f"{NAME}.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(content, NAME)
    checksums = tmp_path / "trino.sha256"
    checksums.write_text(f"{sha256_of(archive)}  {archive.name}\n")
    monkeypatch.setattr(trino, "_CHECKSUMS", checksums)
    monkeypatch.setattr(trino.ivy, "retrieve", lambda *arguments: archive.parent)
    monkeypatch.setenv("ECOMMERCE_CACHE", str(tmp_path / "cache"))
    return archive


def test_only_the_plugin_that_reads_delta_is_kept_whole(archive: Path) -> None:
    folder = trino.fetch()
    files = {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.jar")}
    assert files == {
        "lib/a.jar": "lib/a.jar",
        "plugin/delta-lake/b.jar": "plugin/delta-lake/b.jar",
        "plugin/delta-lake/shared.jar": "plugin/mysql/c.jar",
    }


def test_it_is_fetched_once(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trino.fetch()
    monkeypatch.setattr(trino.ivy, "retrieve", lambda *arguments: pytest.fail("fetched again"))
    assert trino.fetch() == folder


def test_an_archive_with_another_checksum_is_not_unpacked(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(ConfigurationError, match=f"{NAME}.tar.gz differs from infra/trino.sha256"):
        trino.fetch()
    assert not list(archive.parents[1].glob("cache/trino/4*"))
