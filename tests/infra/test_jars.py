"""Jars: fetched once, verified always."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import ivy, jars
from pipelines.cli import ConfigurationError, RunFailed


@pytest.fixture
def jar_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> jars.JarSet:
    """A set of one jar whose checksum is right, in an empty cache."""
    monkeypatch.setenv("ECOMMERCE_CACHE", str(tmp_path / "cache"))
    checksums = tmp_path / "one.sha256"
    checksums.write_text(f"{'9' * 64}  other.jar\n")
    one = jars.JarSet("one", ("g:a:1",), (), checksums)
    with_content(one, {"a-1.jar": b"content"})
    return one


def with_content(jar_set: jars.JarSet, files: dict[str, bytes]) -> None:
    """Make the set's checksum file that of `files`."""
    folder = jar_set.checksums.parent / "expected"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    lines = [f"{digest}  {name}\n" for name, digest in jars.checksums(folder).items()]
    jar_set.checksums.write_text("".join(lines))


def resolving_to(files: dict[str, bytes], calls: list[str]):
    """A stand-in for Ivy that takes a moment and "downloads" `files`."""

    def retrieve(name, coordinates, excludes, folder: Path) -> Path:
        calls.append(name)
        time.sleep(0.2)
        (folder / "jars").mkdir()
        for file_name, content in files.items():
            (folder / "jars" / file_name).write_bytes(content)
        return folder / "jars"

    return retrieve


def test_a_set_is_fetched_once(jar_set: jars.JarSet, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(ivy, "retrieve", resolving_to({"a-1.jar": b"content"}, calls))

    assert jars.fetch(jar_set) == jars.fetch(jar_set)
    assert calls == ["one"]


def test_two_processes_at_once_fetch_a_set_once(jar_set: jars.JarSet, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(ivy, "retrieve", resolving_to({"a-1.jar": b"content"}, calls))

    # flock locks open files, not processes: threads that each open the file exclude each other too.
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(jars.fetch, [jar_set, jar_set])

    assert first == second
    assert calls == ["one"]


def test_a_download_with_another_checksum_is_refused_and_not_kept(
    jar_set: jars.JarSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ivy, "retrieve", resolving_to({"a-1.jar": b"tampered"}, []))

    with pytest.raises(ConfigurationError, match=r"a-1\.jar differs from .*one\.sha256: .*") as problem:
        jars.fetch(jar_set)

    assert "\n" not in problem.value.message
    assert [path.name for path in (jars.cache_folder() / "jars").iterdir()] == [".one.lock"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "a-1.jar").write_bytes(b"x"), r"a-1\.jar differs"),
        (lambda folder: (folder / "a-1.jar").unlink(), r"a-1\.jar is missing"),
        (lambda folder: (folder / "b.jar").write_bytes(b"x"), r"b\.jar is not listed"),
    ],
)
def test_a_cache_that_changed_later_is_noticed(
    jar_set: jars.JarSet, monkeypatch: pytest.MonkeyPatch, change, message: str
) -> None:
    monkeypatch.setattr(ivy, "retrieve", resolving_to({"a-1.jar": b"content"}, []))
    folder = jars.fetch(jar_set)[0].parent

    change(folder)

    with pytest.raises(ConfigurationError, match=f"{message}.*delete {folder}"):
        jars.fetch(jar_set)


def test_the_cache_key_changes_with_a_version_and_with_an_exclude() -> None:
    path = Path("x.sha256")
    keys = {
        jars.JarSet("one", ("g:a:1",), (), path).key,
        jars.JarSet("one", ("g:a:2",), (), path).key,
        jars.JarSet("one", ("g:a:1",), ("g:b",), path).key,
    }
    assert len(keys) == 3


def test_every_committed_set_has_checksums_of_the_coordinates_it_names() -> None:
    for jar_set in (jars.spark_jars(), jars.KAFKA, jars.S3PROXY, jars.ECJ):
        listed = jars.read_checksums(jar_set.checksums)
        for coordinate in jar_set.coordinates:
            _, artifact, version = coordinate.split(":")
            assert f"{artifact}-{version}.jar" in listed


def test_ivy_is_told_dependencies_and_excludes() -> None:
    text = ivy.ivy_xml(["g:a:1"], ["h:b"])

    assert '<dependency org="g" name="a" rev="1" conf="default->default"/>' in text
    assert '<exclude org="h" module="b"/>' in text


def test_ivy_is_told_of_a_file_without_what_it_depends_on() -> None:
    text = ivy.ivy_xml(["g:a:1:tar.gz"], [])

    assert 'rev="1" conf="default->master" transitive="false"><artifact name="a" type="tar.gz" ext="tar.gz"/>' in text


def test_a_malformed_coordinate_is_one_line() -> None:
    with pytest.raises(ConfigurationError, match=r"`g:a` is not group:artifact:version"):
        ivy.ivy_xml(["g:a"], [])


def test_a_failed_resolution_names_the_reason_the_remedy_and_the_log(
    jar_set: jars.JarSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(
        "<ivysettings><settings defaultResolver='none'/><resolvers>"
        f"<filesystem name='none'><artifact pattern='{tmp_path}/[artifact].[ext]'/></filesystem>"
        "</resolvers></ivysettings>"
    )
    monkeypatch.setenv("IVY_SETTINGS", str(settings))

    with pytest.raises(RunFailed, match=r"g#a;1: not found.*IVY_SETTINGS.*Log: (.*)") as problem:
        jars.fetch(jar_set)

    assert os.path.isfile(problem.value.message.rpartition("Log: ")[2])


def test_ivy_settings_that_do_not_exist_are_one_line(jar_set: jars.JarSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVY_SETTINGS", "/nowhere/ivysettings.xml")
    with pytest.raises(ConfigurationError, match=r"IVY_SETTINGS=/nowhere/ivysettings\.xml is not a file"):
        jars.fetch(jar_set)
