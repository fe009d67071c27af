"""The Java that runs Ivy, the servers and Spark: JAVA_HOME's, else the first one on PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import lru_cache

from pipelines.cli import ConfigurationError

OLDEST = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def find_java(oldest: int = OLDEST, setting: str = "JAVA_HOME") -> str:
    """Path of a `java` that is new enough; ConfigurationError with the remedy otherwise.

    `setting` names the variable of a program that needs a newer Java than the others; without it JAVA_HOME counts.
    """
    name = setting if os.environ.get(setting) else "JAVA_HOME"
    home = os.environ.get(name)
    install = "Debian: openjdk-17-jre-headless; macOS: temurin" if oldest == OLDEST else "temurin, for example"
    remedy = f"install Java {oldest} or newer ({install}) or set {setting}."
    java = shutil.which("java", path=os.path.join(home, "bin") if home else None)
    if java is None:
        where = f"{name}={home} has no bin/java" if home else "No `java` on PATH"
        raise ConfigurationError(f"{where}: {remedy}")
    version = _major_version(java)
    if version is None:
        raise ConfigurationError(f"{java} does not run: {remedy}")
    if version < oldest:
        raise ConfigurationError(f"{java} is Java {version}: {remedy}")
    return java


@lru_cache(maxsize=8)
def _major_version(java: str) -> int | None:
    """17 for 17.0.15, 8 for 1.8.0; None where it does not run (macOS has a stub that only asks for Java)."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - the Java that was just found
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(answer.stderr + answer.stdout)
    return int(found.group(1)) if found and answer.returncode == 0 else None
