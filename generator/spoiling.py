"""Which records have which fault, decided for a block of events at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from generator import faults
from generator.chance import Chance, Flags, Int, thresholds

# A duplicate, or an event with a stolen id, repeats one of this many recent good records.
REPEATABLE = 500
# A record out of order comes this many records later than it should.
_LATER_RECORDS = (20, 200)
NAMES = faults.FAULTS
GOOD = -1
REPEATS = np.isin(NAMES, (faults.DUPLICATE, faults.ID_CONFLICT))
_OUT_OF_ORDER = NAMES.index(faults.OUT_OF_ORDER)


@dataclass
class Plan:
    """One row per record of a block, in the order to send them.

    `fault` is a place in NAMES or GOOD, `event` which event of the block it is (its original's, if it repeats one),
    `original` the row of the record that it repeats.
    """

    fault: Int
    event: Int
    original: Int


class Spoiler:
    """Plans blocks; `rates` are shares of all records, together at most 1."""

    def __init__(self, rates: Mapping[str, float], chance: Chance) -> None:
        self._chance = chance
        shares = [rates.get(name, 0.0) for name in NAMES]
        self._is_idle = not any(shares)
        self._table = thresholds([*shares, max(0.0, 1 - sum(shares))])
        self._ahead = np.zeros(0, np.int64)

    def plan(self, events: int) -> Plan:
        """A plan for a block of so many events."""
        rows = np.arange(events)
        if self._is_idle or not events:
            return Plan(np.full(events, GOOD), rows, rows)
        fault = self._faults_of(events)
        rows = np.arange(len(fault))
        original = self._originals(fault)
        event = (np.cumsum(~_repeats(fault)) - 1)[original]
        later = np.where(fault == _OUT_OF_ORDER, self._later(len(rows)), 0)
        order = np.argsort(rows + later, kind="stable")
        sent_at = np.empty_like(order)
        sent_at[order] = rows
        return Plan(fault[order], event[order], sent_at[original[order]])

    def _faults_of(self, events: int) -> Int:
        """Faults for so many events and the repeats among them.

        What repeats a good record needs one before it in the block: until there is one, it is a good record itself.
        """
        while (~_repeats(self._ahead)).sum() <= events:
            drawn = self._chance.pick(self._table, 4096)
            self._ahead = np.concatenate([self._ahead, np.where(drawn == len(NAMES), GOOD, drawn)])
        first = int(((self._ahead == GOOD) | _repeats(self._ahead)).argmax())
        if _repeats(self._ahead[first : first + 1])[0]:
            self._ahead[first] = GOOD
        end = int(np.searchsorted(np.cumsum(~_repeats(self._ahead)), events)) + 1
        taken, self._ahead = self._ahead[:end], self._ahead[end:]
        return taken

    def _originals(self, fault: Int) -> Int:
        """For what repeats a record, one of the recent good ones before it; for others, themselves."""
        rows = np.arange(len(fault))
        good = np.flatnonzero(fault == GOOD)
        before = np.searchsorted(good, rows)
        recent = np.minimum(before, REPEATABLE)
        back = (self._chance.bits(len(rows)) >> np.uint64(32)).astype(np.int64) * np.maximum(recent, 1) >> 32
        if not len(good):
            return rows
        return np.where(_repeats(fault), good[np.maximum(before - 1 - back, 0)], rows)

    def _later(self, rows: int) -> Int:
        low, high = _LATER_RECORDS
        return low + self._chance.below(high - low, rows)


def _repeats(fault: Int) -> Flags:
    return np.asarray((fault != GOOD) & REPEATS[fault])
