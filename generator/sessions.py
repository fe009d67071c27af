"""One visit as a state machine: each step is what the shopper does next, with the page it happens on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast
from urllib.parse import quote_plus

from generator.audience import CHANNELS
from generator.catalog import Catalog, Product
from generator.personas import EXIT, START
from generator.shoppers import (
    Line,
    Order,
    Shopper,
    draw_variant,
    line_for,
    total_cents,
    traffic_fields,
)

CURRENCY = "EUR"
SHOP_URL = "https://www.shop.example"

_LIST_LENGTH = 5
_CHECKOUT = frozenset({"add_shipping_info", "add_payment_info", "purchase"})
_NEEDS_CART = _CHECKOUT | {"remove_from_cart", "begin_checkout"}
_SHIPPING = (("standard", 490), ("express", 1190), ("pickup", 0))
_PAYMENTS = ("credit_card", "credit_card", "paypal", "paypal", "invoice", "apple_pay", "google_pay")
_COUPONS = ("WELCOME10", "SUMMER5", "FREESHIP")
_REFUND_REASONS = ("damaged", "wrong_size", "not_as_described", "changed_mind", "arrived_late")
_INFO_PAGES = (
    ("/", "Home"),
    ("/", "Home"),
    ("/new", "New arrivals"),
    ("/sale", "Sale"),
    ("/about", "About us"),
)
_VAT_PERCENT = 19


@dataclass(slots=True)
class Step:
    """One thing a shopper did: the event's name and what it is about. Money is in cents."""

    name: str
    lines: list[Line]
    ecommerce: dict[str, Any]
    money: dict[str, int]


