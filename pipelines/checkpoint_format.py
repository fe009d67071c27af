"""What Spark 4.2 writes into a checkpoint, parsed strictly: Spark itself goes on with some of what is refused here.

Format (OffsetSeqLog, CommitLog, KafkaSourceInitialOffsetWriter): logs start with a version line; ``offsets/N`` goes on
with the batch's metadata as JSON and a line per source, ``commits/N`` with JSON, ``sources/0/0`` with the offsets that
batch 0 begins at. A Kafka source's offsets are ``{"topic": {"partition": next offset}}``.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

# A checkpoint that is not of this stream.
_FOREIGN = (
    "It is not this stream's checkpoint: correct CHECKPOINT_URI or RAW_TOPIC. In a new folder the stream continues "
    "where the tables end."
)


class DamagedFileError(Exception):
    """What is wrong with which file, and the `repair` where there is a smaller one than a new checkpoint."""

    def __init__(self, what: str, repair: str | None = None) -> None:
        super().__init__(what)
        self.repair = repair


def parse_metadata(text: str) -> str:
    """The query's id."""
    found = _json("metadata", text)
    try:
        return str(uuid.UUID(found["id"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DamagedFileError("metadata is damaged: it has no query id") from None


def parse_offsets(name: str, text: str, topic: str) -> tuple[int, dict[int, int]]:
    """(time of planning in ms since the epoch, partition → where the batch ends) of ``offsets/N``."""
    metadata, *sources = _lines(name, text, "v1")
    sources = [line for line in sources if line]
    if len(sources) > 1:
        raise DamagedFileError(f"{name} is of a query with {len(sources)} sources", _FOREIGN)
    planned = _json(name, metadata)
    if not sources or not isinstance(planned, dict) or not isinstance(planned.get("batchTimestampMs"), int):
        raise DamagedFileError(f"{name} is damaged or cut off")
    return planned["batchTimestampMs"], _by_partition(name, sources[0], topic)


def parse_initial(name: str, text: str, topic: str) -> dict[int, int]:
    """Partition → where batch 0 begins, of ``sources/0/0``."""
    return _by_partition(name, _lines(name, text, "\0v1")[0], topic)


def check_commit(name: str, text: str) -> None:
    """``commits/N`` can be read. Version 2 is what Spark writes where state has unique ids."""
    if not isinstance(_json(name, _lines(name, text, "v1", "v2")[0]), dict):
        raise DamagedFileError(f"{name} is damaged")


def _lines(name: str, text: str, *versions: str) -> list[str]:
    """What follows the version line."""
    version, *lines = text.split("\n")
    if version not in versions:
        raise DamagedFileError(
            f"{name} begins with {version[:20]!r}, not {versions[0]!r}: it is damaged, or another Spark's"
        )
    if not lines:
        raise DamagedFileError(f"{name} is cut off")
    return lines


def _by_partition(name: str, line: str, topic: str) -> dict[int, int]:
    topics = _json(name, line)
    if not isinstance(topics, dict) or not all(isinstance(offsets, dict) for offsets in topics.values()):
        raise DamagedFileError(f"{name} is of another source than Kafka", _FOREIGN)
    if list(topics) != [topic]:
        of = ", ".join(topics) or "no topic"
        raise DamagedFileError(f"{name} is of {of}, and RAW_TOPIC is {topic}", _FOREIGN)
    offsets = topics[topic]
    if not all(p.isdecimal() and isinstance(offset, int) and offset >= 0 for p, offset in offsets.items()):
        raise DamagedFileError(f"{name} is damaged: it has other things than offsets")
    return {int(p): offset for p, offset in offsets.items()}


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise DamagedFileError(f"{name} is damaged or cut off") from None
