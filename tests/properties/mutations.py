"""Small changes to a valid value, in its bytes: what truncation, bad tools and attackers do to JSON."""

from __future__ import annotations

import random
from collections.abc import Callable

# What parsers are lax about, and what matters to ours.
PIECES = tuple(
    piece.encode() if isinstance(piece, str) else piece
    for piece in (
        *'{}[],:"\\', "null", "true", "False", "NaN", "-Infinity", "undefined", "1", "01", "-", "+1", ".5", "1.",
        "0x1F", "e5",
        "'", "'a'", "/**/", "// x\n", "# x\n", " ", "\n", "\t", "\v", "\f", "\x00", "\x1f", "\x7f", "\u0085", "\u00a0",
        "\u2028", "\ufeff", "é", "😀", r"\u0041", r"\ud800", r"\udc00", r"\x41", r"\/", r"\u12", '""', '":', ',"',
        '"a":1,', '"event_id":"x",', '"user_id":5,', '"x":{"a":1,"a":2},', "[[[[", "]]]]", ",,", "1e400", "1" * 60,
        b"\xff", b"\xc0\xaf", b"\xed\xa0\xbd", b"\xf4\x90\x80\x80", b"\xe2\x82",
    )
)  # fmt: skip
# Ends that try to close what the transforms wrap a value in, `[v,"NONCE"]` and `{"a":v,"zNONCE":null}`.
ESCAPES = tuple(
    text.encode()
    for text in (
        "]", "}", '],{"b":2}', '],["b"', ',["b"]', ',"NONCE"', ',"NONCE"]', '],"NONCE"', ',"z":null', ',"zNONCE":null',
        ',"zNONCE":null}', '},{"b":2', "}{", "}\x00", "} //", ',"a":1', '} {"zNONCE":null', "\n{}", "{}", "xx", ",",
    )
)  # fmt: skip


def mutated(value: bytes, choose: random.Random) -> bytes:
    """The value with one to three changes."""
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        value = choose.choice(_CHANGES)(value, choose)
    return value


def _flip(value: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(value) + 1)
    return value[:at] + bytes(byte ^ (1 << choose.randrange(8)) for byte in value[at : at + 1]) + value[at + 1 :]


def _delete(value: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(value) + 1)
    return value[:at] + value[at + choose.choice((1, 1, 2, 8)) :]


def _insert(value: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(value) + 1)
    return value[:at] + choose.choice(PIECES) + value[at:]


def _replace(value: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(value) + 1)
    return value[:at] + choose.choice(PIECES) + value[at + choose.choice((1, 1, 2, 8)) :]


def _duplicate(value: bytes, choose: random.Random) -> bytes:
    at, start = choose.randrange(len(value) + 1), choose.randrange(len(value) + 1)
    return value[:at] + value[start : start + choose.choice((1, 5, 20, 80))] + value[at:]


def _truncate(value: bytes, choose: random.Random) -> bytes:
    return value[: choose.randrange(len(value) + 1)]


def _append(value: bytes, choose: random.Random) -> bytes:
    return value + choose.choice((*PIECES, *ESCAPES, *ESCAPES, value))


def _prepend(value: bytes, choose: random.Random) -> bytes:
    return choose.choice((*PIECES, *ESCAPES, b"\xef\xbb\xbf", b"\xff\xfe")) + value


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _delete, _insert, _insert, _replace, _replace, _duplicate, _truncate, _append, _prepend,
)  # fmt: skip
