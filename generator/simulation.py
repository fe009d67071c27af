"""What each visitor does from the first page to the last, many visits at a time.

All visits of a batch take their n-th step together. What follows what is in `personas`; here is what a step does to
the cart, the checkout and the account.
"""

from __future__ import annotations

import numpy as np

from generator.arrivals import draw_origins, fills_traffic
from generator.catalog import Popularity
from generator.chance import QUANTILES, Bits, Chance, Flags, Int, log_normal
from generator.columns import joined
from generator.personas import (
    CART_EMPTY,
    CART_FILLED,
    CART_FULL,
    CODE,
    HAS_ACCOUNT,
    LEAVE,
    NO_ACCOUNT,
    SIGNED_IN,
    Habits,
)
from generator.profiles import Profile
from generator.visitors import CART_LINES, Visitors
from generator.visits import (
    CATEGORY_LIST,
    GAP_MEDIAN_SECONDS,
    GAP_SIGMA,
    PERIOD_MS,
    SEARCH_LIST,
    Carts,
    Simulated,
    Steps,
    Visits,
)

MAX_STEPS = 200
_GAPS_MS = log_normal(GAP_MEDIAN_SECONDS, GAP_SIGMA, scale=1000)
_VIEW, _LIST, _SELECT, _SEARCH = (CODE[n] for n in ("view_item", "view_item_list", "select_item", "search"))
_ADD, _REMOVE, _CART = (CODE[n] for n in ("add_to_cart", "remove_from_cart", "view_cart"))
_PAGE, _REFUND, _PURCHASE, _BEGIN = (CODE[n] for n in ("page_view", "refund", "purchase", "begin_checkout"))
_CHECKOUT = (_BEGIN, CODE["add_shipping_info"], CODE["add_payment_info"], _PURCHASE)
_STAGE = np.array([_CHECKOUT.index(code) if code in _CHECKOUT else -1 for code in range(LEAVE)])


def _flags(*codes: int) -> Flags:
    return np.isin(np.arange(LEAVE), codes)


_SIGNS_IN = _flags(CODE["login"], CODE["sign_up"])
_ABOUT_PRODUCT = _flags(_VIEW, _SELECT, _ADD, _REMOVE, CODE["add_to_wishlist"], _LIST, _SEARCH)
_ABOUT_CART = _flags(_CART, *_CHECKOUT)
_LEAVES_CHECKOUT = _flags(_LIST, _VIEW, _CART, _SEARCH, _PAGE)
_STAYS_IN_CATEGORY = 0.5
_SEVERAL_PIECES = 0.15


class Simulation:
    """The rules of a shop: its products and how many variants each has (1: none to speak of), habits, a profile."""

    def __init__(self, popularity: Popularity, variants: Int, profile: Profile, chance: Chance) -> None:
        self.popularity = popularity
        self.variants = variants
        self.chance = chance
        self.habits = Habits(profile)
        self._profile = profile

    def run(self, visitors: Visitors, began: Int) -> Simulated:
        """The visits of these visitors, one each, that begin at these times (ms). Changes `visitors`."""
        chance, rows = self.chance, len(visitors)
        visitors.visits += 1
        comes_directly = visitors.wants_refund | visitors.is_bot
        origin = draw_origins(chance, self._profile, comes_directly, visitors.is_reminded)
        visits = Visits(
            visitor=np.arange(rows), session=chance.bits(rows), origin=origin,
            fills_traffic=fills_traffic(chance, origin), click=chance.bits(rows), wishes=chance.bits(rows),
            is_for_refund=visitors.wants_refund.copy(),
        )  # fmt: skip
        course = _Course(self, visitors, visits, began)
        while len(course.active) and course.number < MAX_STEPS:
            course.step()
        visitors.wants_refund[:] = False
        visitors.is_reminded[:] = False
        return Simulated(visitors, visits, *course.result(), course.at, course.bought)


