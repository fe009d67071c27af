"""Whole visits, many at a time, as tables: who came, what happened step by step, and what the carts held."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from generator.chance import Bits, Flags, Int
from generator.profiles import DAY_SECONDS
from generator.visitors import Visitors

# Between two steps of a visit.
GAP_MEDIAN_SECONDS, GAP_SIGMA = 11.0, 0.95
GAP_MEAN_SECONDS = GAP_MEDIAN_SECONDS * exp(GAP_SIGMA**2 / 2)
# Prices change this often.
PERIOD_MS = 7 * DAY_SECONDS * 1000
CATEGORY_LIST, SEARCH_LIST = 1, 2


@dataclass
class Visits:
    """One row per visit. `origin` is a place in `arrivals.ORIGINS`; `wishes` are bits for the checkout's choices."""

    visitor: Int
    session: Bits
    origin: Int
    fills_traffic: Flags
    click: Bits
    wishes: Bits
    is_for_refund: Flags


@dataclass
class Steps:
    """One row per event. `visit` is a row of Visits, `number` counts from 1, `at` is in ms of the shop's time.

    `product` is −1 where the step is about none or about a cart; then `cart` is a row of Carts, else −1. `stage` is 0
    to 3 in the checkout, else −1. `period` decides the prices.
    """

    visit: Int
    code: Int
    number: Int
    at: Int
    period: Int
    product: Int
    quantity: Int
    variant: Int
    listing: Int
    page: Int
    cart: Int
    stage: Int
    signed_in: Flags
    cart_id: Bits


@dataclass
class Carts:
    """One row per cart, order or refund that an event shows; `order_id` counts for the latter two."""

    product: Int
    quantity: Int
    variant: Int
    order_id: Bits


@dataclass
class Simulated:
    """What came of a batch: the visitors as they left, when they did, and whether they bought something."""

    visitors: Visitors
    visits: Visits
    steps: Steps
    carts: Carts
    ended: Int
    bought: Flags
