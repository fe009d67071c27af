"""The jar of the judge: compiled once, anew after a change, the same bytes each time, an error in one line."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import ecj, jars
from pipelines import judge_sources
from pipelines.cli import ConfigurationError, RunFailed

SOURCE = """\
package shop;

/** Needs Spark's jars. */
public class Answer {
  public static Object answer() {
    return org.apache.spark.sql.types.DataTypes.IntegerType;
  }
}
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one source, and an empty cache; the compiler is the one that is fetched already."""
    fetched = jars.fetch(jars.ECJ)
    monkeypatch.setattr(jars, "fetch", lambda jar_set: fetched)
    monkeypatch.setenv("ECOMMERCE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "jvm"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "Answer.java").write_text(SOURCE)
    return folder


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that were compiled, in order."""
    versions: list[str] = []
    compile_jar = ecj.compile_jar

    def counting(compiler: Path, sources: Path, version: str, jar: Path, log: Path) -> None:
        versions.append(version)
        compile_jar(compiler, sources, version, jar, log)

    monkeypatch.setattr(ecj, "compile_jar", counting)
    return versions


def kept() -> list[str]:
    return sorted(path.name for path in (jars.cache_folder() / "jars").iterdir() if not path.name.endswith(".lock"))


def test_it_is_compiled_once_and_says_so(sources: Path, compilations: list[str], capsys) -> None:
    assert jars.judge_jar(sources) == jars.judge_jar(sources)
    assert len(compilations) == 1
    assert capsys.readouterr().err == f"Compiling the judge (once; kept in {jars.cache_folder() / 'jars'}) …\n"


def test_two_processes_at_once_compile_it_once(sources: Path, compilations: list[str]) -> None:
    # flock locks open files, not processes: threads that each open the file exclude each other too.
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(jars.judge_jar, [sources, sources])

    assert first == second
    assert len(compilations) == 1


def test_the_jar_is_all_that_is_kept_and_names_the_version_of_its_sources(sources: Path) -> None:
    jar = jars.judge_jar(sources)
    assert kept() == [jar.parent.name]
    assert [file.name for file in jar.parent.iterdir()] == ["ecommerce-judge.jar"]
    with zipfile.ZipFile(jar) as archive:
        assert archive.namelist() == ["META-INF/MANIFEST.MF", "shop/Answer.class"]
        manifest = archive.read("META-INF/MANIFEST.MF").decode()
    assert f"Implementation-Version: {judge_sources.digest(sources)}\r\n" in manifest


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "Answer.java").write_text(SOURCE.replace("IntegerType", "LongType")),
        lambda folder: (folder / "Another.java").write_text("package shop;\nclass Another {}\n"),
        lambda folder: (folder / "Answer.java").rename(folder.parent / "Answer.java"),
    ],
    ids=["content", "a new file", "a file moved"],
)
def test_it_is_compiled_again_after_a_change(sources: Path, compilations: list[str], change) -> None:
    before = jars.judge_jar(sources)
    change(sources / "shop")
    assert jars.judge_jar(sources) != before
    assert len(set(compilations)) == 2


def test_another_spark_or_compiler_is_another_jar(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = jars.judge_jar(sources)
    with monkeypatch.context() as patch:
        patch.setattr(jars, "ECJ", jars.JarSet("ecj", ("org.eclipse.jdt:ecj:0",), (), Path("x.sha256")))
        assert jars.judge_jar(sources) != before
    monkeypatch.setattr(jars.importlib.metadata, "version", lambda name: "0")
    assert jars.judge_jar(sources) != before


def test_two_builds_are_the_same_byte_for_byte(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = jars.judge_jar(sources)
    moved = sources.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("ECOMMERCE_CACHE", str(tmp_path / "another cache"))
    second = jars.judge_jar(moved)
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_an_error_is_one_line_with_file_line_and_log(sources: Path) -> None:
    source = sources / "shop" / "Answer.java"
    source.write_text(SOURCE.replace("Object", "Objekt").replace("IntegerType", "NoType"))

    with pytest.raises(RunFailed) as problem:
        jars.judge_jar(sources)

    message, _, log = problem.value.message.partition(". Log: ")
    assert message == f"{source}:5: Objekt cannot be resolved to a type (the first of 2 errors)"
    assert "NoType cannot be resolved" in Path(log).read_text()
    assert kept() == ["judge-ecj.log"]


def test_a_warning_is_no_error(sources: Path, capfd) -> None:
    (sources / "shop" / "Answer.java").write_text("package shop;\nimport java.util.List;\nclass A { List list; }\n")
    jars.judge_jar(sources)
    assert len("".join(capfd.readouterr()).splitlines()) == 1


def test_no_sources_are_one_line(sources: Path) -> None:
    (sources / "shop" / "Answer.java").unlink()
    with pytest.raises(ConfigurationError, match="has no Java sources: is the checkout complete"):
        jars.judge_jar(sources)


def test_a_compiler_that_dies_is_one_line_too() -> None:
    assert (
        ecj.first_error("Exception in thread main\n at a.B.c(B.java:5)\n") == "The Java sources could not be compiled"
    )
