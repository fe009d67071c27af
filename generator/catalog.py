"""The shop's products, from the same catalogue that the enrichment looks items up in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from generator.chance import Chance, Flags, Int, thresholds
from pipelines.cli import ConfigurationError


@dataclass(frozen=True)
class Product:
    """One product; `price_cents` in hundredths of the shop's currency."""

    item_id: str
    name: str
    brand: str
    category: str
    price_cents: int

    @property
    def slug(self) -> str:
        """The product's place in a URL path."""
        return self.item_id.lower()

    @property
    def search_term(self) -> str:
        """What a shopper would type to find it: the last two words of its name."""
        return " ".join(self.name.replace("(", "").replace(")", "").split()[-2:]).lower()


@dataclass(frozen=True)
class Catalog:
    """All products, and the same by category."""

    products: Sequence[Product]
    by_category: dict[str, list[Product]]

    @classmethod
    def of(cls, products: Sequence[Product]) -> Catalog:
        """A catalogue of these products, at least one."""
        by_category: dict[str, list[Product]] = {}
        for product in products:
            by_category.setdefault(product.category, []).append(product)
        return cls(products, by_category)


def load_catalog(location: str | None = None) -> Catalog:
    """The catalogue at `location`, a local file, or the bundled one.

    Raises ConfigurationError if it cannot be read, is empty, or a line is not a product.
    """
    source = location or "the bundled catalogue"
    try:
        if location is None:
            text = (resources.files("pipelines") / "reference" / "catalog.jsonl").read_text(encoding="utf-8")
        else:
            text = Path(location.removeprefix("file://")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = " (the generator reads local files only)" if location and "://" in location else ""
        raise ConfigurationError(f"--catalog: {source} cannot be read: {type(error).__name__}{hint}.") from error
    products = [_product(line, source, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not products:
        raise ConfigurationError(f"--catalog: {source} has no products.")
    return Catalog.of(products)


def _product(line: str, source: str, number: int) -> Product:
    try:
        row: dict[str, Any] = json.loads(line, parse_float=Decimal)
        cents = Decimal(row["price"]) * 100
        if cents != int(cents) or cents < 0:
            raise ValueError("price")
        return Product(row["item_id"], row["name"], row["brand"], row["category"], int(cents))
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise ConfigurationError(
            f'--catalog: line {number} of {source} is not {{"item_id","name","brand","category","price"}}.'
        ) from error


class Popularity:
    """How often each product is wanted: by Zipf's law (exponent 1) over a fixed, mixed-up order of the catalogue.

    `draw` gives places in `products`, which has the products of a category side by side.
    """

    def __init__(self, catalog: Catalog) -> None:
        ranked = sorted(catalog.products, key=lambda product: (crc32(product.item_id.encode()), product.item_id))
        weight = {product.item_id: 1 / rank for rank, product in enumerate(ranked, 1)}
        self.products = tuple(product for group in catalog.by_category.values() for product in group)
        table = thresholds([weight[product.item_id] for product in self.products])
        self._bounds = np.concatenate([[0], table, [2**32]]).astype(np.int64)
        self._table = table
        sizes = [len(group) for group in catalog.by_category.values()]
        firsts = [sum(sizes[:at]) for at in range(len(sizes))]
        self._first = np.repeat(firsts, sizes)
        self._end = np.repeat([first + size for first, size in zip(firsts, sizes, strict=True)], sizes)

    def draw(self, chance: Chance, near: Int, stays: Flags) -> Int:
        """A product for each row; of the category of `near` where `stays`."""
        bits = (chance.bits(len(near)) >> np.uint64(32)).astype(np.int64)
        low, high = self._bounds[self._first[near]], self._bounds[self._end[near]]
        within = low + (bits * (high - low) >> 32)
        place = np.searchsorted(self._table, np.where(stays, within, bits).astype(np.uint64), side="right")
        return np.asarray(place, np.int64)

    def listed(self, place: int, length: int) -> list[int]:
        """The places on a list page on which a product is found: neighbours of its category, always the same."""
        first, size = int(self._first[place]), int(self._end[place] - self._first[place])
        shown = min(length, size)
        before = crc32(self.products[place].item_id.encode()) % shown
        return [first + (place - first - before + step) % size for step in range(shown)]
