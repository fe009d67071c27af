"""The stream of records to send: the shop's events, some of them spoilt on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from generator import faults
from generator.blocks import Block
from generator.chance import Int
from generator.clock import Timeline
from generator.personas import EVENT_NAMES
from generator.spoiling import GOOD
from generator.spoilt import Moment, Spoilt

_TAKEN_AT_ONCE = 1024


class Record(NamedTuple):
    """One record to send and what the manifest says about it.

    `place` counts the run's records from 0. `value` None is a tombstone. `event_id` is None where the record has none
    that a reader could find. `event_name` is the event's name before any fault; `variant` tells which kind of the fault
    it is. `partition_hash` modulo the number of partitions is the key's partition.
    """

    place: int
    key: bytes
    value: bytes | None
    event_name: str
    event_id: str | None
    partition_hash: int
    fault: str | None = None
    variant: str | None = None


class Records:
    """All records of a run, in the order to send them; or of a share of the shoppers, where the blocks have one.

    Same blocks, timeline and faults: same bytes, whatever the share.
    """

    def __init__(self, blocks: Iterator[Block], timeline: Timeline, spoilt: Spoilt) -> None:
        self._blocks = blocks
        self._timeline = timeline
        self._spoilt = spoilt
        self._block: Block | None = None
        self._taken = 0
        self._values = np.empty(0, object)
        self.place = 0
        self.first_event_ms: int | None = None
        self.last_event_ms: int | None = None

    def __iter__(self) -> Iterator[Record]:
        """The records one by one, until the timeline is over."""
        while True:
            taken, records = self.take(_TAKEN_AT_ONCE)
            yield from records
            if not taken:
                return

    def take(self, count: int) -> tuple[int, list[Record]]:
        """(number of the next records, those of them that are in our share); 0 when the timeline is over.

        There may be fewer than `count` without being the last.
        """
        block = self._block
        if block is None or self._taken == len(block):
            block = self._block = next(self._blocks)
            self._taken, self._values = 0, np.empty(len(block), object)
        rows = np.arange(self._taken, min(self._taken + count, len(block)))
        event_ms, sent_ms = self._timeline.times(block, rows)
        rows = rows[: len(event_ms)]
        if not len(rows):
            return 0, []
        self._taken += len(rows)
        self.place += len(rows)
        first, last = int(event_ms.min()), int(event_ms.max())
        self.first_event_ms = first if self.first_event_ms is None else min(self.first_event_ms, first)
        self.last_event_ms = last if self.last_event_ms is None else max(self.last_event_ms, last)
        is_ours = block.is_written(rows)
        return len(rows), self._records(block, rows[is_ours], event_ms[is_ours], sent_ms)

    def _records(self, block: Block, rows: Int, event_ms: Int, sent_ms: int | None) -> list[Record]:
        if not len(rows):
            return []
        events, event, places = block.events, block.plan.event[rows], block.first_place + rows
        values = block.values(rows, event_ms, None if sent_ms is None else np.full(len(rows), sent_ms))
        names = [EVENT_NAMES[code] for code in events.code[event].tolist()]
        columns = (
            places.tolist(), events.key[event].tolist(), values, names, map(bytes.decode, events.event_id[event]),
            events.partition_hash[event].tolist(),
        )  # fmt: skip
        records = list(map(Record, *columns))
        fault = self._spoilt.faults(block.plan.fault[rows], places)
        if self._spoilt.repeats:
            self._values[rows] = values
        for at in np.flatnonzero(fault != GOOD).tolist():
            row = int(rows[at])
            original = self._values[block.plan.original[row]]
            moment = Moment(block, row, int(event_ms[at]), sent_ms)
            records[at] = self._spoilt.record(records[at], int(fault[at]), original, moment)
            # What repeats a drifted record that is good repeats what was sent.
            if faults.DRIFT_VARIANTS.get(records[at].variant or "") == faults.GOOD:
                self._values[row] = records[at].value
        return records
