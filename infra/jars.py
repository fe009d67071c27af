"""Jars: resolved once, verified against committed checksums, shared by all checkouts; ours is compiled once.

Reads  conf/spark-defaults.conf (Spark's coordinates and excludes), the \\*.sha256 files, pipelines/jvm
Writes the cache folder (ECOMMERCE_CACHE), the virtual environment's conf folder
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from infra import ecj, ivy, spark_conf
from infra.places import INFRA, PROJECT_ROOT, cache_folder, environment_conf, shown
from pipelines import judge_sources
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, run


@dataclass(frozen=True)
class JarSet:
    """Jars that share one class path, and the file with their checksums."""

    name: str
    coordinates: tuple[str, ...]
    excludes: tuple[str, ...]
    checksums: Path

    @property
    def key(self) -> str:
        """Names the set's folder in the cache: another version or exclude is another folder."""
        return _key(self.name, *self.coordinates, "-", *self.excludes)


KAFKA = JarSet(
    "kafka",
    # The last line that has ZooKeeper; without a log4j backend neither server would write a log.
    ("org.apache.kafka:kafka_2.13:3.9.2", "org.slf4j:slf4j-reload4j:1.7.36"),
    (),
    INFRA / "local" / "kafka.sha256",
)
S3PROXY = JarSet("s3proxy", ("org.gaul:s3proxy:2.7.0",), (), INFRA / "local" / "s3proxy.sha256")
# The compiler of pipelines/jvm. It must itself run on Java 17.
ECJ = JarSet("ecj", ("org.eclipse.jdt:ecj:3.40.0",), (), INFRA / "ecj.sha256")
JUDGE_JAR = "ecommerce-judge.jar"


def spark_jars() -> JarSet:
    """Spark's packages, as conf/spark-defaults.conf names them."""
    packages, excludes = spark_conf.packages(PROJECT_ROOT / "conf" / "spark-defaults.conf")
    return JarSet("spark", packages, excludes, INFRA / "spark.sha256")


def fetch(jars: JarSet) -> list[Path]:
    """The set's jars, from the cache or the network, each with the checksum that was committed."""
    folder = cache_folder() / "jars" / jars.key
    if not folder.is_dir():
        with locked(folder.parent, jars.name):
            if not folder.is_dir():  # another checkout may have fetched it while we waited
                _populate(jars, folder)
    verify(jars, folder)
    return sorted(folder.glob("*.jar"))


def judge_jar(sources: Path = judge_sources.FOLDER) -> Path:
    """The jar with what judges a record, from the cache or compiled from `sources` for the installed Spark."""
    version = judge_sources.digest(sources)
    key = _key("judge", version, importlib.metadata.version("pyspark"), *ECJ.coordinates, *ecj.FLAGS)
    folder = cache_folder() / "jars" / key
    if not folder.is_dir():
        with locked(folder.parent, "judge"):
            if not folder.is_dir():  # another checkout may have compiled it while we waited
                _compile_judge(sources, version, folder)
    return folder / JUDGE_JAR


def _compile_judge(sources: Path, version: str, folder: Path) -> None:
    """Compile beside `folder` and rename: a folder with that name is always complete."""
    (compiler,) = fetch(ECJ)
    click.echo(f"Compiling the judge (once; kept in {folder.parent}) …", err=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".judge-") as staging:
        compiled = Path(staging) / "jars"
        compiled.mkdir()
        ecj.compile_jar(compiler, sources, version, compiled / JUDGE_JAR, folder.parent / "judge-ecj.log")
        compiled.rename(folder)


def verify(jars: JarSet, folder: Path) -> None:
    """Compare all files of `folder` with the checksums (0.2 s for 50 MB, so it is done each time)."""
    expected = read_checksums(jars.checksums)
    found = checksums(folder)
    if expected == found:
        return
    name = min(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if name not in found:
        problem = "is missing"
    elif name not in expected:
        problem = f"is not listed in {shown(jars.checksums)}"
    else:
        problem = f"differs from {shown(jars.checksums)}"
    raise ConfigurationError(
        f"{name} {problem}: delete {folder} and run the command again"
        " (after a change of versions: `python -m infra.jars lock`)."
    )


def checksums(folder: Path) -> dict[str, str]:
    """File name → sha256 of the jars in `folder`."""
    return {jar.name: sha256_of(jar) for jar in sorted(folder.glob("*.jar"))}


def sha256_of(file: Path) -> str:
    """The sha256 of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def read_checksums(path: Path) -> dict[str, str]:
    """File name → sha256, from a file as `sha256sum` writes it; empty where there is none."""
    if not path.is_file():
        return {}
    rows = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {row[1]: row[0] for row in rows if len(row) == 2}


def _populate(jars: JarSet, folder: Path, lock: bool = False) -> None:
    """Resolve beside `folder` and rename: a folder with that name is always complete and verified."""
    click.echo(f"Fetching the {jars.name} jars (once; kept in {folder.parent}) …", err=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{jars.name}-") as staging:
        resolved = ivy.retrieve(jars.name, jars.coordinates, jars.excludes, Path(staging))
        if lock:
            lines = [f"{digest}  {name}\n" for name, digest in checksums(resolved).items()]
            jars.checksums.write_text("".join(lines), encoding="utf-8")
        verify(jars, resolved)
        if folder.exists():
            shutil.rmtree(folder)
        resolved.rename(folder)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """One process at a time resolves a set, or compiles. The lock goes away with its process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            click.echo(f"Another process sees to the {name} jars: waiting …", err=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _key(name: str, *content: str) -> str:
    """A folder's name that another content changes."""
    return f"{name}-{hashlib.sha256(chr(10).join(content).encode()).hexdigest()[:12]}"


@click.group(context_settings=CONTEXT_SETTINGS)
def main() -> None:
    """Fetch and verify the jars of Spark and of the local servers; compile our own."""


@main.command()
@click.option("--conf-dir", type=click.Path(path_type=Path), help="Where to write  [default: the venv's conf folder]")
@click.option("--on-every-node", is_flag=True, help="For an image: each node has the jars at the same path.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def install(conf_dir: Path | None, on_every_node: bool, debug: bool) -> None:
    """Fetch Spark's jars, compile the judge, and write a Spark configuration folder that names them."""
    conf_dir = conf_dir or environment_conf()
    jars = fetch(spark_jars())
    spark_conf.write(PROJECT_ROOT / "conf", conf_dir, [*jars, judge_jar()], on_every_node=on_every_node)
    click.echo(f"{len(jars)} jars verified; SPARK_CONF_DIR={conf_dir}")


@main.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def judge(debug: bool) -> None:
    """Print the path of the compiled judge: what `spark-submit --jars` needs where conf/ is used as it is."""
    click.echo(str(judge_jar()))


@main.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def servers(debug: bool) -> None:
    """Fetch the local servers' jars now, so that `make up` needs no network."""
    for jars in (KAFKA, S3PROXY):
        click.echo(f"{len(fetch(jars))} {jars.name} jars verified")


@main.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def lock(debug: bool) -> None:
    """For maintainers: resolve all sets anew and rewrite their checksum files."""
    for jars in (spark_jars(), KAFKA, S3PROXY, ECJ):
        folder = cache_folder() / "jars" / jars.key
        with locked(folder.parent, jars.name):
            _populate(jars, folder, lock=True)
        click.echo(f"{shown(jars.checksums)}: {len(read_checksums(jars.checksums))} jars")


if __name__ == "__main__":
    sys.exit(run(main))
