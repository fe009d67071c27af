"""One visit as a state machine: each step is what the shopper does next, with the page it happens on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, cast
from urllib.parse import quote_plus

from generator import checkouts
from generator.arrivals import DIRECT, draw_arrival
from generator.carts import Order, Step, draw_variant, line_for, priced_step
from generator.catalog import Catalog, Product
from generator.checkouts import Checkout
from generator.personas import EXIT, START
from generator.shoppers import Shopper, draw_account_id

SHOP_URL = "https://www.shop.example"

_LIST_LENGTH = 5
_CHECKOUT_STAGES = frozenset({"add_shipping_info", "add_payment_info", "purchase"})
_NEEDS_CART = _CHECKOUT_STAGES | {"remove_from_cart", "begin_checkout"}
_LEAVES_CHECKOUT = frozenset({"view_item_list", "view_item", "view_cart", "search", "page_view"})
_INFO_PAGES = (
    ("/", "Home"),
    ("/", "Home"),
    ("/new", "New arrivals"),
    ("/sale", "Sale"),
    ("/about", "About us"),
)
# Draws before a shopper whose wishes are all impossible gives up.
_MAX_DRAWS = 6


class Session:
    """One visit of one shopper, one step at a time."""

    def __init__(self, shopper: Shopper, catalog: Catalog, rng: Random) -> None:
        shopper.sessions += 1
        self.shopper = shopper
        self.session_id = f"{rng.getrandbits(64):016x}"
        self.number = shopper.sessions
        self.event_index = 0
        self.last_event_ms = 0
        arrival = DIRECT if shopper.persona.is_bot or shopper.to_refund else draw_arrival(rng)
        self.path, self.title, self.referrer = "/", "Home", arrival.referrer
        self.traffic = arrival.traffic
        self.purchased: Order | None = None
        self._landing_query = arrival.query
        self._catalog = catalog
        self._rng = rng
        self._state = START
        self._checkout: Checkout | None = None
        self._product: Product = rng.choice(catalog.products)
        self._category = self._product.category
        self._listed: list[Product] = []
        self._list_page = 0
        self._search_term: str | None = None

    def next_step(self) -> Step | None:
        """What the shopper does now, or None when they leave."""
        name = self._choose()
        if name == EXIT:
            return None
        if name in _LEAVES_CHECKOUT:
            self._checkout = None
        if self.event_index:
            self.referrer = SHOP_URL + self.path
        step = _ACTIONS[name](self, name)
        if not self.event_index and self._landing_query:
            self.path += ("&" if "?" in self.path else "?") + self._landing_query
        self.event_index += 1
        self._state = name
        return step

    def _choose(self) -> str:
        if self.shopper.to_refund:
            return "refund" if self.event_index else "page_view"
        for _ in range(_MAX_DRAWS):
            name = self.shopper.persona.habits.draw(self._state, self._rng)
            if self._allows(name):
                return name
        return EXIT

    def _allows(self, name: str) -> bool:
        """Whether the shopper can do this at all now."""
        shopper = self.shopper
        if name in _NEEDS_CART and not shopper.cart:
            return False
        if name in _CHECKOUT_STAGES:
            return self._checkout is not None
        if name == "view_cart":
            return bool(shopper.cart) or self._state == "remove_from_cart"
        if name == "login":
            return shopper.user_id is None and shopper.account_id is not None
        if name == "sign_up":
            return shopper.user_id is None and shopper.account_id is None
        return True

    def _visit(self, path: str, title: str) -> None:
        self.path, self.title = path, title

    def _page(self, name: str) -> Step:
        if self.shopper.to_refund:
            self._visit("/account/orders", "Your orders")
        else:
            self._visit(*self._rng.choice(_INFO_PAGES))
        self._search_term = None
        return Step(name)

    def _account(self, name: str) -> Step:
        shopper = self.shopper
        shopper.account_id = shopper.account_id or draw_account_id(self._rng)
        shopper.user_id = shopper.account_id
        self._visit("/account/login" if name == "login" else "/account/register", "Your account")
        return Step(name)

    def _search(self, name: str) -> Step:
        wanted = self._rng.choice(self._catalog.products)
        self._category, self._search_term = wanted.category, wanted.search_term
        self._visit(f"/search?q={quote_plus(self._search_term)}", f"Search: {self._search_term}")
        return Step(name, ecommerce={"search_term": self._search_term})

    def _list(self, name: str) -> Step:
        again = self._state == name
        self._list_page = self._list_page + 1 if again else 1
        if not again and self._state != "search":
            self._search_term = None
            if self._rng.random() < 0.5:
                self._category = self._rng.choice(list(self._catalog.by_category))
        pool = self._catalog.by_category[self._category]
        self._listed = self._rng.sample(pool, min(_LIST_LENGTH, len(pool)))
        if self._search_term:
            path = f"/search?q={quote_plus(self._search_term)}&page={self._list_page}"
            self._visit(path, f"Search: {self._search_term}")
        else:
            self._visit(f"/c/{self._category.lower()}?page={self._list_page}&sort=popular", self._category)
        return Step(name, [line_for(product) for product in self._listed], self._list_fields())

    def _list_fields(self) -> dict[str, Any]:
        if self._search_term:
            return {"item_list_id": "search_results", "search_term": self._search_term}
        return {"item_list_id": f"category_{self._category.lower()}"}

    def _select(self, name: str) -> Step:
        self._product = self._rng.choice(self._listed)
        return Step(name, [line_for(self._product)], self._list_fields())

    def _view(self, name: str) -> Step:
        if self._state != "select_item":
            self._product = self._rng.choice(self._catalog.products)
            self._category = self._product.category
        self._visit(f"/p/{self._product.slug}", self._product.name)
        return priced_step(name, [line_for(self._product)])

    def _wish(self, name: str) -> Step:
        return priced_step(name, [line_for(self._product)])

    def _add(self, name: str) -> Step:
        shopper, rng = self.shopper, self._rng
        if not shopper.cart:
            shopper.cart_id = f"cart-{rng.getrandbits(48):012x}"
        quantity = 1 if rng.random() < 0.85 else rng.randrange(2, 5)
        variant = draw_variant(self._product, rng)
        for line in shopper.cart:
            if line.product is self._product and line.variant == variant:
                line.quantity += quantity
                break
        else:
            shopper.cart.append(line_for(self._product, quantity, variant))
        added = line_for(self._product, quantity, variant)
        return priced_step(name, [added], cart_id=shopper.cart_id)

    def _remove(self, name: str) -> Step:
        cart = self.shopper.cart
        removed = cart.pop(self._rng.randrange(len(cart)))
        self._visit("/cart", "Your cart")
        return priced_step(name, [removed], cart_id=self.shopper.cart_id)

    def _cart(self, name: str) -> Step:
        self._visit("/cart", "Your cart")
        return priced_step(name, list(self.shopper.cart), cart_id=self.shopper.cart_id)

    def _proceed(self, name: str) -> Step:
        self._checkout = self._checkout or Checkout(self._rng)
        self._visit(*checkouts.PAGES[name])
        return self._checkout.step(name, self.shopper.cart, self.shopper.cart_id)

    def _purchase(self, name: str) -> Step:
        shopper, checkout = self.shopper, cast(Checkout, self._checkout)
        self._visit(*checkouts.PAGES[name])
        step, self.purchased = checkout.purchase(shopper.cart, shopper.cart_id)
        shopper.cart, self._checkout = [], None
        return step

    def _refund(self, _: str) -> Step:
        order = cast(Order, self.shopper.to_refund)
        self.shopper.to_refund = None
        return checkouts.refund(order, self._rng)


_ACTIONS: dict[str, Callable[[Session, str], Step]] = {
    "page_view": Session._page,
    "login": Session._account,
    "sign_up": Session._account,
    "search": Session._search,
    "view_item_list": Session._list,
    "select_item": Session._select,
    "view_item": Session._view,
    "add_to_wishlist": Session._wish,
    "add_to_cart": Session._add,
    "remove_from_cart": Session._remove,
    "view_cart": Session._cart,
    "begin_checkout": Session._proceed,
    "add_shipping_info": Session._proceed,
    "add_payment_info": Session._proceed,
    "purchase": Session._purchase,
    "refund": Session._refund,
}
