"""JSON by the grammar of RFC 8259, sharing no code with a parser; and the rules that the pipeline adds to it.

The pipeline's own rules: at most 200 levels, 1,000 digits per number and 50,000 characters per key (beyond them valid
JSON is NOT_JSON too, with the keyword `parser_limit`); and no surrogate without its other half, which is no text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_DEPTH, MAX_DIGITS, MAX_KEY_LENGTH = 200, 1000, 50_000

_PLAIN = r'[^"\\\x00-\x1f]*'
_STRING = rf'"{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(
    rf"[ \t\n\r]*(?:(?P<string>{_STRING})|(?P<number>{_NUMBER})|(?P<word>true|false|null)"
    r"|(?P<mark>[\[\]{},:])|(?P<end>\Z))"
)
_SCALARS = ("string", "number", "word")
# symbol on the stack → what may come → the symbols that then stand in its place, the next one last
_RULES: dict[str, dict[str, tuple[str, ...]]] = {
    "value": {**dict.fromkeys(_SCALARS, ()), "[": ("first element",), "{": ("first member",)},
    "first element": {"]": (), **dict.fromkeys(_SCALARS, ("elements",)), "[": ("elements", "first element"),
                      "{": ("elements", "first member")},
    "elements": {"]": (), ",": ("elements", "value")},
    "first member": {"}": (), "string": ("members", "value", "colon")},
    "member": {"string": ("members", "value", "colon")},
    "members": {"}": (), ",": ("member",)},
    "colon": {":": ()},
}  # fmt: skip


@dataclass
class Document:
    """What the pipeline's own rules look at in a JSON document."""

    is_object: bool = False
    depth: int = 0
    numbers: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)


def read(text: str) -> Document | None:
    """The one JSON document that the text is, or None."""
    document, expected, depth = Document(), ["value"], 0
    for kind, token in _tokens(text):
        if kind == "end":
            return document if not expected else None
        symbol = expected.pop() if expected else "nothing"
        successors = _RULES.get(symbol, {}).get(token if kind == "mark" else kind)
        if successors is None:
            return None
        document.is_object |= not depth and token == "{"
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        document.depth = max(document.depth, depth)
        if kind == "number":
            document.numbers.append(token)
        elif kind == "string":
            (document.keys if "member" in symbol else document.strings).append(token)
        expected += successors
    return None


def kind_of(text: str) -> str:
    """What the text is to the pipeline: object, other (JSON, but no object), malformed, or parser_limit."""
    document = read(text)
    if document is None or any(map(_has_lone_surrogate, document.keys + document.strings)):
        return "malformed"
    if (
        document.depth > MAX_DEPTH
        or any(_digits(number) > MAX_DIGITS for number in document.numbers)
        or any(len(key) > MAX_KEY_LENGTH and _length(key) > MAX_KEY_LENGTH for key in document.keys)
    ):
        return "parser_limit"
    return "object" if document.is_object else "other"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while match := _TOKEN.match(text, at):
        kind = str(match.lastgroup)
        yield kind, match[kind]
        if kind == "end":
            return
        at = match.end()


def _digits(number: str) -> int:
    """How many digits Jackson counts: those of the exponent too, a lone zero before the point not."""
    return len(re.sub(r"[^0-9]", "", re.sub(r"\A-?0(?=\.)", "", number)))


def _length(string: str) -> int:
    """The length as Java counts it."""
    return len(json.loads(string).encode("utf-16-le")) // 2


def _has_lone_surrogate(string: str) -> bool:
    return "\\u" in string and any("\ud800" <= character <= "\udfff" for character in json.loads(string))
