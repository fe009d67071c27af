"""How shoppers behave: what follows what in a session, and the kinds of people who do it.

Steps carry the names of the events they cause; START and EXIT cause none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

START = "start"
EXIT = "exit"

# What an average visitor does next, as weights. Rules that weights cannot state (no checkout with an empty
# cart) are `Session.allows`.
NEXT_STEPS: Mapping[str, Mapping[str, float]] = {
    START: {"page_view": 42, "view_item": 30, "view_item_list": 18, "search": 10},
    "page_view": {
        "view_item_list": 34,
        "search": 18,
        "view_item": 8,
        "login": 3,
        "sign_up": 1,
        "view_cart": 4,
        EXIT: 32,
    },
    "search": {"view_item_list": 85, "search": 5, EXIT: 10},
    "view_item_list": {"select_item": 50, "view_item_list": 12, "search": 6, "page_view": 4, EXIT: 28},
    "select_item": {"view_item": 1},
    "view_item": {
        "add_to_cart": 10,
        "add_to_wishlist": 3,
        "view_item": 19,
        "view_item_list": 22,
        "search": 6,
        "page_view": 4,
        EXIT: 36,
    },
    "add_to_wishlist": {"view_item_list": 50, "page_view": 15, "login": 5, "sign_up": 5, EXIT: 25},
    "add_to_cart": {"view_cart": 36, "view_item_list": 22, "view_item": 10, "begin_checkout": 12, EXIT: 20},
    "remove_from_cart": {"view_cart": 50, "view_item_list": 25, EXIT: 25},
    "view_cart": {
        "begin_checkout": 44,
        "remove_from_cart": 11,
        "view_item_list": 13,
        "page_view": 4,
        EXIT: 28,
    },
    "begin_checkout": {"login": 14, "sign_up": 10, "add_shipping_info": 60, "view_cart": 4, EXIT: 12},
    "add_shipping_info": {"add_payment_info": 87, EXIT: 13},
    "add_payment_info": {"purchase": 88, EXIT: 12},
    "purchase": {"page_view": 25, EXIT: 75},
    "refund": {"page_view": 10, EXIT: 90},
    "login": {"add_shipping_info": 80, "page_view": 10, "view_item_list": 10},
    "sign_up": {"add_shipping_info": 80, "page_view": 10, "view_item_list": 10},
}


class Habits:
    """One persona's transition weights, ready to draw from."""

    def __init__(self, factors: Mapping[str, float]) -> None:
        self._choices: dict[str, tuple[list[str], list[float]]] = {}
        for step, following in NEXT_STEPS.items():
            weights = [weight * factors.get(name, 1.0) for name, weight in following.items()]
            total = sum(weights) or 1.0
            self._choices[step] = (list(following), [sum_ / total for sum_ in accumulate(weights)])

    def draw(self, step: str, rng: Random) -> str:
        """What follows `step`."""
        names, cumulative = self._choices[step]
        return names[min(bisect_right(cumulative, rng.random()), len(names) - 1)]


@dataclass(frozen=True)
class Persona:
    """A kind of visitor: its share of all visitors and how its weights differ from the average's.

    `return_probability` is the chance of another visit after one, `cart_return_probability` the same when the
    cart was left filled.
    """

    name: str
    share: float
    factors: Mapping[str, float]
    account_probability: float = 0.0
    return_probability: float = 0.0
    cart_return_probability: float = 0.0
    is_bot: bool = False
    habits: Habits = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "habits", Habits(self.factors))


PERSONAS = (
    Persona("browser", 0.46, {}, account_probability=0.25, return_probability=0.15, cart_return_probability=0.3),
    Persona(
        "bargain_hunter",
        0.18,
        {"search": 1.8, "add_to_wishlist": 3, "remove_from_cart": 2, "begin_checkout": 0.6, EXIT: 0.8},
        account_probability=0.35,
        return_probability=0.3,
        cart_return_probability=0.5,
    ),
    Persona(
        "buyer",
        0.17,
        {"add_to_cart": 3.0, "begin_checkout": 1.8, "login": 1.5, EXIT: 0.6},
        account_probability=0.6,
        return_probability=0.2,
        cart_return_probability=0.5,
    ),
    Persona("bouncer", 0.15, {EXIT: 3.5, "add_to_cart": 0.2}, return_probability=0.02),
    Persona(
        "bot",
        0.04,
        {
            "add_to_cart": 0,
            "add_to_wishlist": 0,
            "search": 0.1,
            "login": 0,
            "sign_up": 0,
            "view_cart": 0,
            EXIT: 0.4,
        },
        is_bot=True,
    ),
)
