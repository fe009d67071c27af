"""How shoppers behave: what follows what in a visit, and the kinds of people who do it, as tables to draw from.

Steps carry the names of the events they cause; START and EXIT cause none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, product

import numpy as np
from numpy.typing import NDArray

from generator.profiles import Profile

START = "start"
EXIT = "exit"

# What an average visitor does next, as weights. The three that a profile tunes stand for 1.
NEXT_STEPS: Mapping[str, Mapping[str, float]] = {
    START: {"page_view": 30, "view_item": 52, "view_item_list": 10, "search": 8},
    "page_view": {
        "view_item_list": 30, "search": 16, "view_item": 12, "login": 3, "sign_up": 1, "view_cart": 4, EXIT: 34,
    },
    "search": {"view_item_list": 85, "search": 5, EXIT: 10},
    "view_item_list": {"select_item": 54, "view_item_list": 12, "search": 6, "page_view": 3, EXIT: 25},
    "select_item": {"view_item": 1},
    "view_item": {
        "add_to_cart": 3, "add_to_wishlist": 1, "view_item": 14, "view_item_list": 10, "search": 3, "page_view": 2,
        EXIT: 66,
    },
    "add_to_wishlist": {"view_item_list": 50, "page_view": 15, "login": 5, "sign_up": 5, EXIT: 25},
    "add_to_cart": {"view_cart": 34, "view_item_list": 12, "view_item": 10, "begin_checkout": 24, EXIT: 20},
    "remove_from_cart": {"view_cart": 50, "view_item_list": 20, EXIT: 30},
    "view_cart": {"begin_checkout": 52, "remove_from_cart": 10, "view_item_list": 8, "page_view": 4, EXIT: 26},
    "begin_checkout": {"login": 14, "sign_up": 10, "add_shipping_info": 60, "view_cart": 4, EXIT: 12},
    "add_shipping_info": {"add_payment_info": 87, EXIT: 13},
    "add_payment_info": {"purchase": 88, EXIT: 12},
    "purchase": {"page_view": 25, EXIT: 75},
    "refund": {"page_view": 10, EXIT: 90},
    "login": {"add_shipping_info": 80, "page_view": 10, "view_item_list": 10},
    "sign_up": {"add_shipping_info": 80, "page_view": 10, "view_item_list": 10},
}  # fmt: skip
STATES = (*NEXT_STEPS,)
EVENT_NAMES = tuple(name for name in STATES if name != START)
CODE = {name: code for code, name in enumerate(EVENT_NAMES)}
LEAVE = len(EVENT_NAMES)
_STATE_OF_START = LEAVE + 1

_NEEDS_CART = {"remove_from_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase"}
_CHECKOUT_STAGES = {"add_shipping_info", "add_payment_info", "purchase"}
# Draws are made with this many steps: a weight of 1 % is 41 of them.
_PRECISION = 4096

# What limits a shopper's choice: the cart, the account, an open checkout.
CART_EMPTY, CART_FILLED, CART_FULL = range(3)
SIGNED_IN, HAS_ACCOUNT, NO_ACCOUNT = range(3)


@dataclass(frozen=True)
class Persona:
    """A kind of visitor: its share of all visitors and how its weights differ from the average's.

    `comes_back` is the chance of another visit after one, `comes_back_to_cart` the same when the cart was left filled.
    """

    name: str
    share: float
    factors: Mapping[str, float]
    has_account: float = 0.0
    comes_back: float = 0.0
    comes_back_to_cart: float = 0.0
    is_bot: bool = False


PERSONAS = (
    Persona("browser", 0.48, {}, has_account=0.25, comes_back=0.12, comes_back_to_cart=0.3),
    Persona(
        "bargain_hunter", 0.16,
        {"search": 1.8, "add_to_wishlist": 3, "remove_from_cart": 2, "begin_checkout": 0.6, EXIT: 0.8},
        has_account=0.35, comes_back=0.25, comes_back_to_cart=0.5,
    ),
    Persona(
        "buyer", 0.14, {"add_to_cart": 3.0, "begin_checkout": 1.8, "login": 1.5, EXIT: 0.7},
        has_account=0.6, comes_back=0.2, comes_back_to_cart=0.5,
    ),
    Persona("bouncer", 0.2, {EXIT: 3.5, "add_to_cart": 0.2}, comes_back=0.02),
    Persona(
        "bot", 0.02,
        {"add_to_cart": 0, "add_to_wishlist": 0, "search": 0.1, "login": 0, "sign_up": 0, "view_cart": 0, EXIT: 0.2},
        is_bot=True,
    ),
)  # fmt: skip


class Habits:
    """What follows each step, for all personas and conditions: a table that is looked up with random bits."""

    def __init__(self, profile: Profile) -> None:
        self._table = _table(profile)

    def next(
        self, persona: NDArray[np.int64], cart: NDArray[np.int64], account: NDArray[np.int64],
        in_checkout: NDArray[np.bool_], state: NDArray[np.int64], bits: NDArray[np.uint64],
    ) -> NDArray[np.int64]:  # fmt: skip
        """The codes of what happens next, LEAVE where the visit ends."""
        row = ((persona * 3 + cart) * 3 + account) * 2 + in_checkout
        place = (bits >> np.uint64(52)).astype(np.int64)
        return np.asarray(self._table[row * (LEAVE + 2) + state, place], np.int64)

    @staticmethod
    def start(count: int) -> NDArray[np.int64]:
        """The state of visits that have just begun."""
        return np.full(count, _STATE_OF_START, np.int64)


@cache
def _table(profile: Profile) -> NDArray[np.int8]:
    """(persona × cart × account × checkout × state, draw) → code of the next step."""
    rows = [
        _choices(state, persona, conditions, profile.weights)
        for persona in PERSONAS
        for conditions in product(range(3), range(3), (False, True))
        for state in (*EVENT_NAMES, None, START)
    ]
    return np.array(rows, np.int8)


def _choices(
    state: str | None, persona: Persona, conditions: tuple[int, int, bool], tuned: Mapping[str, float]
) -> list[int]:
    """The codes of the next steps, each as often as it is likely."""
    weights = {
        step: weight * persona.factors.get(step, 1.0) * tuned.get(step, 1.0)
        for step, weight in NEXT_STEPS.get(state or "", {}).items()
        if _is_possible(step, state, *conditions)
    }
    total = sum(weights.values())
    if not total:
        return [LEAVE] * _PRECISION
    codes: list[int] = []
    for step, sum_ in zip(weights, accumulate(weights.values()), strict=True):
        codes += [CODE.get(step, LEAVE)] * (round(sum_ / total * _PRECISION) - len(codes))
    return codes


def _is_possible(step: str, state: str | None, cart: int, account: int, in_checkout: bool) -> bool:
    if step in _NEEDS_CART and cart == CART_EMPTY:
        return False
    if step in _CHECKOUT_STAGES:
        return in_checkout
    if step == "view_cart":
        return cart != CART_EMPTY or state == "remove_from_cart"
    needed = {"add_to_cart": cart != CART_FULL, "login": account == HAS_ACCOUNT, "sign_up": account == NO_ACCOUNT}
    return needed.get(step, True)
