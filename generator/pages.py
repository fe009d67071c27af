"""The shop's pages: on which one a step happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote_plus

from generator.catalog import Product
from generator.goods import to_json
from generator.personas import CODE, EVENT_NAMES
from generator.visits import SEARCH_LIST

# Path, and title as JSON.
Page = tuple[bytes, bytes]

HOME: Page = (b"/", b'"Home"')
_INFO_PAGES: Sequence[Page] = (
    HOME,
    HOME,
    (b"/new", b'"New arrivals"'),
    (b"/sale", b'"Sale"'),
    (b"/about", b'"About us"'),
)
_ORDERS: Page = (b"/account/orders", b'"Your orders"')
_FIXED: dict[str, Page] = {
    "login": (b"/account/login", b'"Your account"'),
    "sign_up": (b"/account/register", b'"Your account"'),
    "view_cart": (b"/cart", b'"Your cart"'),
    "remove_from_cart": (b"/cart", b'"Your cart"'),
    "begin_checkout": (b"/checkout/address", b'"Checkout"'),
    "add_shipping_info": (b"/checkout/shipping", b'"Shipping"'),
    "add_payment_info": (b"/checkout/payment", b'"Payment"'),
    "purchase": (b"/checkout/thank-you", b'"Thank you"'),
}


class Step(NamedTuple):
    """A row of `visits.Steps`, with the ids as text; `wishes` and `is_for_refund` are the visit's."""

    visit: int
    code: int
    number: int
    period: int
    product: int
    quantity: int
    variant: int
    listing: int
    page: int
    cart: int
    stage: int
    signed_in: bool
    wishes: int
    is_for_refund: bool
    cart_id: bytes
    event_id: bytes


class Pages:
    """Says where a step happens; None: where the one before it did."""

    def __init__(self, products: Sequence[Product]) -> None:
        self._products = products
        self._of_products = [(f"/p/{product.slug}".encode(), to_json(product.name)) for product in products]
        self._list_page = lru_cache(1 << 14)(self._write_list_page)
        written: dict[str, Callable[[Step], Page | None]] = {
            "view_item": lambda step: self._of_products[step.product],
            "view_item_list": lambda step: self._list_page(step.product, step.page, step.listing == SEARCH_LIST),
            "search": lambda step: self._list_page(step.product, 0, True),
            "page_view": lambda step: _ORDERS if step.is_for_refund else _info_page(step),
        }
        self.of: list[Callable[[Step], Page | None]] = [_nowhere_else] * len(EVENT_NAMES)
        for name, page in _FIXED.items():
            self.of[CODE[name]] = lambda _, page=page: page  # type: ignore[misc]
        for name, write in written.items():
            self.of[CODE[name]] = write

    def _write_list_page(self, place: int, page: int, is_search: bool) -> Page:
        """A page of results, or of a category; page 0 is where the search was typed."""
        product = self._products[place]
        if is_search:
            path = f"/search?q={quote_plus(product.search_term)}" + (f"&page={page}" if page else "")
            return path.encode(), to_json(f"Search: {product.search_term}")
        return f"/c/{quote_plus(product.category.lower())}?page={page}&sort=popular".encode(), to_json(product.category)


def _nowhere_else(_: Step) -> Page | None:
    return None


def _info_page(step: Step) -> Page:
    return _INFO_PAGES[(step.wishes >> step.number % 40) % len(_INFO_PAGES)]
