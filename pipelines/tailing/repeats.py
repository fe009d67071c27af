"""Repeats: records of a sink topic that come from a raw record which was shown already.

The sinks are delivered at least once. Each record names its raw record in the headers source.topic_id,
source.partition and source.offset, and those are compared: not their maximum, since what was left out at first may be
published after later records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

# More than a batch: a crash repeats at most the batch in hand.
REMEMBERED = 100_000
_HEADERS = ("source.topic_id", "source.partition", "source.offset")


class Repeats:
    """Remembers the newest raw offsets per raw partition; an older one than it remembers counts as a repeat."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        """`remembered`: offsets per raw partition; bounds the memory of a run without an end."""
        self._remembered = remembered
        self._seen: dict[tuple[str, str], _Offsets] = {}
        self.count = 0

    def has(self, headers: Mapping[str, str]) -> bool:
        """Whether the record with these headers repeats one that this was asked about before.

        A record without them was not written by this pipeline, and is none.
        """
        topic_id, partition, offset = (headers.get(name, "") for name in _HEADERS)
        if not offset.isdigit():
            return False
        seen = self._seen.setdefault((topic_id, partition), _Offsets(self._remembered))
        is_repeat = not seen.add(int(offset))
        self.count += is_repeat
        return is_repeat


class _Offsets:
    def __init__(self, remembered: int) -> None:
        self._order: deque[int] = deque()
        self._set: set[int] = set()
        self._remembered = remembered
        self._forgotten = -1  # the largest one

    def add(self, offset: int) -> bool:
        """Whether it is a new one."""
        if offset in self._set or offset <= self._forgotten:
            return False
        self._set.add(offset)
        self._order.append(offset)
        if len(self._order) > self._remembered:
            oldest = self._order.popleft()
            self._set.remove(oldest)
            self._forgotten = max(self._forgotten, oldest)
        return True
