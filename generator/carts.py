"""What is in a cart or an order, what it costs, and the steps that are about it. Money is in cents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

from generator.catalog import Product

CURRENCY = "EUR"

_SIZES = {"Clothing": ("XS", "S", "M", "L", "XL"), "Shoes": ("38", "39", "40", "41", "42", "43", "44")}


@dataclass(slots=True)
class Line:
    """Some pieces of one product at the price asked for each."""

    product: Product
    quantity: int
    discount_cents: int = 0
    variant: str | None = None

    @property
    def price_cents(self) -> int:
        """What one piece costs now."""
        return self.product.price_cents - self.discount_cents

    @property
    def total_cents(self) -> int:
        """What the line costs."""
        return self.price_cents * self.quantity


@dataclass(slots=True)
class Order:
    """A purchase, kept for its refund."""

    transaction_id: str
    lines: list[Line]


@dataclass(slots=True)
class Step:
    """One thing a shopper did: the event's name, the products it is about, and its ``ecommerce`` fields.

    `money` holds those of them that are amounts, in cents.
    """

    name: str
    lines: list[Line] = field(default_factory=list)
    ecommerce: dict[str, Any] = field(default_factory=dict)
    money: dict[str, int] = field(default_factory=dict)


def line_for(product: Product, quantity: int = 1, variant: str | None = None) -> Line:
    """The product as the shop offers it: every ninth or so is 15 % off, always the same ones."""
    on_sale = crc32(product.item_id.encode()) % 9 == 0
    return Line(product, quantity, product.price_cents * 15 // 100 if on_sale else 0, variant)


def draw_variant(product: Product, rng: Random) -> str | None:
    """A size, for things that have sizes."""
    sizes = _SIZES.get(product.category)
    return rng.choice(sizes) if sizes else None


def total_cents(lines: Iterable[Line]) -> int:
    """The sum of price times quantity."""
    return sum(line.total_cents for line in lines)


def priced_step(name: str, lines: list[Line], **fields: Any) -> Step:
    """A step about these products whose value is what they cost."""
    return Step(name, lines, {**fields, "currency": CURRENCY}, {"value": total_cents(lines)})
