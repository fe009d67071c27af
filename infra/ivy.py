"""Maven jars through the Ivy that pyspark ships: no Maven, no Spark start, nothing more to install."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import quoteattr

import click

from infra.java import find_java
from infra.places import pyspark_jars
from pipelines.cli import ConfigurationError, RunFailed

_TIME_OUTS = ("-Dsun.net.client.defaultConnectTimeout=15000", "-Dsun.net.client.defaultReadTimeout=60000")
_REPORT_SECONDS = 5
_PROBLEM = re.compile(r"^\s*(Server access error.*|::\s+\S+#\S+;\S+: .*|\[FAILED\s*\].*)$", re.MULTILINE)


def ivy_xml(coordinates: Sequence[str], excludes: Sequence[str]) -> str:
    """An Ivy module that depends on `coordinates` (group:artifact:version) without `excludes`.

    group:artifact:version:extension is that one file, such as a tar.gz, without what it depends on.
    """
    lines = [
        '<ivy-module version="2.0"><info organisation="ecommerce-streaming" module="jars"/>',
        '<configurations><conf name="default"/></configurations><dependencies>',
    ]
    for coordinate in coordinates:
        group, artifact, version, *file = _parts(coordinate, 4 if coordinate.count(":") == 3 else 3)
        named = f"<dependency org={quoteattr(group)} name={quoteattr(artifact)} rev={quoteattr(version)}"
        if file:
            kind = f"name={quoteattr(artifact)} type={quoteattr(file[0])} ext={quoteattr(file[0])}"
            lines.append(f'{named} conf="default->master" transitive="false"><artifact {kind}/></dependency>')
        else:
            lines.append(f'{named} conf="default->default"/>')
    for exclude in excludes:
        group, artifact = _parts(exclude, 2)
        lines.append(f"<exclude org={quoteattr(group)} module={quoteattr(artifact)}/>")
    return "\n".join([*lines, "</dependencies></ivy-module>", ""])


def retrieve(name: str, coordinates: Sequence[str], excludes: Sequence[str], folder: Path) -> Path:
    """Resolve into ``folder/jars`` and return that folder; `folder` keeps Ivy's cache and log.

    IVY_SETTINGS may name an ivysettings.xml, for a network that reaches Maven Central only through a mirror.
    """
    module, log = folder / "ivy.xml", folder / "ivy.log"
    module.write_text(ivy_xml(coordinates, excludes), encoding="utf-8")
    command = [find_java(), *_TIME_OUTS, "-jar", str(_ivy_jar()), "-ivy", str(module), "-confs", "default"]
    settings = os.environ.get("IVY_SETTINGS")
    if settings:
        if not Path(settings).is_file():
            raise ConfigurationError(f"IVY_SETTINGS={settings} is not a file: correct it or unset it.")
        command += ["-settings", settings]
    pattern = f"{folder}/jars/[artifact]-[revision](-[classifier]).[ext]"
    command += ["-cache", str(folder / "ivy"), "-retrieve", pattern]
    if _run(name, command, log, folder / "ivy") != 0:
        problems = _PROBLEM.findall(log.read_text(encoding="utf-8", errors="replace"))
        reason = problems[0].strip(": \t") if problems else "see the log"
        kept = folder.parent / f"{name}-ivy.log"
        log.replace(kept)
        raise RunFailed(
            f"The {name} jars could not be fetched ({reason}): check the network, or set IVY_SETTINGS to an "
            f"ivysettings.xml that names your mirror. Log: {kept}"
        )
    return folder / "jars"


def _run(name: str, command: list[str], log: Path, cache: Path) -> int:
    """Run Ivy, its chatter in `log`, one line of progress every few seconds on stderr."""
    started = reported = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                modules, jars = (sum(1 for _ in cache.glob(each)) for each in ("*/*/ivy-*.xml", "*/*/jars/*.jar"))
                counts = f"{modules} modules found, {jars} jars fetched, {_megabytes(cache)} MB"
                click.echo(f"  {name}: {counts} ({reported - started:.0f} s)", err=True)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode


def _megabytes(cache: Path) -> int:
    """What was fetched, the file that is under way included."""
    sizes = 0
    for file in cache.glob("*/*/*s/*"):
        with suppress(FileNotFoundError):  # renamed just now
            sizes += file.stat().st_size
    return sizes // 1_000_000


def _ivy_jar() -> Path:
    found = sorted(pyspark_jars().glob("ivy-*.jar"))
    if not found:
        raise ConfigurationError("pyspark's Ivy jar is missing: run `make install`.")
    return found[-1]


def _parts(text: str, count: int) -> list[str]:
    parts = text.strip().split(":")
    if len(parts) != count or not all(parts):
        shape = ":".join(("group", "artifact", "version")[:count])
        raise ConfigurationError(f"conf/spark-defaults.conf: `{text}` is not {shape}.")
    return parts
