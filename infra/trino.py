"""Trino, which reads Delta tables as Athena does: fetched for ``make test-trino``, verified, unpacked once.

Reads  Maven Central (783 MB), infra/trino.sha256
Writes the cache folder (ECOMMERCE_CACHE): 400 MB
"""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import click

from infra import ivy
from infra.jars import locked, read_checksums, sha256_of
from infra.java import find_java
from infra.places import INFRA, cache_folder
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, run

VERSION = "476"  # the newest line of which Maven Central has the server
_ARCHIVE = f"trino-server-{VERSION}"
_CHECKSUMS = INFRA / "trino.sha256"
_PLUGINS = {"delta-lake"}


def trino_java() -> str:
    """The Java that Trino asks for: TRINO_JAVA_HOME's, else the one that everything runs on, if it is new enough."""
    return find_java(24, "TRINO_JAVA_HOME")


def fetch() -> Path:
    """The folder with Trino's `lib` and `plugin`, from the cache or the network."""
    folder = cache_folder() / "trino" / VERSION
    if not folder.is_dir():
        with locked(folder.parent, "trino"):
            if not folder.is_dir():  # another checkout may have fetched it while we waited
                _populate(folder)
    return folder


def _populate(folder: Path) -> None:
    """Fetch, verify and unpack beside `folder`, then rename: a folder with that name is complete."""
    click.echo(f"Fetching Trino {VERSION} (783 MB, once; kept in {folder.parent}) …", err=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".trino-") as staging:
        coordinate = f"io.trino:trino-server:{VERSION}:tar.gz"
        archive = ivy.retrieve("trino", (coordinate,), (), Path(staging)) / f"{_ARCHIVE}.tar.gz"
        if read_checksums(_CHECKSUMS).get(archive.name) != sha256_of(archive):
            raise ConfigurationError(f"{archive.name} differs from infra/trino.sha256: run the command again.")
        click.echo("Unpacking it …", err=True)
        with tarfile.open(archive) as packed:
            packed.extractall(staging)  # noqa: S202 - its checksum is right
        unpacked = Path(staging) / _ARCHIVE
        # Only now: plugins share files by hard links, and the archive has each file once.
        for plugin in (unpacked / "plugin").iterdir():
            if plugin.name not in _PLUGINS:
                shutil.rmtree(plugin)
        unpacked.rename(folder)


@click.command(context_settings=CONTEXT_SETTINGS)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Fetch Trino, unless it is there, and see to it that there is a Java for it (TRINO_JAVA_HOME)."""
    java = trino_java()
    click.echo(f"Trino {VERSION}: {fetch()}; Java: {java}")


if __name__ == "__main__":
    sys.exit(run(main))
