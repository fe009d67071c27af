"""The shop's events, window by window, in the order of time, and which records they become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from generator.chance import Chance, Int
from generator.clock import Timeline
from generator.columns import joined, take
from generator.hexes import stamps
from generator.rendering import Events, Renderer
from generator.shop import Shop
from generator.spoiling import Plan, Spoiler


@dataclass
class Block:
    """The records of one window of the shop's time; the first one has the place `first_place` in the run."""

    events: Events
    plan: Plan
    first_place: int

    def __len__(self) -> int:
        return len(self.plan.fault)

    def at(self, rows: Int) -> Int:
        """When these records' events happened, in ms of the shop's time."""
        return self.events.at[self.plan.event[rows]]

    def visits(self, rows: Int) -> Int:
        """The numbers of their visits."""
        return self.events.serial[self.plan.event[rows]] >> 8

    def is_written(self, rows: Int) -> Any:
        """Which of these records belong to our share of the shoppers."""
        return self._is_written[self.plan.event[rows]]

    def values(self, rows: Int, event_ms: Int, sent_ms: Int | None) -> list[bytes]:
        """The events of these records with their times."""
        event = self.plan.event[rows]
        offset = self.events.offset_minutes[event] * 60_000
        heads, tails = self.events.head[event].tolist(), self.events.tail[event].tolist()
        times = stamps(event_ms + offset)
        if sent_ms is None:
            return [head + time + tail for head, time, tail in zip(heads, times, tails, strict=True)]
        zones, sent = self.events.zone[event].tolist(), stamps(sent_ms + offset)
        return [b'%b%b%b","sent_at":"%b%b' % parts for parts in zip(heads, times, zones, sent, tails, strict=True)]

    def __post_init__(self) -> None:
        self._is_written = self.events.head != np.array(None)


def read_blocks(shop: Shop, renderer: Renderer, spoiler: Spoiler, timeline: Timeline, seed: int) -> Iterator[Block]:
    """The run's blocks, none of them empty, for ever."""
    ids = Chance(seed, "ids")
    serial = place = 0
    pending: list[Events] = []

    def calendar(at_ms: int) -> int | None:
        return timeline.date(place, at_ms)

    for end_ms, found in shop.windows(calendar):
        for simulated in found:
            bits = ids.bits(2 * len(simulated.steps.at)).reshape(-1, 2)
            pending.append(renderer.events(simulated, serial, bits))
            serial += len(simulated.visitors)
        if not pending:
            continue
        events = joined(pending)
        is_due = events.at < end_ms
        pending = [take(events, ~is_due)]
        events = take(events, is_due)
        if not len(events.at):
            continue
        plan = spoiler.plan(len(events.at))
        in_order = take(events, np.lexsort((events.serial, events.at)))
        block = Block(in_order, plan, place)
        place += len(block)
        yield block
