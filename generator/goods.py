"""The JSON of what an event is about: its ``ecommerce`` and ``items``, as the bytes that end the event.

What recurs (a product at a price, a list page) is written once and kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from generator.catalog import Popularity, Product
from generator.prices import CURRENCY, SHIPPING_CENTS, VAT_PERCENT, discount_cents, list_price_cents, variants
from generator.profiles import Profile

LIST_LENGTH = 3
_TIERS = (*SHIPPING_CENTS,)
_PAYMENT_TYPES = ("credit_card", "credit_card", "paypal", "paypal", "invoice", "apple_pay", "google_pay")
_COUPONS = ("WELCOME10", "SUMMER5", "FREESHIP")
_REFUND_REASONS = ("damaged", "wrong_size", "not_as_described", "changed_mind", "arrived_late")
_COUPON_PERCENT = 15
# The contract's order: who reads the events proves a document in that order most cheaply.
_ORDER = (
    *("transaction_id", "cart_id", "value", "currency", "tax", "shipping", "discount", "coupon", "payment_type"),
    *("shipping_tier", "item_list_id", "search_term", "refund_reason"),
)

# A product's place, quantity and the place of its variant.
Line = tuple[int, int, int]


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Goods:
    """Writes what a shop sells; products are named by their places in `popularity`."""

    def __init__(self, popularity: Popularity, profile: Profile) -> None:
        self._popularity = popularity
        self._profile = profile
        self.viewed = lru_cache(1 << 14)(self._viewed)
        self.listed = lru_cache(1 << 14)(self._listed)
        self.selected = lru_cache(1 << 14)(self._selected)
        self.moved = lru_cache(1 << 14)(self._moved)
        self._item = lru_cache(1 << 15)(self._write_item)

    def searched(self, place: int) -> bytes:
        """A search that would find the product."""
        return b',"ecommerce":' + to_json({"search_term": self._product(place).search_term}) + b"}"

    def ordered(
        self, lines: Sequence[Line], period: int, cart_id: bytes, order_id: bytes, stage: int, wishes: int
    ) -> bytes:
        """A cart (stage −1), or a stage of the checkout: 0 begun, 1 shipping, 2 payment, 3 bought."""
        fields: dict[str, Any] = {"cart_id": f"cart-{cart_id.decode()}", "currency": CURRENCY}
        value = sum(self.price_cents(place, period) * quantity for place, quantity, _ in lines)
        money = {"value": value}
        if stage >= 0 and wishes % 100 < _COUPON_PERCENT:
            fields["coupon"] = _COUPONS[wishes // 100 % len(_COUPONS)]
        if stage >= 1:
            fields["shipping_tier"] = tier = _TIERS[wishes // 1000 % len(_TIERS)]
            money["shipping"] = SHIPPING_CENTS[tier]
        if stage >= 2:
            fields["payment_type"] = _PAYMENT_TYPES[wishes // 10_000 % len(_PAYMENT_TYPES)]
        if stage == 3:
            fields["transaction_id"] = _transaction(order_id)
            money["tax"] = value * VAT_PERCENT // (100 + VAT_PERCENT)
            saved = sum(self._discount_cents(place, period) * quantity for place, quantity, _ in lines)
            money.update({"discount": saved} if saved else {})
        return self._end(fields, money, lines, period)

    def returned(self, lines: Sequence[Line], period: int, order_id: bytes, wishes: int) -> bytes:
        """A refund of these lines, at the prices that were paid."""
        reason = _REFUND_REASONS[wishes % len(_REFUND_REASONS)]
        fields = {"transaction_id": _transaction(order_id), "refund_reason": reason, "currency": CURRENCY}
        value = sum(self.price_cents(place, period) * quantity for place, quantity, _ in lines)
        return self._end(fields, {"value": value}, lines, period)

    def price_cents(self, place: int, period: int) -> int:
        """What one piece costs."""
        return list_price_cents(self._product(place), period) - self._discount_cents(place, period)

    def _viewed(self, place: int, period: int) -> bytes:
        value = {"value": self.price_cents(place, period)}
        return self._end({"currency": CURRENCY}, value, [(place, 1, -1)], period)

    def _moved(self, line: Line, period: int) -> bytes:
        """What follows the cart's id where something is put in or taken out."""
        value = self.price_cents(line[0], period) * line[1]
        end = self._end({"currency": CURRENCY}, {"value": value}, [line], period)
        return b'",' + end[len(b',"ecommerce":{') :]

    def _listed(self, place: int, period: int, is_search: bool) -> bytes:
        shown = self._popularity.listed(place, LIST_LENGTH)
        items = [self._item((each, 1, -1), period, index) for index, each in enumerate(shown)]
        return self._list_fields(place, is_search) + b',"items":[' + b",".join(items) + b"]}"

    def _selected(self, place: int, period: int, is_search: bool) -> bytes:
        return self._list_fields(place, is_search) + b',"items":[' + self._item((place, 1, -1), period, 0) + b"]}"

    def _list_fields(self, place: int, is_search: bool) -> bytes:
        product = self._product(place)
        fields = {"item_list_id": "search_results", "search_term": product.search_term}
        return b',"ecommerce":' + to_json(
            fields if is_search else {"item_list_id": f"category_{product.category.lower()}"}
        )

    def _end(self, fields: dict[str, Any], cents: dict[str, int], lines: Sequence[Line], period: int) -> bytes:
        amounts = {name: amount / 100 for name, amount in cents.items()}
        items = b",".join([self._item(line, period, None) for line in lines])
        every = {**fields, **amounts}
        start = b',"ecommerce":' + to_json({name: every[name] for name in _ORDER if name in every})
        return start + b',"items":[' + items + b"]}" if items else start + b"}"

    def _write_item(self, line: Line, period: int, index: int | None) -> bytes:
        """Lists show products with a position; everything else says how many."""
        product = self._product(line[0])
        variant = variants(product)[line[2]] if line[2] >= 0 else None
        off = self._discount_cents(line[0], period)
        return to_json(
            {
                "item_id": product.item_id,
                "item_name": product.name,
                "item_brand": product.brand,
                "item_category": product.category,
                **({"item_variant": variant} if variant else {}),
                "price": self.price_cents(line[0], period) / 100,
                **({"list_price": list_price_cents(product, period) / 100} if off else {}),
                **({"quantity": line[1]} if index is None else {}),
                **({"discount": off / 100} if off else {}),
                **({"index": index} if index is not None else {}),
            }
        )

    def _discount_cents(self, place: int, period: int) -> int:
        return discount_cents(self._product(place), period, self._profile)

    def _product(self, place: int) -> Product:
        return self._popularity.products[place]


def _transaction(order_id: bytes) -> str:
    return f"T-{order_id[-11:].decode().upper()}"
