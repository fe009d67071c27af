"""Settings from TOML: the file of --config, and scenarios of faults."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from generator.faults import DRIFT_VARIANTS, FAULTS
from generator.spoilt import Drift
from pipelines.cli import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Scenario:
    """Fault rates and drifts that belong together."""

    rates: Mapping[str, float] = field(default_factory=dict)
    drifts: Sequence[Drift] = ()


def scenarios() -> dict[str, str]:
    """Name → text of each scenario that comes with the generator."""
    files = Path(__file__).with_name("scenarios").glob("*.toml")
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def read_scenario(name: str) -> Scenario:
    """The scenario of that name, or in that TOML file: a table `rates`, and tables `[[drift]]` (kind, at, share).

    Raises ConfigurationError if there is none, or it says what is not understood.
    """
    known = scenarios()
    text = known.get(name)
    if text is None and "/" not in name and not name.endswith(".toml"):
        raise ConfigurationError(
            f"--faults: no scenario {name!r}; there are {', '.join(sorted(known))}, or name a file."
        )
    tables = _parsed(text, name, "--faults") if text is not None else _read(Path(name), "--faults")
    try:
        return _scenario(tables)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"--faults: {name}: {error.args[0]}.") from error


def _scenario(tables: Mapping[str, Any]) -> Scenario:
    unknown = set(tables) - {"description", "rates", "drift"}
    if unknown:
        raise ValueError(f"there is no {', '.join(sorted(unknown))}, only rates and [[drift]]")
    rates = {name.replace("-", "_"): rate for name, rate in tables.get("rates", {}).items()}
    for name, rate in rates.items():
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name}, only {', '.join(FAULTS)}")
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"the rate of {name} is not from 0 to 1")
    return Scenario(rates, [_drift(drift) for drift in tables.get("drift", [])])


def _drift(table: Mapping[str, Any]) -> Drift:
    if set(table) - {"kind", "at", "share"} or table.get("kind") not in DRIFT_VARIANTS:
        raise ValueError(f"a [[drift]] has kind ({', '.join(DRIFT_VARIANTS)}), at and share")
    at, share = table.get("at", 0), table.get("share", 1.0)
    if not isinstance(at, int) or at < 0 or not isinstance(share, int | float) or not 0 < share <= 1:
        raise ValueError("a [[drift]] begins at a record (0 or more) and has a share (0 to 1)")
    return Drift(table["kind"], at, float(share))


def read_config(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Take the file's values as defaults; its keys are flags without their dashes, kebab or snake case."""
    if value is None:
        return
    given = {name.replace("-", "_"): each for name, each in _read(Path(value), "--config").items()}
    known = {each.name for each in context.command.params if each.name != parameter.name}
    unknown = set(given) - known
    if unknown:
        raise ConfigurationError(f"--config: {value}: there is no setting {', '.join(sorted(unknown))}.")
    context.default_map = {**(context.default_map or {}), **given}


def _read(path: Path, flag: str) -> Mapping[str, Any]:
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path), flag)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{flag}: {path} cannot be read: {type(error).__name__}.") from error


def _parsed(text: str, name: str, flag: str) -> Mapping[str, Any]:
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{flag}: {name} is not TOML: {error}.") from error
