"""parse: text → typed event, in two tiers.

Every record pays for one cheap proof (`shape`) that a strict parse loses and coerces nothing in the document, and for
that parse. Only what fails the proof is diagnosed.
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
from pipelines.transforms.json_values import escaped, outside_strings, with_numbered_keys
from pipelines.transforms.plainness import is_plain
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
    """Replace `text` by `event` (the declared fields, only fitting values) and `findings` (null if there are none).

    Sets NOT_JSON and NOT_OBJECT. `nonce` is a random hex string drawn once per start: see `shape`.
    """
    return _closely(_at_once(records), nonce)


def _at_once(records: DataFrame) -> DataFrame:
    """Replace `text` by the `plain_event` of plain texts and the `text` of all others."""
    plain = is_plain(F.col("text"))
    return records.withColumn("plain_event", F.when(plain, F.from_json("text", schemas.EVENT, _STRICT))).withColumn(
        "text", F.when(F.col("plain_event").isNull(), F.col("text"))
    )


def _closely(records: DataFrame, nonce: str) -> DataFrame:
    """Parse the texts that are left; `event` is theirs or the plain one."""
    return (
        records.withColumn("too_deep", _is_too_deep(F.col("text")))
        .withColumn("document", F.when(~F.col("too_deep"), wrapped(F.col("text"), nonce)))
        .withColumn("fits", has_declared_shape(shape_of(F.col("document")), nonce))
        .withColumn("parsed", F.when(F.col("fits"), _strictly_parsed()))
        .withColumn("proven", _is_proven())
        .withColumn("numbered", F.when(_may_repeat_keys(), wrapped(with_numbered_keys(F.col("text"), nonce), nonce)))
        .withColumn("unwrapped", F.when(_is_unproven(), unwrapped(F.coalesce("document", "numbered"), nonce)))
        .withColumn("kind", F.when(_is_unproven(), _kind()))
        .withColumn("diagnosis", F.when(F.col("kind").isin("object", "repeats"), _diagnosis(nonce)))
        .withColumn("failure", F.coalesce("failure", _failure()))
        .withColumn("event", F.coalesce("plain_event", F.when(F.col("proven"), _parsed_event()), "diagnosis.event"))
        .withColumn(
            "findings",
            F.when(F.col("kind") == "repeats", _with_repeated_key()).otherwise(F.col("diagnosis.findings")),
        )
        .drop("too_deep", "document", "fits", "parsed", "proven", "numbered", "unwrapped", "kind", "diagnosis", "text")
        .drop("plain_event")
    )


def _strictly_parsed() -> Column:
    """The event by its schema; only for documents of the declared shape.

    Those hold no exponents in money: of 1e999999999 Spark would write out all the digits before it finds that they do
    not fit, which takes minutes and gigabytes.
    """
    return F.from_json("text", _PARSED, _STRICT)


def _is_proven() -> Column:
    """The strict parse alone is right: shape as declared, nothing overflowed, optional values allowed."""
    platform, sent_at = F.col("parsed.platform"), F.col("parsed.sent_at")
    return F.coalesce(
        F.col("fits")
        & F.col(f"parsed.{_CORRUPT}").isNull()
        & (platform.isNull() | platform.isin(*vocabulary.PLATFORMS))
        & (sent_at.isNull() | instant(sent_at).isNotNull())
        & ~F.exists(F.coalesce("parsed.items", F.array()), lambda item: item.isNull()),
        F.lit(False),
    )


def _is_unproven() -> Column:
    return F.col("text").isNotNull() & ~F.col("proven")


def _may_repeat_keys() -> Column:
    """The variant parser takes no repeated keys. With numbers on all of them, it takes just what it would without."""
    return _is_unproven() & ~F.col("too_deep") & F.col("document").isNull()


def _kind() -> Column:
    """What an unproven text is: object, repeats (an object in which a key is repeated), other (JSON), invalid.

    Null where there is no text.
    """
    is_object = F.schema_of_variant("unwrapped").startswith("OBJECT")
    return F.when(
        F.col("text").isNotNull(),
        F.when(F.col("unwrapped").isNull(), "invalid")
        .when(~is_object, "other")
        .when(F.col("document").isNull(), "repeats")
        .otherwise("object"),
    )


def _diagnosis(nonce: str) -> Column:
    return diagnose(F.col("unwrapped"), F.col("kind") == "repeats", F.col("text"), nonce)


def _failure() -> Column:
    limit = F.when(_exceeds_parser_limits(F.col("text")), "parser_limit").otherwise("malformed")
    return F.when(
        F.col("kind") == "invalid",
        failed("NOT_JSON", "parse", limit, "one JSON object", "the value is not one valid JSON document"),
    ).when(
        F.col("kind") == "other",
        failed("NOT_OBJECT", "parse", "type", "object", "the value is JSON but not an object"),
    )


def _exceeds_parser_limits(text: Column) -> Column:
    """Too deep, or a number or key that is too long for Jackson: valid JSON perhaps, and refused.

    Simple character classes only: a nested quantifier over hostile text overflows the regex engine's stack.
    """
    bare = outside_strings(text)
    digits = F.translate(bare, ".eE+-", "")  # Jackson counts those of the exponent too
    long_key = escaped(text).rlike(f'"[^"]{{{_MAX_KEY_LENGTH + 1},}}"[ \\t\\r\\n]*:')
    return F.col("too_deep") | digits.rlike(f"[0-9]{{{_MAX_DIGITS + 1}}}") | long_key


def _is_too_deep(text: Column) -> Column:
    """More than 200 levels; false where there is no text. Counting brackets is cheap, and most texts have few."""
    without = F.replace(F.replace(text, F.lit("{"), F.lit("")), F.lit("["), F.lit(""))
    may_be = F.octet_length(text) - F.octet_length(without) > _MAX_DEPTH
    brackets = F.split(F.regexp_replace(outside_strings(text), r"[^\[\]{}]", ""), "")

    def descend(depth: Column, bracket: Column) -> Column:
        """The depth after the bracket, until it is too much."""
        return F.when(depth > _MAX_DEPTH, depth).otherwise(depth + F.when(bracket.isin("[", "{"), 1).otherwise(-1))

    return F.when(may_be, F.aggregate(brackets, F.lit(0), descend) > _MAX_DEPTH).otherwise(F.lit(False))


def _parsed_event() -> Column:
    fields = [F.col(f"parsed.{name}").alias(name) for name in schemas.EVENT.names]
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
