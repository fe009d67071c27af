"""Filters: ``--filter enrichment.is_late=true``, a dotted path and the value that must be there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Filter:
    """Matches documents that have `value` at `path`. An array on the way stands for each of its elements."""

    path: tuple[str, ...]
    value: str

    @classmethod
    def parse(cls, text: str) -> Filter:
        """From path=value. Raises ValueError, whose text is for people."""
        path, equals, value = text.partition("=")
        names = tuple(path.strip().split("."))
        if not equals or not all(names):
            raise ValueError(f"{text!r} is no path=value such as event_name=purchase or enrichment.is_late=true.")
        return cls(names, value)

    def matches(self, document: Any) -> bool:
        """Numbers, true, false and null are compared as JSON writes them; a field that is absent is null."""
        return any(_as_text(found) == self.value for found in _values(document, self.path))


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _values(element, path)
    elif not path:
        yield value
    else:
        yield from _values(value.get(path[0]) if isinstance(value, dict) else None, path[1:])


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
