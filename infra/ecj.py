"""Java sources to one jar by the Eclipse compiler, itself a jar: a Java without a compiler suffices."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zipfile
from pathlib import Path

from infra.java import find_java
from infra.places import pyspark_jars, shown
from pipelines.cli import ConfigurationError, RunFailed

# `--release 17` would keep to Java 17's library as well, but needs lib/ct.sym, which many a newer JRE lacks: the
# compiler then dies of a NullPointerException. -17 is the language and the class files; -Xemacs: file:line: kind: text.
FLAGS = ("-17", "-proc:none", "-nowarn", "-encoding", "UTF-8", "-Xemacs")
_ENGLISH = "-Duser.language=en"
_ERROR = re.compile(r"^(.+\.java):(\d+): error: (.*)$", re.MULTILINE)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def compile_jar(compiler: Path, sources: Path, version: str, jar: Path, log: Path) -> None:
    """Compile all Java files below `sources` against pyspark's jars into `jar`, with the same bytes each time.

    `log` is written only if that fails.
    """
    files = sorted(str(file) for file in sources.rglob("*.java"))
    if not files:
        raise ConfigurationError(f"{shown(sources)} has no Java sources: is the checkout complete?")
    class_path = ":".join(str(file) for file in sorted(pyspark_jars().glob("*.jar")))
    command = [find_java(), _ENGLISH, "-jar", str(compiler), *FLAGS, "-cp", class_path]
    with tempfile.TemporaryDirectory(dir=jar.parent, prefix=".classes-") as classes:
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, "-d", classes, *files],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            log.write_bytes(done.stdout)
            raise RunFailed(f"{first_error(done.stdout.decode(errors='replace'))}. Log: {log}")
        _pack(Path(classes), version, jar)


def first_error(output: str) -> str:
    """The first error of the compiler's output in one line, with its file and line."""
    found = _ERROR.findall(output)
    if not found:
        return "The Java sources could not be compiled"
    file, line, problem = found[0]
    more = f" (the first of {len(found)} errors)" if len(found) > 1 else ""
    return f"{shown(Path(file))}:{line}: {problem.strip()}{more}"


def _pack(classes: Path, version: str, jar: Path) -> None:
    """The classes as a jar: names in order, no times, and stored, since compressors differ between machines."""
    manifest = f"Manifest-Version: 1.0\r\nImplementation-Version: {version}\r\n\r\n"
    files = {file.relative_to(classes).as_posix(): file.read_bytes() for file in classes.rglob("*.class")}
    with zipfile.ZipFile(jar, "w") as archive:
        for name, content in [("META-INF/MANIFEST.MF", manifest.encode()), *sorted(files.items())]:
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content)
