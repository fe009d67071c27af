"""decode: null, blank, too large or not UTF-8; anything else is text."""

from __future__ import annotations

import pytest
from builders import Raw
from chispa import assert_df_equality
from pyspark.sql import functions as F

from pipelines import schemas
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes

# Of few bytes, so that values can be one byte too large. No key: one of its size would not fit either.
MAX_BYTES = 16
# What is decoded is judged further: none of these is JSON with the fields of an event.
TEXT = "decoded"
VALUES = [
    # value, failure
    (b'{"a":1}', TEXT),
    (None, "EMPTY_VALUE"),
    (b"", "EMPTY_VALUE"),
    (b" \t\r\n", "EMPTY_VALUE"),
    ("\u00a0\u2028\u3000".encode(), "EMPTY_VALUE"),
    (b" " * (MAX_BYTES + 1), "EMPTY_VALUE"),  # blank and too large: that type comes first
    (b"x" * (MAX_BYTES - 1), TEXT),
    (b"x" * MAX_BYTES, TEXT),
    (b"x" * (MAX_BYTES + 1), "SIZE_VIOLATION"),
    ("é".encode() * 8 + b"x", "SIZE_VIOLATION"),  # 9 characters, 17 bytes
    (b"\xff" * (MAX_BYTES + 1), "SIZE_VIOLATION"),
    (b'"\xff"', "NOT_UTF8"),
    (b" \xff", "NOT_UTF8"),
    ("é".encode("latin-1"), "NOT_UTF8"),
    ("é".encode()[:1], "NOT_UTF8"),
    (b"\xc0\xaf", "NOT_UTF8"),  # an overlong slash
    (b"\xed\xa0\xbd\xed\xb8\x80", "NOT_UTF8"),  # surrogates, as CESU-8 writes an emoji
    (b"\xf4\x90\x80\x80", "NOT_UTF8"),  # beyond U+10FFFF
    *((b"x" * before + b"\xff" + b"x" * after, "NOT_UTF8") for after in range(8) for before in range(9)),
    ("\ufffd".encode(), TEXT),  # the replacement character itself is text
    ("😀".encode(), TEXT),
    (b"\x00", TEXT),
    (b"\x1c", TEXT),  # white space to Java and Python, and none to the contract
]


@pytest.fixture(scope="module")
def outcomes(spark, reference):
    """The outcomes of the values, in rows whose offset is their place in the list."""
    rows = [Raw(value, key=None).row(offset) for offset, (value, _) in enumerate(VALUES)]
    rules = Rules(EnrichmentRules(reference), max_event_bytes=MAX_BYTES)
    return to_outcomes(spark.createDataFrame(rows, schemas.RAW_RECORD), rules).cache()


def test_a_value_is_text_or_there_is_a_first_reason_why_not(spark, outcomes):
    verdict = F.when(F.col("failure.stage") == "decode", F.col("failure.type")).otherwise(TEXT)
    expected = [(number, failure) for number, (_, failure) in enumerate(VALUES)]
    assert_df_equality(
        outcomes.select("kafka_offset", verdict.alias("verdict")),
        spark.createDataFrame(expected, "kafka_offset long, verdict string"),
        ignore_nullable=True,
    )


def test_headers_without_names_or_values_harm_nobody(spark, reference):
    headers = [None, (None, b"x"), ("h", None), ("h", b"x")]
    rows = [Raw(b"{", headers=headers).row(0)]
    outcome = to_outcomes(spark.createDataFrame(rows, schemas.RAW_RECORD), Rules(EnrichmentRules(reference))).first()
    assert (outcome.failure.type, len(outcome.headers)) == ("NOT_JSON", len(headers))


def test_the_original_bytes_stay(outcomes):
    assert [row.value for row in outcomes.orderBy("kafka_offset").collect()] == [value for value, _ in VALUES]
