"""Random bits as text, a whole column at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generator.chance import Bits

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
# Where a UUID has its dashes, and its digits.
_DASHES = [8, 13, 18, 23]
_PLACES = [at for at in range(36) if at not in _DASHES]


def hex_digits(bits: Bits) -> NDArray[np.uint8]:
    """(rows, 16) ASCII digits of each 64-bit number, big end first."""
    octets = np.ascontiguousarray(bits.astype(">u8")).view(np.uint8).reshape(-1, 8)
    digits = np.empty((len(octets), 16), np.uint8)
    digits[:, 0::2] = _DIGITS[octets >> 4]
    digits[:, 1::2] = _DIGITS[octets & 15]
    return digits


def hexes(bits: Bits, length: int = 16) -> list[bytes]:
    """The last `length` digits of each number."""
    digits = np.ascontiguousarray(hex_digits(bits)[:, 16 - length :])
    return digits.view(f"S{length}").ravel().tolist()  # type: ignore[no-any-return]


def uuids(high: Bits, low: Bits) -> list[bytes]:
    """Random UUIDs (version 4, RFC 9562) from twice 64 bits."""
    text = np.full((len(high), 36), ord("-"), np.uint8)
    version = high & ~np.uint64(0xF000) | np.uint64(0x4000)
    variant = low & np.uint64(2**62 - 1) | np.uint64(2**63)
    text[:, _PLACES] = np.concatenate([hex_digits(version), hex_digits(variant)], axis=1)
    return text.view("S36").ravel().tolist()  # type: ignore[no-any-return]


def stamps(epoch_ms: NDArray[np.int64]) -> list[bytes]:
    """Times as ``2026-06-01T12:00:00.123``: RFC 3339 without the zone, in years of four digits."""
    days, in_day = np.divmod(epoch_ms, 86_400_000)
    first = int(days.min())
    names = np.array(
        [list(str(np.datetime64(day, "D")).encode()) for day in range(first, int(days.max()) + 1)], np.uint8
    )
    text = np.empty((len(epoch_ms), 23), np.uint8)
    text[:, :10] = names[days - first]
    text[:, [10, 13, 16, 19]] = list(b"T::.")
    seconds, milliseconds = np.divmod(in_day, 1000)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    for at, number in ((11, hour), (14, minute), (17, second)):
        text[:, at], text[:, at + 1] = number // 10 + 48, number % 10 + 48
    text[:, 20], text[:, 21], text[:, 22] = (
        milliseconds // 100 + 48,
        milliseconds // 10 % 10 + 48,
        milliseconds % 10 + 48,
    )
    return text.view("S23").ravel().tolist()  # type: ignore[no-any-return]
