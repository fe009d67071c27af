"""What a run is asked to do: the command line's options, checked, as frozen values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from generator.config import Scenario, read_scenario
from generator.faults import DRIFT_VARIANTS, DUPLICATE, FAULTS, ID_CONFLICT
from generator.injection import ANCIENT_FROM_DAYS
from generator.spoilt import Drift, FaultSettings

DEFAULT_RATE = 100.0
_MAX_REPEATED = 0.9
_DAY_MS = 86_400_000
_AGE = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class TimeSettings:
    """A past window to simulate, in epoch milliseconds; without `start_ms` events happen now.

    `until_ms` is the now that ends a window without an end, where that was fixed before.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    until_ms: int | None = None
    speedup: float = 1.0


@dataclass(frozen=True)
class Settings:
    """One run. `rate` is in records per second, 0 for as fast as possible.

    Rate and duration also shape the shop: how many visits there are at a time, and how fast. Said anew with --resume
    (`new_rate`, `new_duration_seconds`) they change the pace of the rest and nothing else: it is the same shop.
    """

    sink: str
    faults: FaultSettings
    time: TimeSettings
    rate: float
    seed: int
    profile: str = "steady"
    count: int | None = None
    duration_seconds: float | None = None
    output: Path | None = None
    manifest: Path | None = None
    append: bool = False
    catalog: str | None = None
    tag: str | None = None
    workers: int = 1
    raw_topic: str = "ecommerce_events_raw"
    bootstrap_servers: str = ""
    kafka_config: str | None = None
    summary: bool = True
    new_rate: float | None = None
    new_duration_seconds: float | None = None

    @property
    def pace(self) -> float:
        """Records per second that are sent, 0 for as fast as possible."""
        return self.rate if self.new_rate is None else self.new_rate

    @property
    def time_limit_seconds(self) -> float | None:
        """How long this run, or what was resumed of it, may take."""
        return self.duration_seconds if self.new_duration_seconds is None else self.new_duration_seconds

    @property
    def shop_rate(self) -> float:
        """Events per second of the shop's own time."""
        if self.time.start_ms is not None and self.time.end_ms is not None and self.count is not None:
            return self.count / ((self.time.end_ms - self.time.start_ms) / 1000)
        return (self.rate or DEFAULT_RATE) / self.time.speedup

    @property
    def expected_records(self) -> int | None:
        """How many records there will be, None where nothing limits the run."""
        if self.count is not None:
            return self.count
        if self.duration_seconds is not None:
            return math.ceil(self.duration_seconds * (self.rate or DEFAULT_RATE))
        return None

    @classmethod
    def from_options(cls, options: Mapping[str, Any], now_ms: int, random_seed: int) -> Settings:
        """The command line's options as settings. Raises click.UsageError on what does not fit together."""
        given = dict(options)
        sink = given["sink"]
        if sink == "file" and not given["output"]:
            raise click.UsageError("--sink file needs --output FILE.")
        if given["output"] and sink != "file":
            raise click.UsageError("--output is for --sink file.")
        if given["append"] and not (given["manifest"] or given["output"]):
            raise click.UsageError("--append needs --manifest or --output.")
        time = _time_settings(given, now_ms)
        rate = given["rate"]
        if rate is None:
            rate = DEFAULT_RATE if sink in ("console", "kafka") and time.start_ms is None else 0.0
        if given["workers"] > 1 and sink in ("console", "file") and rate and time.start_ms is None:
            raise click.UsageError(f"--workers with --sink {sink} and a --rate needs --start-time: one keeps the time.")
        return cls(
            sink=sink,
            faults=_fault_settings(given),
            time=time,
            rate=rate,
            seed=random_seed if given["seed"] is None else given["seed"],
            profile=given["profile"],
            tag=given["tag"],
            workers=given["workers"],
            count=given["count"],
            duration_seconds=given["duration"],
            output=Path(given["output"]) if given["output"] else None,
            manifest=Path(given["manifest"]) if given["manifest"] else None,
            append=given["append"],
            catalog=given["catalog"],
            raw_topic=given["raw_topic"],
            bootstrap_servers=given["bootstrap_servers"],
            kafka_config=given["kafka_config"],
            summary=given["summary"],
        )


