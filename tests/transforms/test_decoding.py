"""decode: null, blank, too large or not UTF-8; anything else is text."""

from __future__ import annotations

import pytest
from builders import Raw
from chispa import assert_df_equality

from pipelines import schemas
from pipelines.transforms.decoding import decode
from pipelines.transforms.sizing import bounded

MAX_BYTES = 16
VALUES = [
    # value, text, failure
    (b'{"a":1}', '{"a":1}', None),
    (None, None, "EMPTY_VALUE"),
    (b"", None, "EMPTY_VALUE"),
    (b" \t\r\n", None, "EMPTY_VALUE"),
    (b"x" * (MAX_BYTES - 1), "x" * (MAX_BYTES - 1), None),
    (b"x" * MAX_BYTES, "x" * MAX_BYTES, None),
    (b"x" * (MAX_BYTES + 1), None, "SIZE_VIOLATION"),
    ("é".encode() * 8 + b"x", None, "SIZE_VIOLATION"),  # 9 characters, 17 bytes
    (b"\xff" * (MAX_BYTES + 1), None, "SIZE_VIOLATION"),
    (b'"\xff"', None, "NOT_UTF8"),
    ("é".encode("latin-1"), None, "NOT_UTF8"),
    ("é".encode()[:1], None, "NOT_UTF8"),
    (b"\xc0\xaf", None, "NOT_UTF8"),  # an overlong slash
    (b"\xed\xa0\xbd\xed\xb8\x80", None, "NOT_UTF8"),  # surrogates, as CESU-8 writes an emoji
    (b"\xf4\x90\x80\x80", None, "NOT_UTF8"),  # beyond U+10FFFF
    ("\ufffd".encode(), "\ufffd", None),  # the replacement character itself is text
    ("😀".encode(), "😀", None),
    (b"\x00", "\x00", None),
]


def decoded_values(spark, values):
    """The values, decoded, in rows whose offset is their place in the list."""
    rows = [Raw(value).row(offset) for offset, value in enumerate(values)]
    return decode(bounded(spark.createDataFrame(rows, schemas.RAW_RECORD), MAX_BYTES), MAX_BYTES)


@pytest.fixture(scope="module")
def decoded(spark):
    return decoded_values(spark, [value for value, _, _ in VALUES])


def test_a_value_becomes_text_or_the_first_reason_why_it_is_none(spark, decoded):
    expected = spark.createDataFrame(
        [(number, text, failure) for number, (_, text, failure) in enumerate(VALUES)],
        "kafka_offset long, text string, type string",
    )
    assert_df_equality(decoded.select("kafka_offset", "text", "failure.type"), expected)


def test_every_failure_is_of_stage_decode(decoded):
    stages = decoded.where("failure is not null").select("failure.stage").distinct().collect()
    assert [row.stage for row in stages] == ["decode"]


def test_the_original_bytes_stay(decoded):
    assert [row.value for row in decoded.orderBy("kafka_offset").collect()] == [value for value, _, _ in VALUES]


def test_a_blank_value_larger_than_the_limit_is_empty_since_that_type_comes_first(spark):
    assert decoded_values(spark, [b" " * (MAX_BYTES + 1)]).first().failure.type == "EMPTY_VALUE"
