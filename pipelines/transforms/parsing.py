"""parse: text → typed event, in two tiers.

Every record pays for one strict parse and one cheap proof (`shape`) that nothing in the document is lost or
coerced by that parse. Only what fails the proof is diagnosed.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.diagnosis import STRICT_JSON, diagnose
from pipelines.transforms.failures import failed
from pipelines.transforms.field_checks import FINDINGS, instant
from pipelines.transforms.shape import has_declared_shape, shape_of, wrapped

_CORRUPT = "_corrupt_record"
_PARSED = T.StructType([*schemas.EVENT.fields, T.StructField(_CORRUPT, T.StringType())])
_LONE_SURROGATE = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_SURROGATE_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_MAX_DEPTH = 999  # Jackson takes 1,000 levels; `wrapped` uses one of them
_MAX_DIGITS = 1000


def parse(records: DataFrame, nonce: str) -> DataFrame:
    """Replace `text` by `event` (the declared fields, only fitting values) and `findings` (null if there are none).

    Sets NOT_JSON and NOT_OBJECT. `nonce` is a random hex string drawn once per start: see `shape`.
    """
    return (
        records.withColumn("document", wrapped(F.col("text"), nonce))
        .withColumn("parsed", F.from_json("text", _PARSED, {**STRICT_JSON, "columnNameOfCorruptRecord": _CORRUPT}))
        .withColumn("proven", _is_proven(nonce))
        .withColumn("kind", F.when(~F.col("proven"), _kind(nonce)))
        .withColumn("diagnosis", F.when(F.col("kind").isin("object", "repeats"), diagnose(F.col("text"))))
        .withColumn("failure", F.coalesce("failure", _failure()))
        .withColumn("event", F.when(F.col("proven"), _parsed_event()).otherwise(F.col("diagnosis.event")))
        .withColumn(
            "findings",
            F.when(F.col("kind") == "repeats", _with_repeated_key()).otherwise(F.col("diagnosis.findings")),
        )
        .drop("document", "parsed", "proven", "kind", "diagnosis", "text")
    )


def _is_proven(nonce: str) -> Column:
    """The strict parse alone is right: shape as declared, nothing overflowed, optional values allowed."""
    platform, sent_at = F.col("parsed.platform"), F.col("parsed.sent_at")
    return F.coalesce(
        has_declared_shape(shape_of(F.col("document")), nonce)
        & F.col(f"parsed.{_CORRUPT}").isNull()
        & (platform.isNull() | platform.isin(*vocabulary.PLATFORMS))
        & (sent_at.isNull() | instant(sent_at).isNotNull())
        & ~F.exists(F.coalesce("parsed.items", F.array()), lambda item: item.isNull()),
        F.lit(False),
    )


def _kind(nonce: str) -> Column:
    """What an unproven text is: object, repeats (an object with a repeated key), other (JSON, no object), invalid.

    Null where there is no text.
    """
    text, document = F.col("text"), F.col("document")
    value = F.try_variant_get(document, "$.a", "variant")
    whole = F.map_keys(F.try_variant_get(document, "$", "map<string,variant>")) == F.array(
        F.lit("a"), F.lit(f"z{nonce}")
    )
    is_object = F.schema_of_variant(value).startswith("OBJECT")
    # The variant parser refuses repeated keys, and lone surrogates, which are no text. Two other parsers accept
    # both: get_json_object proves that there is one document, from_json that it is strict JSON and an object.
    one_document = F.get_json_object(F.concat(F.lit("["), text, F.lit(f',"{nonce}"]')), "$[1]") == nonce
    strict = F.from_json(text, "map<string,string>", STRICT_JSON).isNotNull()
    escapes = F.regexp_replace(F.replace(text, F.lit("\\\\"), F.lit("")), _SURROGATE_PAIR, "")
    repeats = document.isNull() & one_document & strict & ~escapes.rlike(_LONE_SURROGATE)
    return F.when(
        text.isNotNull(),
        F.when(whole & is_object, "object").when(whole, "other").when(repeats, "repeats").otherwise("invalid"),
    )


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
    """Deeper than 999 levels or a number of more than 1,000 digits: valid JSON that Jackson refuses.

    Simple character classes only: a nested quantifier over hostile text overflows the regex engine's stack.
    """
    unescaped = F.replace(F.replace(text, F.lit("\\\\"), F.lit("")), F.lit('\\"'), F.lit(""))
    bare = F.regexp_replace(unescaped, '"[^"]*"', "")
    brackets = F.regexp_replace(bare, r"[^\[\]{}]", "")
    step = F.struct(F.lit(0).alias("depth"), F.lit(0).alias("deepest"))

    def descend(at: Column, bracket: Column) -> Column:
        depth = at["depth"] + F.when(bracket.isin("[", "{"), 1).otherwise(-1)
        return F.struct(depth.alias("depth"), F.greatest(at["deepest"], depth).alias("deepest"))

    depth = F.aggregate(F.split(brackets, ""), step, descend)["deepest"]
    too_deep = F.when(F.length(brackets) > _MAX_DEPTH, depth > _MAX_DEPTH).otherwise(F.lit(False))
    return bare.rlike(f"[0-9]{{{_MAX_DIGITS + 1}}}") | too_deep


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
