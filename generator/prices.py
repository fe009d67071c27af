"""What things cost, in cents, and the variants they come in."""

from __future__ import annotations

from functools import cache
from zlib import crc32

from generator.catalog import Product
from generator.profiles import Profile

CURRENCY = "EUR"
VAT_PERCENT = 19
SHIPPING_CENTS = {"standard": 490, "express": 1190, "pickup": 0}

_SIZES = {"Clothing": ("XS", "S", "M", "L", "XL"), "Shoes": ("38", "39", "40", "41", "42", "43", "44")}
# From period to period a price moves by so many percent of the catalogue's; in the first it is the catalogue's.
_MOVES = (0, 0, 0, -5, 5, -10, 10, 3)


def variants(product: Product) -> tuple[str | None, ...]:
    """The sizes of things that have sizes; else one that needs no name."""
    return _SIZES.get(product.category, (None,))


@cache
def list_price_cents(product: Product, period: int) -> int:
    """The price before any discount in a period (`visits.PERIOD_MS`) of the shop's time."""
    move = _MOVES[crc32(f"{product.item_id}/{period}".encode()) % len(_MOVES)] if period else 0
    return product.price_cents * (100 + move) // 100


@cache
def discount_cents(product: Product, period: int, profile: Profile) -> int:
    """What is off per piece: always the same products are on sale."""
    on_sale = crc32(product.item_id.encode()) % profile.sale_every == 0
    return list_price_cents(product, period) * profile.sale_percent // 100 if on_sale else 0
