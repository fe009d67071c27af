"""The cheapest proofs: what is plain comes out as the closer look would have it, what is clean breaks no rule, and
common documents are both.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from builders import event, full_purchase, to_json
from pyspark.sql import functions as F
from test_mutated_documents import mutated

from pipelines.transforms import parsing
from pipelines.transforms.plainness import MAX_PLAIN_BYTES, is_clean, is_plain
from pipelines.transforms.times import with_times
from pipelines.transforms.validation import Limits, validate

GOLDEN = Path(__file__).parents[1] / "generator" / "golden.jsonl"
NONCE = "0123456789abcdef"


def proven(spark, proof, texts: list[str]) -> list[bool]:
    rows = spark.createDataFrame(list(enumerate(texts)), "n int, text string")
    return [row.proven for row in rows.select("n", proof(F.col("text")).alias("proven")).orderBy("n").collect()]


def plain(spark, texts: list[str]) -> list[bool]:
    return proven(spark, is_plain, texts)


def clean(spark, texts: list[str]) -> list[bool]:
    return proven(spark, is_clean, texts)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"event_id":"a"}',
        '{"event_id": "a", "event_name": null}',
        r'{"event_id":"\u00e9\"\\"}',
        '{"page":{},"items":[]}',
        '{"items":[{"item_id":"a","price":1.50},{"quantity":2}]}',
        '{"session_number":-12,"ecommerce":{"value":-0.5}}',
        '{"sent_at":"2026-01-31T23:59:59.123456789+01:00","platform":"ios"}',
    ],
)
def test_documents_of_declared_shape_in_the_contracts_order_are_plain(spark, text):
    assert plain(spark, [text]) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{", '{"event_id":"a",}', '{"event_id":"a"}{}', '{"event_id":"a"} ', '{,"event_id":"a"}',
        '{"event_id":"a""event_name":"b"}',
        '{"event_id":"a","event_id":"b"}',  # repeated
        '{"event_name":"a","event_id":"b"}',  # another order
        '{"foo":1}', '{"page":{"foo":"a"}}', '{"items":[{"foo":1}]}',
        '{"event_id":1}', '{"session_number":"1"}', '{"session_number":1.0}', '{"session_number":12345678901}',
        '{"session_number":01}', '{"session_number":-0}', '{"page":"a"}', '{"items":{}}', '{"items":[null]}',
        '{"items":[{}{}]}', '{"items":[{},]}', '{"items":[[]]}',
        '{"ecommerce":{"value":1.234}}', '{"ecommerce":{"value":1e2}}', '{"ecommerce":{"value":"1"}}',
        '{"ecommerce":{"value":.5}}', '{"ecommerce":{"value":12345678901.00}}',
        '{"sent_at":"2026-02-30T00:00:00Z"}', '{"sent_at":"yesterday"}', '{"platform":"tv"}',
        '{"event_id":"a\nb"}', r'{"event_id":"\ud83d\ude00"}', r'{"event_id":"\x"}', r'{"event_id":"\u12"}',
        '{"event_id":"a\\"}',
    ],
)  # fmt: skip
def test_anything_else_is_not(spark, text):
    assert plain(spark, [text]) == [False]


def test_large_texts_are_looked_at_closely(spark):
    inside = MAX_PLAIN_BYTES - len('{"event_id":""}')
    assert plain(spark, [f'{{"event_id":"{"x" * (inside + more)}"}}' for more in (0, 1)]) == [True, False]


def test_a_text_without_an_end_takes_neither_stack_nor_time(spark):
    hostile = ['{"event_id":"' + "\\\\" * 30_000, '{"items":[' + "{}," * 20_000, '{"event_id":"' + r"\u0041" * 10_000]
    assert plain(spark, hostile) == [False] * 3


def sent() -> list[str]:
    """What the generator sends; some are spoilt on purpose."""
    with GOLDEN.open(encoding="utf-8") as lines:
        return [told[2] for told in map(json.loads, lines) if isinstance(told, list)]


def test_what_the_generator_sends_is_plain_and_clean(spark):
    texts = sent()
    assert plain(spark, texts).count(True) > 0.8 * len(texts)
    assert clean(spark, texts).count(True) > 0.7 * len(texts)  # those with a transaction or a cart never are


def test_a_plain_text_comes_out_as_the_closer_look_has_it(spark):
    choose = random.Random(20261126)  # noqa: S311
    bases = [to_json(document) for document in (event(), full_purchase())]
    bases += [json.dumps(json.loads(text)) for text in bases]  # a blank after colon and comma
    texts = bases + [mutated(choose.choice(bases), choose) for _ in range(3000)]
    records = spark.createDataFrame(list(enumerate(texts)), "n int, text string").cache()
    found = records.where(is_plain(F.col("text"))).withColumn("failure", F.lit(None).cast("string")).cache()
    close = parsing._looked_at(F.col("text"), NONCE)
    differing = found.withColumn("at_once", F.from_json("text", parsing.schemas.EVENT, parsing._STRICT)).where(
        ~F.col("at_once").eqNullSafe(close["event"])
    )
    assert found.count() > 300
    assert [row.text for row in differing.select("text").collect()] == []


VALUES = [
    "null", '""', '" "', r'"\u2003"', r'"\t"', r'" a"', '"a"', '"1-0-0"', '"1-0-9"', '"1-2-0"', '"2-0-0"', '"01-0-0"',
    "0", "1", "-1", "-0.01", "1.5", '"EUR"', '"XXX"', '"eur"', '"view_item"', '"view_item "', '"purchase"', '"refund"',
    '"add_to_cart"', '"2026-11-26T10:00:00Z"', '"2026-11-26 10:00:00Z"', '"2026-02-30T10:00:00Z"', '"web"',
    '"0D04C05C-30A2-4AEA-A194-E3BACC1F1411"', '"9d04c05c-30a2-4aea-a194-e3bacc1f141"', "{}", "[]", "[{}]",
    '[{"item_id":"","price":1}]', '[{"item_name":"a"}]', '[{"item_id":"a","price":-1}]',
    '[{"item_id":"a","quantity":0}]',
    '[{"item_id":"a","price":1,"quantity":2}]', '{"value":1}', '{"value":1,"currency":"EUR"}',
    '{"value":1,"currency":"XXX"}', '{"value":null,"currency":null}', '{"currency":"CHF"}',
    '{"transaction_id":"a","value":-1,"currency":"USD","tax":-1}',
    "[" + ",".join(['{"item_id":"a"}'] * 200) + "]", "[" + ",".join(['{"item_id":"a"}'] * 201) + "]",
]  # fmt: skip


def _with_other_values(document: dict) -> list[str]:
    """The document with each value in turn replaced by each of VALUES, or left out."""

    def places(node, path=()):
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            yield (*path, key)
            yield from places(node[key], (*path, key))

    texts = []
    for *path, key in list(places(document)):
        changed = json.loads(json.dumps(document))
        node = changed
        for step in path:
            node = node[step]
        node[key] = "VALUE"
        frame = json.dumps(changed, separators=(",", ":"))
        texts += [frame.replace('"VALUE"', value) for value in VALUES]
        del node[key]
        texts.append(json.dumps(changed, separators=(",", ":")))
    return texts


def test_a_clean_text_breaks_no_rule_but_those_on_its_time(spark):
    largest = max((text for text, is_one in zip(sent(), clean(spark, sent()), strict=True) if is_one), key=len)
    texts = _with_other_values(json.loads(largest))
    records = spark.createDataFrame([(text,) for text in texts], "text string").where(is_clean(F.col("text")))
    parsed = records.withColumns(
        {
            "event": F.from_json("text", parsing.schemas.EVENT, parsing._STRICT),
            "findings": F.lit(None).cast(parsing.FINDINGS),
            "failure": F.lit(None).cast(parsing.schemas.FAILURE),
            "kafka_timestamp": F.lit("2026-11-26T10:00:00Z").cast("timestamp"),
            "is_clean": F.lit(False),  # so that every rule is looked at
        }
    )
    judged = validate(with_times(parsed), Limits(max_event_age_days=0, max_future_seconds=10**9)).cache()
    assert judged.count() > 200
    assert [row.text for row in judged.where("failure is not null").select("text").collect()] == []
