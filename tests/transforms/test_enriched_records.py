"""What leaves for the enriched topic and the events table: the producer's values, and ours beside them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from builders import TOPIC, TOPIC_ID, Json, Raw, cart_event, event, first, full_purchase, item, joined, raw
from chispa import assert_column_equality
from observed import declared, parsed, public
from pyspark.sql import functions as F

from pipelines import schemas

# Everything a producer may send without a remark that our side changes on purpose.
EVENTS = {
    "a page view": event(),
    "everything": full_purchase(),
    "everything, and unknown fields": full_purchase(foo={"a": 1}, enrichment="theirs"),
    "everything, and a repeated key": first(full_purchase(), '"session_id":"x"'),
    "nulls": event(user_id=None, page=None, items=None, ecommerce={"coupon": None}),
    "empty objects": event(page={}, geo={}, traffic={}, ecommerce={}, device={}, items=[]),
    "empty text": event(user_id="", geo={"city": ""}),
    "blanks in text": event(user_id="  x ", geo={"city": "\t"}),
    "text of all kinds": event(user_id='😀 "שלום" \\ / \n\t\u0001 \u2028 <b>&amp;</b>', geo={"city": "Zürich"}),
    "numbers of all kinds": cart_event(
        items=[item(price=Json(text)) for text in ("0", "12", "12.5", "12.50", "1e2", "1.5e1", "9999999999.99")]
    ),
    "integers": event(session_number=2147483647, session_event_index=-2147483648),
    "times as written": event(event_time="2026-03-01T13:59:58.123456789+02:00", sent_at="2026-03-01T11:59:59.5Z"),
    "an upper-case uuid": event(event_id="3F0C2F5E-7D4C-4B62-9D3E-0A1B2C3D4E5F"),
    "several items": cart_event(items=[item(item_id=f"i{n}", index=n, item_name="x" * n) for n in range(50)]),
    "other key order": dict(reversed(full_purchase().items())),
}
KEYS = {"a key": b"anon-1", "no key": None, "an empty key": b"", "a binary key": bytes(range(256))}

TABLE = joined(
    EVENTS,
    {name: Raw(event(), key=key, partition=n) for n, (name, key) in enumerate(KEYS.items())},
    {"headers": Raw(event(), headers=(("trace", b"1"), ("event_id", b"forged"), ("source.offset", b"forged")))},
    {"no version": event(schema_version=None), "dead": "{"},
)
TIMES = ("received_at", "derived_at", "processed_at", "kafka_timestamp")
ISO = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")


@pytest.mark.parametrize("name", EVENTS)
def test_the_declared_fields_keep_the_producers_values(outcomes, name):
    enriched = outcomes[name].enriched
    enriched.pop("enrichment")
    assert public(enriched) == declared(parsed(raw(EVENTS[name]).bytes))


@pytest.mark.parametrize("name", EVENTS)
def test_all_that_we_add_sits_under_enrichment(outcomes, name):
    added = outcomes[name].enriched["enrichment"]
    ours = {*schemas.EVENTS.names, *schemas.ENRICHMENT.names} - set(schemas.EVENT.names)
    assert set(added) <= ours


@pytest.mark.parametrize("name", EVENTS)
def test_what_we_add_is_the_same_in_the_row(outcomes, name):
    row, added = outcomes[name].row, outcomes[name].enriched["enrichment"]
    for field in schemas.ENRICHMENT:
        if field.dataType.typeName() in {"string", "integer", "long", "decimal", "boolean", "date"}:
            expected = str(row[field.name]) if field.dataType.typeName() == "date" else row[field.name]
            assert added.get(field.name) == expected, field.name


@pytest.mark.parametrize("name", EVENTS)
def test_our_times_are_iso_with_microseconds_in_utc(outcomes, name):
    added = outcomes[name].enriched["enrichment"]
    assert [time for time in TIMES if not ISO.match(added[time])] == []


def test_the_enrichment_names_the_record_the_batch_and_the_rules(outcomes, batch):
    outcome = outcomes["everything"]
    added = outcome.enriched["enrichment"]
    lineage = ("kafka_topic", "kafka_topic_id", "kafka_partition", "kafka_offset", "batch_id")
    assert [added[name] for name in lineage] == [TOPIC, TOPIC_ID, 0, outcome.outcome.kafka_offset, batch.batch_id]
    assert (added["pipeline_version"], added["ruleset"]) == (batch.pipeline_version, batch.ruleset)
    assert added["processed_at"] == "2026-03-01T12:00:03.004000Z"


def test_the_enrichment_of_a_full_event_lacks_only_what_it_cannot_have(outcomes):
    expected = {*schemas.EVENTS.names} - {*schemas.EVENT.names}
    absent = expected - set(outcomes["everything"].enriched["enrichment"])
    assert absent <= {"user_pseudonym", "rescued_data", "warnings", "page_query"}


def test_money_in_the_record_is_a_number_with_its_digits(outcomes):
    assert outcomes["everything"].enriched["enrichment"]["cart_value"] == Decimal("173.80")


@pytest.mark.parametrize("name", KEYS)
def test_key_and_partition_are_those_of_the_raw_record(outcomes, name):
    record = outcomes[name].record
    key = None if record.key is None else bytes(record.key)
    assert (key, record.partition, record.topic) == (KEYS[name], list(KEYS).index(name), "enriched")


@pytest.mark.parametrize("name", [*EVENTS, *KEYS, "headers"])
def test_the_headers_are_the_coordinates_the_id_and_the_version(outcomes, name):
    outcome = outcomes[name]
    assert [(header.key, bytes(header.value).decode()) for header in outcome.record.headers] == [
        ("source.topic", TOPIC),
        ("source.topic_id", TOPIC_ID),
        ("source.partition", str(outcome.record.partition)),
        ("source.offset", str(outcome.outcome.kafka_offset)),
        ("event_id", outcome.event.event_id),
        ("schema_version", "1-0-0"),
    ]


def test_the_header_of_an_event_without_a_version_names_the_default(outcomes):
    assert outcomes["no version"].headers["schema_version"] == "1-0-0"


def test_the_rows_have_the_columns_of_the_tables(outcomes):
    assert outcomes["everything"].row.__fields__ == schemas.EVENTS.names
    assert outcomes["dead"].row.__fields__ == schemas.DEAD_LETTERS.names


def test_our_json_is_what_spark_writes(spark):
    texts = ["", 'a"b\\c/d', "\x00\x01\x1f\x7f", "\b\f\n\r\t", "é😀\u2028", None]
    moments = ["2026-03-01 12:00:00", "1969-12-31 23:59:59.999999", "0001-01-01 00:00:00.000001", "9999-12-31 00:00:00"]
    frame = (
        spark.createDataFrame([(text, moment) for text in texts for moment in moments], "text string, moment string")
        .withColumn("at", F.to_timestamp("moment"))
        .select(
            "text",
            "at",
            F.to_date("at").alias("day"),
            F.array(*map(F.lit, (-5, 0, 7, 10, 1999, 2**31 - 1))).alias("ints"),
            F.array(*[F.lit(n).cast("long") for n in (-(2**63), -1, 0, 99, 100, 2**63 - 1)]).alias("longs"),
            F.array(*[F.lit(n).cast("decimal(12,2)") for n in ("-86.90", "-0.05", "0", "0.05", "12.30", "100")]).alias(
                "money"
            ),
            F.lit("4294967293995705032706.00").cast("decimal(28,2)").alias("sum"),
            F.lit(True).alias("flag"),
            F.array(F.struct("text", F.lit(None).cast("int").alias("none")), F.lit(None)).alias("rows"),
            F.array(F.col("text"), F.lit("x")).alias("texts"),
            F.array().cast("array<string>").alias("empty"),
            F.struct(F.lit(None).cast("string").alias("nothing")).alias('odd "name"'),
        )
    )
    event, fields = F.struct(F.col("text").alias("named")), F.struct("*")
    none = F.array().cast("array<string>")
    received_at, warnings = F.col("at").alias("received_at"), F.array("text").alias("warnings")
    judged = F.struct(F.lit("x").alias("key"), event.alias("event"), received_at, none.alias("warnings"), "flag")
    ours = F.call_function("ecommerce.enriched_json", judged, warnings, fields).cast("string")
    enrichment = F.struct(received_at, warnings, "flag", *[F.col(f"`{name}`") for name in frame.columns])
    options = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "timeZone": "UTC"}
    sparks = F.to_json(F.struct(event["named"].alias("named"), enrichment.alias("enrichment")), options)
    both = frame.select(ours.alias("ours"), sparks.alias("sparks"))
    assert_column_equality(both, "ours", "sparks")