def _fault_settings(options: Mapping[str, Any]) -> FaultSettings:
    scenario = read_scenario(options["faults"]) if options["faults"] else Scenario()
    given = {fault: options[f"{fault}_rate"] for fault in FAULTS}
    rates = {fault: scenario.rates.get(fault, 0.0) if rate is None else rate for fault, rate in given.items()}
    # Ten rates of 0.1 add up to a hair more than 1 in floating point.
    if sum(rates.values()) > 1 + 1e-9:
        raise click.UsageError(f"The fault rates add up to {sum(rates.values()):g}; they may reach 1 at most.")
    if rates[DUPLICATE] + rates[ID_CONFLICT] > _MAX_REPEATED:
        raise click.UsageError(
            f"Duplicates and id conflicts may be {_MAX_REPEATED:g} of all records: something must be new."
        )
    drifts = [*scenario.drifts, *map(_drift, options["drift"])]
    return FaultSettings(
        rates, tuple(drifts), options["late_after_seconds"], options["max_event_age_days"], options["max_event_bytes"]
    )


def _drift(text: str) -> Drift:
    match = re.fullmatch(r"([a-z_]+)@(\d+)(?::(0?\.\d+|1(?:\.0*)?))?", text)
    if not match or match[1] not in DRIFT_VARIANTS:
        raise click.UsageError(
            f"--drift: {text!r} is not KIND@RECORD[:SHARE] with one of the kinds {', '.join(DRIFT_VARIANTS)}."
        )
    return Drift(match[1], int(match[2]), float(match[3] or 1))


def _time_settings(options: Mapping[str, Any], now_ms: int) -> TimeSettings:
    start_ms = _moment(options["start_time"], "--start-time", now_ms)
    end_ms = _moment(options["end_time"], "--end-time", now_ms)
    speedup = options["speedup"]
    if start_ms is None:
        if end_ms is not None or speedup is not None:
            raise click.UsageError("--end-time and --speedup need --start-time.")
        return TimeSettings()
    if start_ms > now_ms or (end_ms or 0) > now_ms:
        raise click.UsageError("--start-time and --end-time must not lie in the future.")
    if end_ms is not None and end_ms <= start_ms:
        raise click.UsageError("--end-time must lie after --start-time.")
    if speedup is not None and end_ms is not None and options["count"] is not None:
        raise click.UsageError("--speedup has no say where --count events fill --start-time to --end-time.")
    # A day's room: the limit is judged when the record arrives, and late events lie before the window.
    limit_days = min(options["max_event_age_days"] or ANCIENT_FROM_DAYS, ANCIENT_FROM_DAYS) - 1
    if start_ms < now_ms - limit_days * _DAY_MS:
        raise click.UsageError(
            f"--start-time is more than {limit_days} days ago: the pipeline rejects such events (MAX_EVENT_AGE_DAYS)."
        )
    return TimeSettings(start_ms, end_ms, speedup=speedup or 1.0)


def _moment(text: str | None, flag: str, now_ms: int) -> int | None:
    """Epoch milliseconds of an RFC 3339 time, ``now``, or an age such as ``50m`` (s, m, h, d before now)."""
    if text is None:
        return None
    if text == "now":
        return now_ms
    age = _AGE.fullmatch(text)
    if age:
        return now_ms - round(float(age[1]) * _UNIT_SECONDS[age[2]] * 1000)
    try:
        moment = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.UsageError(
            f"{flag}: {text!r} is neither an RFC 3339 time with a zone, nor an age such as 50m, nor now."
        )
    return round(moment.astimezone(timezone.utc).timestamp() * 1000)
