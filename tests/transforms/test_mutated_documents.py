"""Documents changed at random: what is JSON for Python's parser is JSON for the pipeline, and the other way round."""

from __future__ import annotations

import json
import random
import re

import pytest
from builders import Json, event, full_purchase, to_json
from observed import declared, parsed, public

SEED, COUNT = 20260301, 1500
UNUSUAL = event(foo={"a": [1, "x", None]}, user_id=Json(r'"\ud83d\ude00\\"'))
BASES = [to_json(document) for document in (event(), full_purchase(), UNUSUAL)]
PIECES = [
    *'{}[],:"\\', "null", "true", "NaN", "Infinity", "1", "-", ".", "e5", "0", "'", "/**/", "//", "#", " ", "\n", "\t",
    "\x00", "\x1f", "\x7f",
    "\u00a0", "\u2028", "\ufeff", "é", "😀", r"\u0041", r"\ud800", r"\udc00", r"\x", r"\/", '""',
    '":', ',"', '"event_id":"x",', '"user_id":5,', '"x":{}',
]  # fmt: skip
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def mutated(text: str, choose: random.Random) -> str:
    """The text with one to three small changes."""
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        at, size = choose.randrange(len(text) + 1), choose.choice((0, 1, 1, 2, 8))
        change = choose.randrange(4)
        if change == 0:
            text = text[:at] + choose.choice(PIECES) + text[at:]
        elif change == 1:
            text = text[:at] + choose.choice(PIECES) + text[at + size :]
        elif change == 2:
            text = text[:at] + text[at + size :]
        else:
            start = choose.randrange(len(text) + 1)
            text = text[:at] + text[start : start + 10 * size] + text[at:]
    return text


def _refuse(constant: str):
    raise ValueError(constant)


def as_python_reads_it(text: str) -> str:
    """`object`, `other` or `invalid`, by Python's parser made strict."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return "invalid"
    if LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        return "invalid"
    return "object" if isinstance(value, dict) else "other"


def _table() -> dict[str, str]:
    choose = random.Random(SEED)  # noqa: S311
    return {f"{n:04}": mutated(choose.choice(BASES), choose) for n in range(COUNT)}


TABLE = _table()


@pytest.mark.parametrize("kind", ["invalid", "other", "object"])
def test_python_and_the_pipeline_agree_on_what_is_json(outcomes, kind):
    verdict = {"invalid": {"NOT_JSON"}, "other": {"NOT_OBJECT"}}
    disagreed = {
        text: outcomes[name].verdict
        for name, text in TABLE.items()
        if as_python_reads_it(text) == kind
        and (outcomes[name].verdict in verdict.get(kind, {"NOT_JSON", "NOT_OBJECT"})) == (kind == "object")
    }
    assert disagreed == {}


def test_python_and_the_pipeline_read_the_same_values(outcomes):
    different = {}
    for name, text in TABLE.items():
        outcome = outcomes[name]
        if outcome.accepted and outcome.warned <= {("", "duplicate_key")}:
            enriched = outcome.enriched
            enriched.pop("enrichment")
            if public(enriched) != declared(parsed(text)):
                different[text] = enriched
    assert different == {}


def test_the_mutations_are_of_all_kinds():
    kinds = [as_python_reads_it(text) for text in TABLE.values()]
    assert min(kinds.count("invalid"), kinds.count("object")) > COUNT / 5
