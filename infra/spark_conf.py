"""Spark's configuration folder with the jars resolved: what ``make install`` makes of conf/."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pipelines.cli import ConfigurationError

_PACKAGES = "spark.jars.packages"
_EXCLUDES = "spark.jars.excludes"


def packages(defaults: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(coordinates, excludes) of a spark-defaults.conf."""
    values = settings(defaults)
    if not values.get(_PACKAGES):
        raise ConfigurationError(f"{defaults} has no {_PACKAGES} line.")
    return _listed(values[_PACKAGES]), _listed(values.get(_EXCLUDES, ""))


def settings(defaults: Path) -> dict[str, str]:
    """Name → value of a spark-defaults.conf. Raises ConfigurationError where it cannot be read."""
    return {name: value for line in _lines(defaults) for name, value in [_setting(line)] if name}


def write(source: Path, target: Path, jars: Sequence[Path], *, on_every_node: bool = False) -> None:
    """Copy the configuration with one ``spark.jars`` line in place of the packages and excludes.

    Resolving at each start would cost seconds and some 160 lines of noise. With `on_every_node` executors read
    the jars from the same path of their own machine instead of fetching 47 MB from the driver.
    """
    scheme = "local:" if on_every_node else ""
    lines = []
    for line in _lines(source / "spark-defaults.conf"):
        name, _ = _setting(line)
        if name == _PACKAGES:
            lines.append(f"spark.jars  {','.join(f'{scheme}{jar}' for jar in jars)}")
        elif name != _EXCLUDES:
            lines.append(line)
    target.mkdir(parents=True, exist_ok=True)
    fresh = target / ".spark-defaults.conf"
    fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copyfile(source / "log4j2.properties", target / "log4j2.properties")
    fresh.replace(target / "spark-defaults.conf")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__}): is the checkout complete?"
        ) from error


def _setting(line: str) -> tuple[str, str]:
    """(name, value) of a line; two empty strings for a comment or an empty line."""
    text = line.strip()
    if not text or text.startswith("#"):
        return "", ""
    name, *value = text.split(maxsplit=1)
    return name, value[0] if value else ""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
