"""The stream of records to send: the shop's events, some of them spoilt on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from generator import faults, injection
from generator.carts import Step
from generator.clock import Timeline
from generator.events import Event, build, encode
from generator.sessions import Session
from generator.settings import FaultSettings
from generator.shop import Shop

# A duplicate repeats one of this many recent good records.
_REPEATABLE = 500
# How much further back than the lateness limit a late event lies, in seconds.
_LATE_MARGIN_SECONDS = (60, 6 * 3600)


@dataclass(slots=True)
class Record:
    """One record to send and what the manifest says about it.

    `value` None is a tombstone. `event_id` is None where the record has none that a reader could find.
    `event_name` is the event's name before any fault; `variant` tells which kind of the fault it is.
    """

    key: bytes
    value: bytes | None
    event_name: str
    event_id: str | None
    fault: str | None = None
    variant: str | None = None


class Records:
    """All records of a run, in the order to send them. Same shop, timeline, settings and seed: same bytes."""

    def __init__(self, shop: Shop, timeline: Timeline, settings: FaultSettings, ids: Random, chance: Random) -> None:
        self._steps = shop.steps()
        self._timeline = timeline
        self._settings = settings
        self._ids = ids
        self._chance = chance
        self._cumulative: list[tuple[float, str]] = []
        threshold = 0.0
        for fault, rate in settings.rates.items():
            threshold += rate
            self._cumulative.append((threshold, fault))
        self._total = threshold
        self._recent: list[Record] = []
        self._repeats = settings.rates.get(faults.DUPLICATE, 0) > 0
        self.last_event_ms: int | None = None
        self.first_event_ms: int | None = None

    def __iter__(self) -> Iterator[Record]:
        """The records, until the timeline is over."""
        for position in count():
            fault = self._draw_fault()
            if fault == faults.DUPLICATE and self._recent:
                first = self._chance.choice(self._recent)
                yield Record(first.key, first.value, first.event_name, first.event_id, fault)
                continue
            at, session, step = next(self._steps)
            times = self._timeline.times(position, at, session)
            if times is None:
                return
            yield self._record(session, step, *times, fault)

    def _draw_fault(self) -> str | None:
        if not self._total:
            return None
        draw = self._chance.random()
        for threshold, fault in self._cumulative:
            if draw < threshold:
                return fault
        return None

    def _record(self, session: Session, step: Step, event_ms: int, sent_ms: int | None, fault: str | None) -> Record:
        if self.first_event_ms is None:
            self.first_event_ms = event_ms
        self.last_event_ms = event_ms
        key = session.shopper.key
        if fault == faults.LATE:
            margin = self._chance.randrange(*_LATE_MARGIN_SECONDS)
            event_ms -= (self._settings.late_after_seconds + margin) * 1000
        event = build(session, step, event_ms, sent_ms, self._ids)
        if fault is None or fault in (faults.LATE, faults.DUPLICATE):
            # A duplicate that has nothing to repeat yet is a good record.
            fault = faults.LATE if fault == faults.LATE else None
            record = Record(key, encode(event), step.name, event["event_id"], fault)
            if self._repeats and fault is None:
                self._remember(record)
            return record
        value, variant = self._spoil(event, fault, event_ms)
        event_id = event.get("event_id") if fault != faults.MALFORMED else None
        readable = event_id if isinstance(event_id, str) and event_id.strip() else None
        return Record(key, value, step.name, readable, fault, variant)

    def _spoil(self, event: Event, fault: str, event_ms: int) -> tuple[bytes | None, str]:
        if fault == faults.MALFORMED:
            return injection.malformed(event, self._chance)
        if fault == faults.MISSING_FIELD:
            return injection.missing_field(event, self._chance)
        if fault == faults.WRONG_TYPE:
            return injection.wrong_type(event, self._chance)
        return injection.bad_timestamp(event, self._chance, event_ms, self._settings.max_event_age_days)

    def _remember(self, record: Record) -> None:
        if len(self._recent) < _REPEATABLE:
            self._recent.append(record)
        else:
            self._recent[self._chance.randrange(_REPEATABLE)] = record
