"""JSON texts as Hypothesis draws them: every escape and notation, our own column names as keys, and odd blanks.

All are JSON by the grammar; some have what the pipeline refuses or warns about (lone surrogates, repeated keys).
"""

from __future__ import annotations

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pipelines import schemas

T = TypeVar("T")

OWN_KEYS = (
    *schemas.EVENT.names, "enrichment", "_corrupt_record", "event", "failure", "value", "key", "parsed", "findings",
    "rescued_data", "warnings", "kafka_offset", "z0123456789abcdef", "a", "z",
)  # fmt: skip
ODD_KEYS = (
    "", " ", "\u00a0", "a.b", "page.url", "a`b", "``", "a'b", '\\"', r"\\", r"\u0000", "items[0]", "$", "$.a", "*",
    r"event\u005fid", "Event_Id", "события", "😀", r"\ud83d\ude00", r"\ud800", "é", "e\u0301", "k" * 300,
)  # fmt: skip
ESCAPES = (
    r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t", r"\u0000", r"\u001F", r"\u0041", r"\u20ac", r"\uFFFF",
    r"\u2028", r"\ud83d\ude00", r"\uD83D\uDE00", r"\ud83d", r"\uDE00", r"\\ud83d", r"\\\ud83d\ude00",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "-0.0", "0e0", "0E-400", "1e2", "1.10e1", "-1E+2", "1e400", "-1e400", "1e-400", "0.1", "1.005",
    "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "9999999999.99",
    "10000000000", "9999999999.995", "1e99999999999999999999", "1e-99999999999999999999", "9" * 38, "9" * 39,
    "1." + "0" * 40, "1." + "0" * 40 + "1", "1" * 1000, "-" + "1" * 1000, "1" * 1001, "0." + "1" * 1000,
    "0." + "1" * 1001, "1" * 500 + "." + "1" * 500, "1" * 500 + "." + "1" * 501, "1" * 999 + "e1", "1" * 999 + "e10",
)  # fmt: skip

_blanks = st.sampled_from(("", "", "", " ", "\n", "\t\r "))
_characters = st.characters(exclude_categories=("Cs",), exclude_characters='"\\', min_codepoint=0x20)
_pieces = st.text(_characters, max_size=6) | st.sampled_from(ESCAPES)
_strings = st.lists(_pieces, max_size=4).map(lambda pieces: f'"{"".join(pieces)}"')
_numbers = st.sampled_from(NUMBERS) | st.integers().map(str) | st.decimals(allow_nan=False, allow_infinity=False).map(
    lambda number: format(number, "f" if abs(number.adjusted()) < 400 else "e")
)  # fmt: skip
_scalars = st.sampled_from(("true", "false", "null")) | _strings | _numbers
_keys = st.sampled_from((*OWN_KEYS, *ODD_KEYS)).map('"{}"'.format) | _strings


def _arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda blank, inside: f"[{blank}{','.join(inside)}]", _blanks, st.lists(values, max_size=4))


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.builds("{}{}:{}".format, _keys, _blanks, values), max_size=4)
    return st.builds(lambda blank, inside: f"{{{blank}{','.join(inside)}{blank}}}", _blanks, members)


def _nested(depth: int, opening: str, core: str) -> str:
    closing = opening.replace('{"a":', "}").replace("[", "]")[::-1]
    return opening * (depth // len(closing)) + core + closing * (depth // len(closing))


_values = st.recursive(_scalars, lambda values: _arrays(values) | _objects(values), max_leaves=8)
_around_the_limit = st.builds(
    _nested,
    st.sampled_from((100, 196, 197, 198, 199, 200, 201, 202, 500, 998, 999, 1000, 1001, 3000)),
    st.sampled_from(("[", '{"a":', '[{"a":', '{"a":[')),
    _scalars,
)
DEEP = _around_the_limit | _around_the_limit.map('{{"foo":{}}}'.format)
VALUES = _values
OBJECTS = _objects(_values)
DOCUMENTS = st.builds("{}{}{}".format, _blanks, OBJECTS | OBJECTS | VALUES, _blanks)


def drawn(strategy: st.SearchStrategy[T], count: int, at: int) -> list[T]:
    """`count` draws (fewer if there are not as many), the same for the same number `at`."""
    found: list[T] = []

    @seed(at)
    @settings(max_examples=count, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None,
              deadline=None)  # fmt: skip
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found
