"""Records with their faults."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from generator import faults, injection
from generator.blocks import Block
from generator.chance import Int
from generator.hexes import uuids
from generator.partitions import partition_hashes
from generator.spoiling import GOOD, NAMES

if TYPE_CHECKING:
    from generator.records import Record

# How much further back than the lateness limit a late event lies; how far a wrong clock is off, live and in the past
# (where no sent_at reveals it, so that it must stay inside the limits); how old a live event out of order is.
_LATE_MARGIN_MS = (60_000, 6 * 3_600_000)
_SKEW_MS, _PAST_SKEW_MS = (60_000, 12 * 3_600_000), (5_000, 300_000)
_OUT_OF_ORDER_MS = (2_000, 30_000)
# Spreads places over 64 bits (Fibonacci hashing).
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Drift:
    """A new release of the tracker writes `share` of all good events from record `at` (from 0) to the next drift."""

    variant: str
    at: int
    share: float = 1.0


@dataclass(frozen=True)
class FaultSettings:
    """How often each fault happens (0..1 of all records), and the limits that define some of them."""

    rates: Mapping[str, float] = field(default_factory=dict)
    drifts: Sequence[Drift] = ()
    late_after_seconds: int = 3600
    max_event_age_days: int = 3650
    max_event_bytes: int = 921_600


@dataclass(frozen=True)
class Moment:
    """When an event of a block happened and was sent (None: nobody says)."""

    block: Block
    row: int
    event_ms: int
    sent_ms: int | None

    def shifted(self, event_shift_ms: int, sent_shift_ms: int) -> bytes:
        """The event with other times."""
        sent = None if self.sent_ms is None else np.array([self.sent_ms + sent_shift_ms])
        (value,) = self.block.values(np.array([self.row]), np.array([self.event_ms + event_shift_ms]), sent)
        return value


class Spoilt:
    """Makes faulty records; what is drawn for one follows from the seed and its place in the run."""

    def __init__(self, settings: FaultSettings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self.repeats = bool(settings.rates.get(faults.DUPLICATE) or settings.rates.get(faults.ID_CONFLICT))
        self._drifts = sorted(settings.drifts, key=lambda drift: drift.at)
        self._drift_salt = np.uint64(self._random("drift").getrandbits(32))
        hot = self._random("hot key")
        bits = np.array([hot.getrandbits(64), hot.getrandbits(64)], np.uint64)
        (self._hot_key,) = uuids(bits[:1], bits[1:])
        (self._hot_hash,) = partition_hashes([self._hot_key]).tolist()

    def faults(self, planned: Int, places: Int) -> Int:
        """The faults of records: as planned, and those of good ones that have drifted (beyond the planned kinds)."""
        found = planned
        for number, drift in enumerate(self._drifts):
            until = self._drifts[number + 1].at if number + 1 < len(self._drifts) else sys.maxsize
            if places[-1] < drift.at or places[0] >= until:
                continue
            lot = (places.astype(np.uint64) + self._drift_salt) * _MIX >> np.uint64(32)
            hit = (planned == GOOD) & (places >= drift.at) & (places < until) & (lot < round(drift.share * 2**32))
            found = np.where(hit, len(NAMES) + number, found)
        return found

    def record(self, good: Record, fault: int, original: bytes | None, moment: Moment) -> Record:
        """The good record with the fault. `original` is the value that it repeats, if it repeats one."""
        chance = self._random(good.place)
        if fault >= len(NAMES):
            kind = self._drifts[fault - len(NAMES)].variant
            return good._replace(value=injection.drifted(_event(good), kind), fault=faults.SCHEMA_DRIFT, variant=kind)
        name = NAMES[fault]
        if name == faults.DUPLICATE:
            return good._replace(value=original, fault=name)
        if name == faults.ID_CONFLICT:
            return good._replace(value=injection.id_conflict(json.loads(original or b"{}")), fault=name)
        if name in _SHIFTS:
            shift, sent_shift, variant = _SHIFTS[name](self._settings, chance, moment.sent_ms is not None)
            return good._replace(value=moment.shifted(shift, sent_shift), fault=name, variant=variant)
        if name == faults.OVERSIZE:
            return good._replace(value=injection.oversize(_event(good), self._settings.max_event_bytes), fault=name)
        if name == faults.HOT_KEY:
            value = injection.with_key(_event(good), self._hot_key.decode())
            return good._replace(key=self._hot_key, partition_hash=self._hot_hash, value=value, fault=name)
        return self._unreadable(good, name, chance, moment.event_ms)

    def _unreadable(self, good: Record, name: str, chance: Random, event_ms: int) -> Record:
        event = _event(good)
        if name == faults.MALFORMED:
            value, variant = injection.malformed(event, chance)
            return good._replace(value=value, event_id=None, fault=name, variant=variant)
        if name == faults.BAD_TIMESTAMP:
            value, variant = injection.bad_timestamp(event, chance, event_ms, self._settings.max_event_age_days)
        else:
            inject = injection.missing_field if name == faults.MISSING_FIELD else injection.wrong_type
            value, variant = inject(event, chance)
        event_id = event.get("event_id")
        readable = event_id if isinstance(event_id, str) and event_id.strip() else None
        return good._replace(value=value, event_id=readable, fault=name, variant=variant)

    def _random(self, name: object) -> Random:
        return Random(f"{self._seed}/{name}")  # noqa: S311 — a simulation, repeatable on purpose


def _event(record: Record) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(record.value or b"{}")
    return event


def _late(settings: FaultSettings, chance: Random, is_live: bool) -> tuple[int, int, str | None]:
    return -settings.late_after_seconds * 1000 - chance.randrange(*_LATE_MARGIN_MS), 0, None


def _out_of_order(settings: FaultSettings, chance: Random, is_live: bool) -> tuple[int, int, str | None]:
    """In the past the time itself is out of order already; live the event is as old as its delay."""
    return (-chance.randrange(*_OUT_OF_ORDER_MS) if is_live else 0), 0, None


def _skewed(settings: FaultSettings, chance: Random, is_live: bool) -> tuple[int, int, str | None]:
    direction = chance.choice((-1, 1))
    shift = direction * chance.randrange(*(_SKEW_MS if is_live else _PAST_SKEW_MS))
    return shift, shift, "ahead" if direction > 0 else "behind"


# What is added to event_time and sent_at in ms, and a variant; given whether the event has a sent_at.
_SHIFTS: Mapping[str, Callable[[FaultSettings, Random, bool], tuple[int, int, str | None]]] = {
    faults.LATE: _late,
    faults.OUT_OF_ORDER: _out_of_order,
    faults.CLOCK_SKEW: _skewed,
}