class _Course:
    """A batch of visits under way."""

    def __init__(self, rules: Simulation, visitors: Visitors, visits: Visits, began: Int) -> None:
        rows = len(visitors)
        self._rules = rules
        self._visitors = visitors
        self._visits = visits
        self.at = began.copy()
        self.bought = np.zeros(rows, bool)
        self.active = np.arange(rows)
        self.number = 0
        self._state = Habits.start(rows)
        self._in_checkout = np.zeros(rows, bool)
        self._product = rules.popularity.draw(rules.chance, np.zeros(rows, np.int64), np.zeros(rows, bool))
        self._listing = np.full(rows, CATEGORY_LIST)
        self._page = np.zeros(rows, np.int64)
        self._steps: list[Steps] = []
        self._carts: list[Carts] = [_no_carts()]
        self._shown = 0

    def step(self) -> None:
        """The next step of all that are still there."""
        bits = self._rules.chance.bits(len(self.active))
        code = self._choose(bits)
        stays = code != LEAVE
        self.active, bits, code = self.active[stays], bits[stays], code[stays]
        self.number += 1
        if not len(self.active):
            return
        self._browse(code)
        quantity, variant, cart = self._shop(code, bits)
        self._record(code, quantity, variant, cart)
        self._state[self.active] = code
        gap = _GAPS_MS[(bits >> np.uint64(36) & np.uint64(QUANTILES - 1)).astype(np.int64)]
        self.at[self.active] += gap

    def result(self) -> tuple[Steps, Carts]:
        """All steps and what they showed."""
        return joined(self._steps), joined(self._carts)

    def _choose(self, bits: Bits) -> Int:
        rows, visitors = self.active, self._visitors
        lines = (visitors.cart_product[rows] >= 0).sum(axis=1)
        cart = np.where(lines == 0, CART_EMPTY, np.where(lines == CART_LINES, CART_FULL, CART_FILLED))
        has_account = np.where(visitors.has_account[rows], HAS_ACCOUNT, NO_ACCOUNT)
        account = np.where(visitors.signed_in[rows], SIGNED_IN, has_account)
        code = self._rules.habits.next(
            visitors.persona[rows], cart, account, self._in_checkout[rows], self._state[rows], bits
        )
        if self.number < 2:
            forced = _PAGE if self.number == 0 else _REFUND
            code = np.where(self._visits.is_for_refund[rows], forced, code)
        return code

    def _browse(self, code: Int) -> None:
        """Which product, which list, which page of it."""
        rows, rules = self.active, self._rules
        before, product = self._state[rows], self._product[rows]
        anew = ((code == _VIEW) & (before != _SELECT)) | (code == _SEARCH) | (code == _LIST)
        stays = (code == _LIST) & ((before == _SEARCH) | rules.chance.hits(_STAYS_IN_CATEGORY, len(rows)))
        drawn = rules.popularity.draw(rules.chance, product, stays)
        again = (code == _LIST) & (before == _LIST)
        self._product[rows] = np.where(anew, drawn, product)
        self._page[rows] = np.where(again, self._page[rows] + 1, 1)
        listing = np.where(code == _SEARCH, SEARCH_LIST, self._listing[rows])
        fresh = (code == _PAGE) | ((code == _LIST) & (before != _LIST) & (before != _SEARCH))
        self._listing[rows] = np.where(fresh, CATEGORY_LIST, listing)

    def _shop(self, code: Int, bits: Bits) -> tuple[Int, Int, Int]:
        """Quantity and variant of a step about one product, and the row of the cart that a step shows."""
        rows, visitors = self.active, self._visitors
        self._in_checkout[rows] &= ~_LEAVES_CHECKOUT[code]
        self._in_checkout[rows] |= code == _BEGIN
        signs_in = rows[_SIGNS_IN[code]]
        visitors.signed_in[signs_in] = visitors.has_account[signs_in] = True
        low = (bits & np.uint64(0xFFFF)).astype(np.int64)
        middle = (bits >> np.uint64(16) & np.uint64(0xFFFFF)).astype(np.int64)
        quantity = np.where(middle < _SEVERAL_PIECES * 2**20, 2 + middle % 3, 1)
        variant = low % self._rules.variants[self._product[rows]]
        is_add, is_remove = code == _ADD, code == _REMOVE
        if is_add.any():
            self._put_in(rows[is_add], quantity[is_add], variant[is_add], bits[is_add])
        if is_remove.any():
            quantity[is_remove], variant[is_remove] = self._take_out(rows[is_remove], low[is_remove])
        cart = np.full(len(rows), -1)
        self._show(code, rows, cart)
        buys = rows[code == _PURCHASE]
        if len(buys):
            self._buy(buys)
        return quantity, variant, cart

    def _put_in(self, rows: Int, quantity: Int, variant: Int, bits: Bits) -> None:
        visitors, product = self._visitors, self._product[rows]
        held = visitors.cart_product[rows]
        is_first = (held < 0).all(axis=1)
        visitors.cart_id[rows] = np.where(is_first, bits * np.uint64(0x9E3779B97F4A7C15), visitors.cart_id[rows])
        same = (held == product[:, None]) & (visitors.cart_variant[rows] == variant[:, None])
        line = np.where(same.any(axis=1), same.argmax(axis=1), (held < 0).argmax(axis=1))
        visitors.cart_product[rows, line] = product
        visitors.cart_variant[rows, line] = variant
        visitors.cart_quantity[rows, line] += quantity

    def _take_out(self, rows: Int, bits: Int) -> tuple[Int, Int]:
        """A line goes, and the last one takes its place; its quantity and variant."""
        visitors = self._visitors
        lines = (visitors.cart_product[rows] >= 0).sum(axis=1)
        line, last = bits % lines, lines - 1
        self._product[rows] = visitors.cart_product[rows, line]
        gone = visitors.cart_quantity[rows, line], visitors.cart_variant[rows, line]
        for column, empty in ((visitors.cart_product, -1), (visitors.cart_quantity, 0), (visitors.cart_variant, 0)):
            column[rows, line] = column[rows, last]
            column[rows, last] = empty
        return gone

    def _show(self, code: Int, rows: Int, cart: Int) -> None:
        """Keep what carts and orders hold now, for the events that list it."""
        visitors = self._visitors
        shows = _ABOUT_CART[code]
        if shows.any():
            shown = rows[shows]
            order_id = self._visits.wishes[shown] ^ (visitors.cart_id[shown] << np.uint64(1))
            held = (visitors.cart_product[shown], visitors.cart_quantity[shown], visitors.cart_variant[shown])
            cart[shows] = self._keep(Carts(*held, order_id))
        refunds = code == _REFUND
        if refunds.any():
            back = rows[refunds]
            product = visitors.order_product[back].copy()
            lines = (product >= 0).sum(axis=1)
            wishes = (self._visits.wishes[back] >> np.uint64(40)).astype(np.int64)
            is_part = (lines > 1) & (wishes % 2 == 0)
            kept = np.arange(CART_LINES)[None, :] == (wishes // 2 % lines)[:, None]
            product[is_part[:, None] & ~kept] = -1
            quantity, variant = visitors.order_quantity[back], visitors.order_variant[back]
            cart[refunds] = self._keep(Carts(product, quantity, variant, visitors.order_id[back]))

    def _keep(self, carts: Carts) -> Int:
        first, self._shown = self._shown, self._shown + len(carts.order_id)
        self._carts.append(carts)
        return np.arange(first, self._shown)

    def _buy(self, rows: Int) -> None:
        visitors = self._visitors
        visitors.order_product[rows] = visitors.cart_product[rows]
        visitors.order_quantity[rows] = visitors.cart_quantity[rows]
        visitors.order_variant[rows] = visitors.cart_variant[rows]
        visitors.order_id[rows] = self._visits.wishes[rows] ^ (visitors.cart_id[rows] << np.uint64(1))
        visitors.order_period[rows] = self.at[rows] // PERIOD_MS
        visitors.cart_product[rows] = -1
        visitors.cart_quantity[rows] = 0
        visitors.cart_variant[rows] = 0
        self.bought[rows] = True
        self._in_checkout[rows] = False

    def _record(self, code: Int, quantity: Int, variant: Int, cart: Int) -> None:
        rows, visitors = self.active, self._visitors
        at = self.at[rows]
        period = np.where(code == _REFUND, visitors.order_period[rows], at // PERIOD_MS)
        self._steps.append(
            Steps(
                visit=rows, code=code, number=np.full(len(rows), self.number), at=at, period=period,
                product=np.where(_ABOUT_PRODUCT[code], self._product[rows], -1), quantity=quantity, variant=variant,
                listing=self._listing[rows], page=self._page[rows], cart=cart, stage=_STAGE[code],
                signed_in=visitors.signed_in[rows], cart_id=visitors.cart_id[rows],
            )
        )  # fmt: skip


def _no_carts() -> Carts:
    none = np.zeros((0, CART_LINES), np.int64)
    return Carts(none, none, none, np.zeros(0, np.uint64))