class Session:
    """One visit of one shopper, one step at a time."""

    def __init__(self, shopper: Shopper, catalog: Catalog, rng: Random) -> None:
        shopper.sessions += 1
        self.shopper = shopper
        self.session_id = f"{rng.getrandbits(64):016x}"
        self.number = shopper.sessions
        self.event_index = 0
        self.last_event_ms = 0
        self.path, self.title, self.referrer = "/", "Home", ""
        self.traffic: dict[str, Any] = {}
        self.purchased: Order | None = None
        self._catalog = catalog
        self._rng = rng
        self._state = START
        self._in_checkout = False
        self._category = rng.choice(list(catalog.by_category))
        self._product: Product = rng.choice(catalog.products)
        self._listed: list[Product] = []
        self._list_page = 0
        self._search_term: str | None = None
        self._coupon: str | None = None
        self._shipping = _SHIPPING[0]
        self._payment = _PAYMENTS[0]
        self._landing_query = self._arrive()

    def next_step(self) -> Step | None:
        """What the shopper does now, or None when they leave."""
        name = self._choose()
        if name == EXIT:
            return None
        if self.event_index:
            self.referrer = SHOP_URL + self.path
        step = _ACTIONS[name](self, name)
        if not self.event_index and self._landing_query:
            self.path += ("&" if "?" in self.path else "?") + self._landing_query
        self.event_index += 1
        self._state = name
        return step

    def allows(self, name: str) -> bool:
        """Whether the shopper can do this at all now."""
        shopper = self.shopper
        if name in _NEEDS_CART and not shopper.cart:
            return False
        if name in _CHECKOUT and not self._in_checkout:
            return False
        if name == "view_cart":
            return bool(shopper.cart) or self._state == "remove_from_cart"
        if name == "login":
            return shopper.user_id is None and shopper.account_id is not None
        if name == "sign_up":
            return shopper.user_id is None and shopper.account_id is None
        return True

    def _choose(self) -> str:
        if self.shopper.to_refund and self._state != "refund":
            return "refund" if self.event_index else "page_view"
        for _ in range(6):
            name = self.shopper.persona.habits.draw(self._state, self._rng)
            if self.allows(name):
                return name
        return EXIT

    def _arrive(self) -> str:
        """Draw what brought the shopper; the landing page's query string."""
        rng = self._rng
        channel = CHANNELS.draw(rng)
        self.referrer = channel.referrer or ""
        if self.shopper.persona.is_bot or self.shopper.to_refund or channel.source is None:
            self.referrer = ""
            return ""
        campaign = rng.choice(channel.campaigns) if channel.campaigns else None
        click_id = f"{rng.getrandbits(80):020x}" if channel.click_parameter else None
        query = ""
        if campaign:
            query = f"utm_source={channel.source}&utm_medium={channel.medium}&utm_campaign={campaign}"
        if click_id:
            query += f"&{channel.click_parameter}={click_id}"
        # Some trackers leave it to the reader to take the source from the URL.
        if not campaign or rng.random() < 0.7:
            self.traffic = traffic_fields(channel, campaign, click_id)
        return query

    def _visit(self, path: str, title: str) -> None:
        self.path, self.title = path, title

    def _page(self, name: str) -> Step:
        if self.shopper.to_refund:
            self._visit("/account/orders", "Your orders")
        elif self._state == "purchase":
            self._visit("/checkout/thank-you", "Thank you")
        else:
            self._visit(*self._rng.choice(_INFO_PAGES))
        self._search_term = None
        return Step(name, [], {}, {})

    def _account(self, name: str) -> Step:
        shopper = self.shopper
        if shopper.account_id is None:
            shopper.account_id = f"user-{self._rng.getrandbits(40):010x}"
        shopper.user_id = shopper.account_id
        self._visit("/account/login" if name == "login" else "/account/register", "Your account")
        return Step(name, [], {}, {})

    def _search(self, name: str) -> Step:
        wanted = self._rng.choice(self._catalog.products)
        self._category, self._search_term, self._list_page = wanted.category, wanted.search_term, 0
        self._visit(f"/search?q={quote_plus(self._search_term)}", f"Search: {self._search_term}")
        return Step(name, [], {"search_term": self._search_term}, {})

    def _list(self, name: str) -> Step:
        self._in_checkout = False
        again = self._state == name
        self._list_page = self._list_page + 1 if again else 1
        if not again and self._state != "search":
            self._search_term = None
            if self._rng.random() < 0.5:
                self._category = self._rng.choice(list(self._catalog.by_category))
        pool = self._catalog.by_category[self._category]
        self._listed = self._rng.sample(pool, min(_LIST_LENGTH, len(pool)))
        page = f"page={self._list_page}"
        if self._search_term:
            self._visit(f"/search?q={quote_plus(self._search_term)}&{page}", f"Search: {self._search_term}")
        else:
            self._visit(f"/c/{self._category.lower()}?{page}&sort=popular", self._category)
        return Step(name, [line_for(product) for product in self._listed], self._list_fields(), {})

    def _list_fields(self) -> dict[str, Any]:
        if self._search_term:
            return {"item_list_id": "search_results", "search_term": self._search_term}
        return {"item_list_id": f"category_{self._category.lower()}"}

    def _select(self, name: str) -> Step:
        self._product = self._rng.choice(self._listed)
        return Step(name, [line_for(self._product)], self._list_fields(), {})

    def _view(self, name: str) -> Step:
        self._in_checkout = False
        if self._state != "select_item":
            self._product = self._rng.choice(self._catalog.products)
            self._category = self._product.category
        self._visit(f"/p/{self._product.slug}", self._product.name)
        return self._about([line_for(self._product)], name)

    def _about(self, lines: list[Line], name: str, **fields: Any) -> Step:
        return Step(name, lines, {**fields, "currency": CURRENCY}, {"value": total_cents(lines)})

    def _wish(self, name: str) -> Step:
        return self._about([line_for(self._product)], name)

    def _add(self, name: str) -> Step:
        shopper, rng = self.shopper, self._rng
        if not shopper.cart:
            shopper.cart_id = f"cart-{rng.getrandbits(48):012x}"
        quantity = 1 if rng.random() < 0.85 else rng.randrange(2, 5)
        added = line_for(self._product, quantity, draw_variant(self._product, rng))
        for line in shopper.cart:
            if line.product is added.product and line.variant == added.variant:
                line.quantity += quantity
                break
        else:
            shopper.cart.append(line_for(added.product, quantity, added.variant))
        return self._about([added], name, cart_id=shopper.cart_id)

    def _remove(self, name: str) -> Step:
        cart = self.shopper.cart
        removed = cart.pop(self._rng.randrange(len(cart)))
        self._visit("/cart", "Your cart")
        return self._about([removed], name, cart_id=self.shopper.cart_id)

    def _cart(self, name: str) -> Step:
        self._in_checkout = False
        self._visit("/cart", "Your cart")
        return self._about(list(self.shopper.cart), name, cart_id=self.shopper.cart_id)

    def _checkout(self, name: str) -> Step:
        rng = self._rng
        if name == "begin_checkout":
            self._in_checkout = True
            self._coupon = rng.choice(_COUPONS) if rng.random() < 0.15 else None
            self._visit("/checkout/address", "Checkout")
        step = self._about(list(self.shopper.cart), name, cart_id=self.shopper.cart_id)
        if self._coupon:
            step.ecommerce["coupon"] = self._coupon
        if name == "add_shipping_info":
            self._shipping = rng.choice(_SHIPPING)
            self._visit("/checkout/shipping", "Shipping")
        if name == "add_payment_info":
            self._payment = rng.choice(_PAYMENTS)
            self._visit("/checkout/payment", "Payment")
            step.ecommerce["payment_type"] = self._payment
        if name != "begin_checkout":
            step.ecommerce["shipping_tier"] = self._shipping[0]
            step.money["shipping"] = self._shipping[1]
        return step

    def _purchase(self, name: str) -> Step:
        step = self._checkout(name)
        self._visit("/checkout/thank-you", "Thank you")
        transaction_id = f"T-{self._rng.getrandbits(44):011X}"
        step.ecommerce = {"transaction_id": transaction_id, **step.ecommerce, "payment_type": self._payment}
        step.money["tax"] = step.money["value"] * _VAT_PERCENT // (100 + _VAT_PERCENT)
        discount = sum(line.discount_cents * line.quantity for line in step.lines)
        if discount:
            step.money["discount"] = discount
        self.purchased = Order(transaction_id, step.lines)
        self.shopper.cart = []
        self._in_checkout = False
        return step

    def _refund(self, name: str) -> Step:
        order, rng = cast(Order, self.shopper.to_refund), self._rng
        self.shopper.to_refund = None
        whole = len(order.lines) == 1 or rng.random() < 0.5
        lines = order.lines if whole else [rng.choice(order.lines)]
        fields = {"transaction_id": order.transaction_id, "refund_reason": rng.choice(_REFUND_REASONS)}
        return self._about(lines, name, **fields)


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
    "begin_checkout": Session._checkout,
    "add_shipping_info": Session._checkout,
    "add_payment_info": Session._checkout,
    "purchase": Session._purchase,
    "refund": Session._refund,
}
