"""A peer into an environment of its own: ``python -m benchmarks.peers.install flink|pathway|quix``.

Reads    requirements-*.txt (exact versions), flink/jars.sha256, flink/*.java
Writes   benchmarks/.peers/<peer>, which Git ignores; jars are kept in the cache that all checkouts share
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import click

from benchmarks.peers.environments import folder, stamp
from infra.jars import locked, read_checksums
from infra.java import find_java
from infra.places import cache_folder
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, RunFailed, run

HERE = Path(__file__).parent
CENTRAL = "https://repo1.maven.org/maven2"
COMPILER = "org.eclipse.jdt:ecj:3.33.0"  # one jar, and a Java without a compiler runs it
S3 = "org.apache.flink:flink-s3-fs-hadoop:2.3.0"
LIBRARIES = (
    "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "org.apache.flink:flink-sql-parquet:2.3.0",
    # What flink-sql-parquet leaves to its host.
    "org.apache.hadoop:hadoop-client-api:3.3.6",
    "org.apache.hadoop:hadoop-client-runtime:3.3.6",
    "commons-logging:commons-logging:1.2",
    "com.github.luben:zstd-jni:1.5.6-10",
)


def install(peer: str) -> None:
    """Make the environment anew, unless it is complete and of these versions."""
    wanted = fingerprint(peer)
    done = stamp(peer)
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        click.echo(f"{peer} is installed.")
        return
    home = folder(peer)
    click.echo(f"Installing {peer} into {home} (minutes, once) …", err=True)
    shutil.rmtree(home, ignore_errors=True)
    requirements = HERE / f"requirements-{peer}.txt"
    called([sys.executable, "-m", "venv", str(home)], peer)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    called([*pip, "--requirement", str(requirements)], peer)
    if peer == "flink":
        complete_flink(next(home.glob("lib/python3*/site-packages/pyflink")))
    done.write_text(wanted, encoding="utf-8")
    click.echo(f"{peer} is installed.")


def fingerprint(peer: str) -> str:
    """Of all that decides what is installed."""
    files = [HERE / f"requirements-{peer}.txt"]
    if peer == "flink":
        files += [Path(__file__), *sorted((HERE / "flink").glob("*.java")), HERE / "flink" / "jars.sha256"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def complete_flink(home: Path) -> None:
    """Put connectors, the S3 plugin and the compiled functions where Flink looks for them."""
    for coordinate in LIBRARIES:
        shutil.copy(jar(coordinate), home / "lib")
    plugin = home / "plugins" / "s3-fs-hadoop"
    plugin.mkdir(parents=True)
    shutil.copy(jar(S3), plugin)
    with tempfile.TemporaryDirectory() as classes:
        sources = [str(file) for file in sorted((HERE / "flink").glob("*.java"))]
        class_path = ":".join(str(file) for file in (home / "lib").glob("flink-*.jar"))
        flags = ["-17", "-nowarn", "-cp", class_path, "-d", classes]
        called([find_java(), "-jar", str(jar(COMPILER)), *flags, *sources], "flink")
        with zipfile.ZipFile(home / "lib" / "peer-functions.jar", "w") as archive:
            for file in sorted(Path(classes).glob("*.class")):
                archive.write(file, file.name)


def jar(coordinate: str) -> Path:
    """A jar of Maven Central, with the checksum that was committed."""
    group, artifact, version = coordinate.split(":")
    name = f"{artifact}-{version}.jar"
    expected = read_checksums(HERE / "flink" / "jars.sha256").get(name)
    if expected is None:
        raise ConfigurationError(f"{name} is not in benchmarks/peers/flink/jars.sha256: add its checksum.")
    place = cache_folder() / "jars" / "peers" / name
    if place.is_file() and digest(place) == expected:
        return place
    address = f"{CENTRAL}/{group.replace('.', '/')}/{artifact}/{version}/{name}"
    with locked(place.parent, "peers"):
        fresh = place.with_suffix(".new")
        try:
            with urllib.request.urlopen(address, timeout=60) as answer, fresh.open("wb") as file:  # noqa: S310
                shutil.copyfileobj(answer, file)
        except (urllib.error.URLError, TimeoutError) as error:
            raise RunFailed(f"{name} cannot be fetched from {CENTRAL} ({error}).") from error
        if digest(fresh) != expected:
            fresh.unlink()
            raise RunFailed(f"{name} from {CENTRAL} has not the checksum in benchmarks/peers/flink/jars.sha256.")
        fresh.replace(place)
    return place


def digest(file: Path) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def called(command: list[str], peer: str) -> None:
    """Run a command; what it said last becomes the error."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        lines = [line.strip() for line in (ended.stderr + ended.stdout).splitlines() if line.strip()]
        told = next((line for line in lines if re.match(r"(?i)error", line)), lines[-1] if lines else "it said nothing")
        raise RunFailed(f"{peer} cannot be installed: {Path(command[0]).name}: {told}")


@click.command(context_settings=CONTEXT_SETTINGS)
@click.argument("peers", nargs=-1, required=True, type=click.Choice(["flink", "pathway", "quix"]))
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(peers: tuple[str, ...], debug: bool) -> None:
    """Install peers of the benchmark, each into an environment of its own below benchmarks/.peers."""
    for peer in peers:
        install(peer)


if __name__ == "__main__":
    sys.exit(run(main))
