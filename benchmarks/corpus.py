"""The events that all systems are given: the project's generator's, some spoilt, written once to a file.

A corpus is a file of lines ``key TAB value``, named after its settings. It does not know of changes to the generator:
delete benchmarks/.data after them.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks.places import DATA
from generator.building import build_records
from generator.clock import SystemClock
from generator.settings import Settings, TimeSettings
from generator.spoilt import FaultSettings
from pipelines.reference_data import load_reference_data

START_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z
WINDOW_MS = 86_400_000
HOT_KEY = "00000000-0000-4000-8000-000000000001"
HOT_SHARE = 0.8
UGLY_BYTES = 5_000

# class → reason, in the order in which they take turns.
REASONS = {
    "truncated": "NOT_JSON",
    "missing": "MISSING_REQUIRED",
    "price": "TYPE_MISMATCH",
    "time": "TIMESTAMP_INVALID",
    "name": "INVALID_VALUE",
}


@dataclass(frozen=True)
class Corpus:
    """`count` events of `seed`; `invalid` is the share of spoilt ones, `ugly` makes them 5 kB under one hot key."""

    count: int
    seed: int = 7
    invalid: float = 0.02
    ugly: bool = False

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        kind = "ugly" if self.ugly else "plain"
        return DATA / f"{kind}-{self.count}-{self.seed}-{self.invalid:g}.tsv"

    def lines(self) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) of each record, from the file."""
        with self.path.open("rb") as file:
            for line in file:
                key, _, value = line.rstrip(b"\n").partition(b"\t")
                yield key, value

    def make(self) -> str:
        """Write the file unless it is there; the SHA-256 of its content, shortened."""
        seal = self.path.with_suffix(".sha256")
        if not seal.exists():
            DATA.mkdir(parents=True, exist_ok=True)
            fresh, digest = self.path.with_suffix(".new"), hashlib.sha256()
            with fresh.open("wb") as file:
                for key, value in self._records():
                    line = key + b"\t" + value + b"\n"
                    digest.update(line)
                    file.write(line)
            fresh.replace(self.path)
            seal.write_text(digest.hexdigest())
        return seal.read_text()[:16]

    def mean_bytes(self) -> float:
        """Of a value."""
        return self.path.stat().st_size / self.count - 38  # key, tab, end of line

    def _records(self) -> Iterator[tuple[bytes, bytes]]:
        # The benchmark's own choices; reproducible on purpose.
        chance, classes = random.Random(self.seed), cycle(REASONS)  # noqa: S311
        grow = _grower(chance)
        for key, value in _generated(self.count, self.seed):
            if self.ugly:
                hot = chance.random() < HOT_SHARE
                key, value = grow(HOT_KEY.encode() if hot else key, value)
            if chance.random() < self.invalid:
                value = spoil(value, next(classes), chance)
            yield key, value


def spoil(value: bytes, kind: str, chance: random.Random) -> bytes:
    """The value with one fault of the class; a price fault needs an item with one, else the time is spoilt."""
    if kind == "truncated":
        # Before the nested parts, of which some parsers would pass on a half.
        return value[: chance.randint(20, value.index(b'"platform"'))]
    if kind == "missing":
        return re.sub(rb'"event_id":"[^"]*",', b"", value, count=1)
    if kind == "price" and b'"price":' in value:
        return re.sub(rb'"price":[0-9.]+', b'"price":"abc"', value, count=1)
    if kind == "name":
        return re.sub(rb'"event_name":"[^"]*"', b'"event_name":"teleport"', value, count=1)
    return re.sub(rb'"event_time":"[^"]*"', b'"event_time":"yesterday"', value, count=1)


def _generated(count: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) as `python -m generator --seed …` over the past day makes them."""
    window = TimeSettings(START_MS, START_MS + WINDOW_MS)
    settings = Settings(sink="null", faults=FaultSettings(), time=window, rate=0, seed=seed, count=count)
    for record in islice(build_records(settings, SystemClock()), count):
        yield record.key, record.value or b""


def _grower(chance: random.Random) -> Any:
    """A function that adds items of the catalogue until the event is large, and gives it another key."""
    catalog = list(orjson.loads(load_reference_data().catalog_json).values())

    def grow(key: bytes, value: bytes) -> tuple[bytes, bytes]:
        event = orjson.loads(value)
        event["anonymous_id"] = key.decode()
        items = event["items"] = event.get("items") or []
        size = len(value)
        while size < UGLY_BYTES:
            of = chance.choice(catalog)
            item = {f"item_{name}": of[name] for name in ("name", "brand", "category")}
            item = {"item_id": of["item_id"], **item, "price": of["price"], "quantity": chance.randint(1, 3)}
            items.append(item)
            size += len(orjson.dumps(item)) + 1
        money = event.get("ecommerce")
        if money and "value" in money:  # else each event would earn a warning: its value is not its items'
            total = sum(Decimal(str(item["price"])) * (item.get("quantity") or 1) for item in items)
            money["value"] = float(total)
        return key, orjson.dumps(event)

    return grow
