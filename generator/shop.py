"""The shop's traffic: concurrent visits, whose next steps come in the order of simulated time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from math import exp
from random import Random

from generator.carts import Step
from generator.catalog import Catalog
from generator.sessions import Session
from generator.shoppers import Shopper, new_shopper

# Seconds between two steps of a visit: log-normal, so that most are short and a few long.
GAP_MEDIAN_SECONDS = 11.0
GAP_SIGMA = 0.95
GAP_MEAN_SECONDS = GAP_MEDIAN_SECONDS * exp(GAP_SIGMA**2 / 2)

# Seconds until a shopper comes back, with a refund or for more. Short against a real shop's days, so that a
# run of some minutes sees both.
RETURN_MEDIAN_SECONDS = 900.0
RETURN_SIGMA = 1.0
REFUND_PROBABILITY = 0.08

# A visit costs about 2 KB; this many are enough for every interleaving and keep memory flat at any rate.
MAX_CONCURRENT_VISITS = 20_000
# Below this many steps per concurrent visit a short run would end before anyone reaches the checkout.
_STEPS_PER_VISIT_SLOT = 40


class Shop:
    """An endless series of steps at `steps_per_second` of simulated time.

    The population is closed: each visit that ends makes room for the next, so the rate of steps is the number
    of concurrent visits over the mean gap, from the first second on. Where a high rate or a short run
    (`expected_steps`) asks for fewer visits than that, all gaps are shortened to keep the rate.
    """

    def __init__(self, catalog: Catalog, rng: Random, steps_per_second: float, expected_steps: int | None) -> None:
        self._catalog = catalog
        self._rng = rng
        visits = min(steps_per_second * GAP_MEAN_SECONDS, MAX_CONCURRENT_VISITS)
        if expected_steps is not None:
            visits = min(visits, expected_steps / _STEPS_PER_VISIT_SLOT)
        self._visits = max(1, round(visits))
        self._stretch = self._visits / (steps_per_second * GAP_MEAN_SECONDS)
        self._arrivals = 0
        self._returning: list[tuple[float, int, Shopper]] = []

    def steps(self) -> Iterator[tuple[float, Session, Step]]:
        """(seconds since the start, the visit, what happened), in the order of time, for ever."""
        rng = self._rng
        horizon = GAP_MEAN_SECONDS * self._stretch
        active = [(rng.random() * horizon, number, self._visit(0.0)) for number in range(self._visits)]
        heapq.heapify(active)
        while True:
            at, number, session = active[0]
            step = session.next_step()
            while step is None:
                self._leave(session, at)
                session = self._visit(at)
                step = session.next_step()
            yield at, session, step
            gap = rng.lognormvariate(0.0, GAP_SIGMA) * GAP_MEDIAN_SECONDS * self._stretch
            heapq.heapreplace(active, (at + gap, number, session))

    def _visit(self, at: float) -> Session:
        if self._returning and self._returning[0][0] <= at:
            shopper = heapq.heappop(self._returning)[2]
        else:
            shopper = new_shopper(self._rng)
        return Session(shopper, self._catalog, self._rng)

    def _leave(self, session: Session, at: float) -> None:
        """Decide whether the shopper comes back, for a refund or for more."""
        shopper, persona, rng = session.shopper, session.shopper.persona, self._rng
        if session.purchased and rng.random() < REFUND_PROBABILITY:
            shopper.to_refund = session.purchased
            returns = True
        else:
            probability = persona.cart_return_probability if shopper.cart else persona.return_probability
            returns = rng.random() < probability
        if returns:
            self._arrivals += 1
            delay = rng.lognormvariate(0.0, RETURN_SIGMA) * RETURN_MEDIAN_SECONDS * self._stretch
            heapq.heappush(self._returning, (at + delay, self._arrivals, shopper))
