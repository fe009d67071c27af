"""The shop's traffic: who comes when, and who comes back for a forgotten cart, a refund or more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from generator.chance import Chance, Flags, Int, log_normal
from generator.columns import joined, take
from generator.personas import PERSONAS
from generator.profiles import Profile
from generator.simulation import Simulation
from generator.visitors import Visitors, new_visitors
from generator.visits import Simulated

# Until a visitor comes back, in hours: to a filled cart, with something to return, for more.
CART_RETURN_HOURS, REFUND_HOURS, RETURN_HOURS = 5.0, 72.0, 20.0
DELAY_SIGMA = 1.0
REFUND_PROBABILITY = 0.08
# A run shorter than this has its returns sooner, so that it shows some.
UNHURRIED_SECONDS = 10 * 86_400
# A window of time that is simulated at once holds about this many events, and at most an hour.
_EVENTS_PER_WINDOW = 16_384
_MAX_WINDOW_SECONDS = 3600
# About 150 bytes each, and as much again around them. Who would be one more does not come back: memory stays flat.
_MAX_AWAITED = 200_000
_WINDOWS_PER_SHELF = 256

_COMES_BACK = np.array([persona.comes_back for persona in PERSONAS])
_COMES_BACK_TO_CART = np.array([persona.comes_back_to_cart for persona in PERSONAS])


# The date (ms since 1970) at a time of the shop, None where it has none.
Calendar = Callable[[int], int | None]


@dataclass
class _Awaited:
    """Visitors who will come back, and when (ms)."""

    visitors: Visitors
    due: Int


@dataclass
class Returns:
    """Everybody who will come back, on shelves of some windows each."""

    window_ms: int
    waiting: int = 0
    _shelves: dict[int, list[_Awaited]] = field(default_factory=dict)
    _open: _Awaited | None = None

    def add(self, visitors: Visitors, due: Int) -> None:
        """They come at those times."""
        room = max(0, _MAX_AWAITED - self.waiting)
        visitors, due = take(visitors, slice(room)), due[:room]
        self.waiting += len(due)
        shelf = due // (self.window_ms * _WINDOWS_PER_SHELF)
        for number in np.unique(shelf).tolist():
            rows = shelf == number
            self._shelves.setdefault(number, []).append(_Awaited(take(visitors, rows), due[rows]))

    def pop(self, end_ms: int) -> _Awaited | None:
        """Those who come before `end_ms`, by time; None if nobody does."""
        shelf = (end_ms - 1) // (self.window_ms * _WINDOWS_PER_SHELF)
        arrived = self._shelves.pop(shelf, [])
        if self._open is not None:
            arrived.append(self._open)
        if not arrived:
            return None
        visitors, due = joined([each.visitors for each in arrived]), np.concatenate([each.due for each in arrived])
        now = due < end_ms
        self._open = _Awaited(take(visitors, ~now), due[~now]) if not now.all() else None
        if not now.any():
            return None
        rows = np.flatnonzero(now)[np.argsort(due[now], kind="stable")]
        self.waiting -= len(rows)
        return _Awaited(take(visitors, rows), due[rows])


class Shop:
    """An endless series of windows of time with the visits that begin in them.

    `events_per_second` of shop time on average; the profile moves it with the hour, if the calendar tells one.
    `sooner` divides the time until people come back.
    """

    def __init__(
        self, simulation: Simulation, profile: Profile, chance: Chance, events_per_second: float, sooner: float = 1.0
    ) -> None:
        self._simulation = simulation
        self._profile = profile
        self._chance = chance
        seconds = min(_MAX_WINDOW_SECONDS, _EVENTS_PER_WINDOW / events_per_second)
        self.window_ms = max(1, round(seconds * 1000))
        self._visitors_per_window = events_per_second / profile.steps_per_visitor * self.window_ms / 1000
        self._returns = Returns(self.window_ms)
        self._cart_delay = log_normal(CART_RETURN_HOURS / sooner, DELAY_SIGMA, 3_600_000)
        self._refund_delay = log_normal(REFUND_HOURS / sooner, DELAY_SIGMA, 3_600_000)
        self._delay = log_normal(RETURN_HOURS / sooner, DELAY_SIGMA, 3_600_000)

    def windows(self, calendar: Calendar) -> Iterator[tuple[int, list[Simulated]]]:
        """(end of the window in ms since the opening, the visits that begin in it), for ever."""
        begin_ms, expected = 0, 0.0
        while True:
            end_ms = begin_ms + self.window_ms
            before, date = expected, calendar(begin_ms)
            intensity = 1.0 if date is None else self._profile.intensity(date / 1000)
            expected += self._visitors_per_window * intensity
            count = int(expected) - int(before)
            found = []
            if count:
                began = np.sort(begin_ms + self._chance.below(self.window_ms, count))
                found.append(self._visit(new_visitors(self._chance, count), began))
            while (back := self._returns.pop(end_ms)) is not None:
                found.append(self._visit(back.visitors, back.due))
            yield end_ms, found
            begin_ms = end_ms

    def _visit(self, visitors: Visitors, began: Int) -> Simulated:
        simulated = self._simulation.run(visitors, began)
        self._say_goodbye(simulated)
        return simulated

    def _say_goodbye(self, simulated: Simulated) -> None:
        """Decide who comes back: for a refund, to a cart, or for more."""
        chance, visitors, count = self._chance, simulated.visitors, len(simulated.visitors)
        has_cart = visitors.cart_product[:, 0] >= 0
        refunds = simulated.bought & chance.hits(REFUND_PROBABILITY, count)
        probability = np.where(has_cart, _COMES_BACK_TO_CART[visitors.persona], _COMES_BACK[visitors.persona])
        returns: Flags = (chance.bits(count) >> np.uint64(32)).astype(np.float64) / 2**32 < probability
        delay = np.where(has_cart, chance.quantiles(self._cart_delay, count), chance.quantiles(self._delay, count))
        delay = np.where(refunds, chance.quantiles(self._refund_delay, count), delay)
        rows = np.flatnonzero(refunds | returns)
        back = take(visitors, rows)
        back.wants_refund = refunds[rows]
        back.is_reminded = has_cart[rows] & ~refunds[rows]
        self._returns.add(back, simulated.ended[rows] + delay[rows])
