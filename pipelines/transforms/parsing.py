"""parse: text → typed event, in three tiers.

Every record pays for one cheap proof (`plainness`) that a strict parse loses and coerces nothing in the text, and for
that parse. What fails it is looked at more closely: a dearer proof, of any layout and order of keys (`shape`), then
`diagnosis`. Spark interprets those two: code that is generated for the rare would be compiled for all.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.diagnosis import diagnose
from pipelines.transforms.failures import failed
from pipelines.transforms.field_checks import FINDINGS, instant
from pipelines.transforms.json_values import escaped, in_steps, let, outside_strings, with_numbered_keys
from pipelines.transforms.plainness import is_clean, is_plain
from pipelines.transforms.shape import has_declared_shape, shape_of, unwrapped, wrapped

_CORRUPT = "_corrupt_record"
_PARSED = T.StructType([*schemas.EVENT.fields, T.StructField(_CORRUPT, T.StringType())])
_STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false", "columnNameOfCorruptRecord": _CORRUPT}
# Jackson takes 1,000 levels. But Spark describes a variant recursively, and at about 800 a thread's usual stack of
# 1 MiB overflows, which ends the JVM: one such record would stop the stream for good.
_MAX_DEPTH = 200
# Jackson's.
_MAX_DIGITS, _MAX_KEY_LENGTH = 1000, 50_000


def parse(records: DataFrame, nonce: str) -> DataFrame:
    """Replace `text` by `event` (the declared fields, only fitting values), `findings` (null if there are none) and
    `is_clean` (see `plainness`).

    Sets NOT_JSON and NOT_OBJECT. `nonce` is a random hex string drawn once per start: see `shape`.
    """
    plain = F.when(F.col("is_clean") | is_plain(F.col("text")), F.from_json("text", schemas.EVENT, _STRICT))
    return (
        records.withColumn("is_clean", is_clean(F.col("text")))
        .withColumn("plain_event", plain)
        .withColumn("closer", _looked_at(F.when(F.col("plain_event").isNull(), F.col("text")), nonce))
        .withColumn("diagnosis", F.when(F.col("closer.kind").isin("object", "repeats"), _diagnosis(nonce)))
        .withColumns(
            {
                "failure": F.coalesce("failure", F.when(F.col("closer").isNotNull(), let(F.col("closer"), _failure))),
                "event": F.coalesce("plain_event", "closer.event", "diagnosis.event"),
                "findings": F.when(F.col("closer.kind") == "repeats", _with_repeated_key()).otherwise(
                    F.col("diagnosis.findings")
                ),
            }
        )
        .drop("plain_event", "closer", "diagnosis", "text")
    )


def _looked_at(text: Column, nonce: str) -> Column:
    """struct<text, too_deep, event, unwrapped, kind> of a text that is not plain; null without a text.

    `event` is there if the dearer proof succeeds; else `unwrapped` is the text's variant, and `kind` is told.
    """
    return in_steps(
        text,
        "text",
        {
            "too_deep": lambda r: _is_too_deep(r["text"]),
            "document": lambda r: F.when(~r["too_deep"], wrapped(r["text"], nonce)),
            "parsed": lambda r: F.when(has_declared_shape(shape_of(r["document"]), nonce), _strictly_parsed(r["text"])),
            "proven": lambda r: _is_proven(r["parsed"]),
            "numbered": lambda r: F.when(_may_repeat_keys(r), wrapped(with_numbered_keys(r["text"], nonce), nonce)),
            "unwrapped": lambda r: F.when(~r["proven"], unwrapped(F.coalesce(r["document"], r["numbered"]), nonce)),
        },
        lambda r: F.struct(
            r["text"].alias("text"),
            r["too_deep"].alias("too_deep"),
            F.when(r["proven"], _event(r["parsed"])).alias("event"),
            r["unwrapped"].alias("unwrapped"),
            F.when(~r["proven"], _kind(r)).alias("kind"),
        ),
    )


def _strictly_parsed(text: Column) -> Column:
    """The event by its schema; only for documents of the declared shape.

    Those hold no exponents in money: of 1e999999999 Spark would write out all the digits before it finds that they do
    not fit, which takes minutes and gigabytes.
    """
    return F.from_json(text, _PARSED, _STRICT)


def _is_proven(parsed: Column) -> Column:
    """The strict parse alone is right: shape as declared, nothing overflowed, optional values allowed."""
    platform, sent_at = parsed["platform"], parsed["sent_at"]
    return F.coalesce(
        parsed.isNotNull()
        & parsed[_CORRUPT].isNull()
        & (platform.isNull() | platform.isin(*vocabulary.PLATFORMS))
        & (sent_at.isNull() | instant(sent_at).isNotNull())
        & ~F.exists(F.coalesce(parsed["items"], F.array()), lambda item: item.isNull()),
        F.lit(False),
    )


def _may_repeat_keys(record: Column) -> Column:
    """The variant parser takes no repeated keys. With numbers on all of them, it takes just what it would without."""
    return ~record["proven"] & ~record["too_deep"] & record["document"].isNull()


def _kind(record: Column) -> Column:
    """What an unproven text is: object, repeats (an object in which a key is repeated), other (JSON), invalid."""
    is_object = F.schema_of_variant(record["unwrapped"]).startswith("OBJECT")
    return (
        F.when(record["unwrapped"].isNull(), "invalid")
        .when(~is_object, "other")
        .when(record["document"].isNull(), "repeats")
        .otherwise("object")
    )


def _diagnosis(nonce: str) -> Column:
    return diagnose(F.col("closer.unwrapped"), F.col("closer.kind") == "repeats", F.col("closer.text"), nonce)


def _failure(record: Column) -> Column:
    limit = F.when(_exceeds_parser_limits(record), "parser_limit").otherwise("malformed")
    return F.when(
        record["kind"] == "invalid",
        failed("NOT_JSON", "parse", limit, "one JSON object", "the value is not one valid JSON document"),
    ).when(
        record["kind"] == "other",
        failed("NOT_OBJECT", "parse", "type", "object", "the value is JSON but not an object"),
    )


def _exceeds_parser_limits(record: Column) -> Column:
    """Too deep, or a number or key that is too long for Jackson: valid JSON perhaps, and refused.

    Simple character classes only: a nested quantifier over hostile text overflows the regex engine's stack.
    """
    bare = outside_strings(record["text"])
    digits = F.translate(bare, ".eE+-", "")  # Jackson counts those of the exponent too
    long_key = escaped(record["text"]).rlike(f'"[^"]{{{_MAX_KEY_LENGTH + 1},}}"[ \\t\\r\\n]*:')
    return record["too_deep"] | digits.rlike(f"[0-9]{{{_MAX_DIGITS + 1}}}") | long_key


def _is_too_deep(text: Column) -> Column:
    """More than 200 levels. Counting brackets is cheap, and most texts have few."""
    without = F.replace(F.replace(text, F.lit("{"), F.lit("")), F.lit("["), F.lit(""))
    may_be = F.octet_length(text) - F.octet_length(without) > _MAX_DEPTH
    brackets = F.split(F.regexp_replace(outside_strings(text), r"[^\[\]{}]", ""), "")

    def descend(depth: Column, bracket: Column) -> Column:
        """The depth after the bracket, until it is too much."""
        return F.when(depth > _MAX_DEPTH, depth).otherwise(depth + F.when(bracket.isin("[", "{"), 1).otherwise(-1))

    return F.when(may_be, F.aggregate(brackets, F.lit(0), descend) > _MAX_DEPTH).otherwise(F.lit(False))


def _event(parsed: Column) -> Column:
    fields = [parsed[name].alias(name) for name in schemas.EVENT.names]
    return F.struct(*fields).cast(schemas.EVENT)


def _with_repeated_key() -> Column:
    finding = F.struct(
        F.lit("").alias("path"),
        F.lit("duplicate_key").alias("keyword"),
        F.lit("each key once").alias("expected"),
        F.lit("object").alias("actual_type"),
        F.lit("a key is repeated; its last value counts").alias("message"),
        F.lit(None).cast("string").alias("failure_type"),
        F.lit(None).cast("variant").alias("value"),
    )
    return F.concat(F.array(finding).cast(FINDINGS), F.col("diagnosis.findings"))
