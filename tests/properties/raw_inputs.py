"""All that the claims are tried on: bytes, text, JSON, deep JSON, events that nearly keep the contract, and mutants."""

from __future__ import annotations

import random

from builders import RECEIVED_AT, Raw, event, to_json
from hypothesis import strategies as st
from json_documents import DEEP, DOCUMENTS, drawn
from mutations import mutated
from near_events import near_valid

from pipelines.transforms.vocabulary import DEFAULT_MAX_EVENT_BYTES

_VALID = to_json(event()).encode()
EDGES = (
    None, b"", b" ", "\u2003\u2028".encode(), b"\x85", b"\x00", b"\xff", b"{}", b"[]", b"null", b'""', b'{"":""}',
    _VALID,
    _VALID.ljust(DEFAULT_MAX_EVENT_BYTES), _VALID.ljust(DEFAULT_MAX_EVENT_BYTES + 1),
    b" " * (DEFAULT_MAX_EVENT_BYTES + 1),
    b"\xff" * (DEFAULT_MAX_EVENT_BYTES + 1), b"[" * DEFAULT_MAX_EVENT_BYTES, b'{"a":' * 100_000,
    b'"' * DEFAULT_MAX_EVENT_BYTES,
    b"1" * DEFAULT_MAX_EVENT_BYTES, b'{"a":"' + b"1" * 900_000 + b'"}', b"[" + b"{}," * 300_000 + b"{}]",
    *(to_json(event(**{"k" * size: 1})).encode() for size in (49_999, 50_000, 50_001)),
    *(to_json(event(foo={"k" * size: 1})).encode() for size in (50_000, 50_001)),
)  # fmt: skip


def raw_inputs(draws: int, luck: int) -> list[Raw]:
    """About 21 × `draws` records, in no order, the same for the same `luck`."""
    choose = random.Random(luck)  # noqa: S311
    blobs = st.binary(max_size=60) | st.text(max_size=40).map(str.encode)
    documents = [text.encode() for text in drawn(DOCUMENTS, draws, luck)]
    deep = [text.encode() for text in drawn(DEEP, draws // 5, luck)]
    events = [near_valid(choose) for _ in range(10 * draws)]
    mutants = [
        mutated(choose.choice((choose.choice(events), choose.choice(documents))), choose) for _ in range(8 * draws)
    ]
    values = [*EDGES, *drawn(blobs, 2 * draws, luck), *documents, *deep, *events, *mutants]
    choose.shuffle(values)
    return [_record(value, choose) for value in values]


def _record(value: bytes | None, choose: random.Random) -> Raw:
    return Raw(
        value,
        key=choose.choice((b"anon-1", b"anon-1", None, b"", b"\xff\x00")),
        headers=choose.choice(((), (), None, (("a", b"\xff"), ("a", None), ("dlq.id", b"x")))),
        received_at=None if choose.random() < 0.02 else RECEIVED_AT,
    )
