"""The shop's events, window by window, in the order of time, and which records they become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from generator.chance import Bits, Chance, Int
from generator.clock import Moments
from generator.columns import joined, take
from generator.hexes import stamps
from generator.rendering import Events, Renderer
from generator.shop import Shop
from generator.spoiling import Plan, Spoiler


@dataclass
class Block:
    """The records of one window; the first one has the place `first_place` in the run."""

    events: Events
    plan: Plan
    first_place: int
    chance: Bits

    def __len__(self) -> int:
        return len(self.plan.fault)

    def moments(self, rows: Int) -> Moments:
        """What a timeline wants to know of these records."""
        event, place = self.plan.event[rows], self.plan.place[rows]
        return Moments(
            self.first_place + place, self.events.at[event], self.events.serial[event] >> 8, self.chance[place]
        )

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


def read_blocks(shop: Shop, renderer: Renderer, spoiler: Spoiler, seed: int) -> Iterator[Block]:
    """The run's blocks, none of them empty, for ever."""
    ids, chance = Chance(seed, "ids"), Chance(seed, "time")
    serial = place = 0
    pending: list[Events] = []
    for end_ms, found in shop.windows():
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
        yield Block(in_order, plan, place, chance.bits(len(plan.fault)))
        place += len(plan.fault)
