"""The checks of a single JSON value against its declaration, for `diagnosis`.

The declared fields are data here, so that one expression checks them all: with an expression per field, Spark
needed 50 s to plan a batch.
"""

from __future__ import annotations

import json

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.json_values import json_type, let

# What is said about one value. With a failure_type it rejects the record; without, it is a warning.
FINDING = T.StructType(
    [
        *schemas.ERROR.fields,
        T.StructField("failure_type", schemas.TEXT),
        T.StructField("value", T.VariantType()),
    ]
)
FINDINGS = T.ArrayType(FINDING)

_DECLARATIONS = "array<struct<container string, name string, kind string, critical boolean>>"
# Optional fields whose value is looked at but never rejects.
_CHECKED_OPTIONALS = {
    "platform": "one of " + ", ".join(vocabulary.PLATFORMS),
    "sent_at": "an RFC 3339 timestamp",
}


def declarations(fields: list[tuple[str, T.StructField]]) -> Column:
    """(container, field) pairs as a literal array of struct<container, name, kind, critical>."""
    described = []
    for container, field in fields:
        path = f"{container}.{field.name}" if container else field.name
        named = path if path in {"event_time", *_CHECKED_OPTIONALS} else _json_kind(field.dataType)
        described.append(
            {
                "container": container,
                "name": field.name,
                "kind": named,
                "critical": path in vocabulary.CRITICAL,
            }
        )
    return F.from_json(F.lit(json.dumps(described)), _DECLARATIONS)


def check_leaf(field: Column, value: Column, path: Column, has_inexact_number: Column) -> Column:
    """One scalar as struct<text, integer, money, found>: the typed values are null unless the value fits.

    `has_inexact_number`: somewhere in the document is a number of more digits than a variant can hold.
    """
    one = F.struct(
        value.alias("value"),
        json_type(value).alias("actual"),
        field["kind"].alias("kind"),
        field["critical"].alias("critical"),
        path.alias("path"),
        has_inexact_number.alias("has_inexact_number"),
        F.try_variant_get(value, "$", "string").alias("text"),
        F.try_variant_get(value, "$", "int").alias("integer"),
        F.try_variant_get(value, "$", schemas.MONEY.simpleString()).alias("money"),
    )

    def with_problem(checked: Column) -> Column:
        return let(F.struct(checked.alias("checked"), _problem(checked).alias("problem")), _only_fitting)

    return let(one, with_problem)


def typed(leaf: Column, field: T.StructField) -> Column:
    """The value of a checked leaf in its column's type."""
    if isinstance(field.dataType, T.DecimalType):
        return leaf["money"].alias(field.name)
    if isinstance(field.dataType, T.IntegerType):
        return leaf["integer"].alias(field.name)
    return leaf["text"].alias(field.name)


def instant(text: Column) -> Column:
    """RFC 3339 text as a timestamp (further digits than µs are cut), or null if it is not one."""
    return F.when(text.rlike(vocabulary.RFC3339), text.try_cast("timestamp"))


def problem(keyword: str, expected: str | Column, message: str | Column, failure_type: Column | None = None) -> Column:
    """What is wrong with a value: struct<keyword, expected, message, failure_type>. Messages never hold a value."""
    return F.struct(
        F.lit(keyword).alias("keyword"),
        (F.lit(expected) if isinstance(expected, str) else expected).alias("expected"),
        (F.lit(message) if isinstance(message, str) else message).alias("message"),
        (F.lit(None).cast("string") if failure_type is None else failure_type).alias("failure_type"),
    )


def finding(value: Column, path: Column, wrong: Column) -> Column:
    """A FINDING about `value`: its path and JSON type, and the `problem`."""
    about = {"path": path, "actual_type": json_type(value), "value": value}

    def written(problem: Column) -> Column:
        return F.struct(*[about.get(name, problem[name]).alias(name) for name in FINDING.names]).cast(FINDING)

    return let(wrong, written)


def no_findings() -> Column:
    """An empty array of findings."""
    return F.array().cast(FINDINGS)


def _problem(one: Column) -> Column:
    actual, kind = one["actual"], one["kind"]
    is_integer, is_money = kind == "integer", kind == "number"
    expected = F.when(is_integer | is_money, kind).otherwise("string")
    type_fits = (actual == expected) | (is_money & (actual == "integer"))
    in_range = F.when(is_integer, one["integer"].isNotNull()).when(is_money, one["money"].isNotNull()).otherwise(True)
    allowed = (
        F.when(kind == "platform", one["text"].isin(*vocabulary.PLATFORMS))
        .when(kind == "sent_at", instant(one["text"]).isNotNull())
        .otherwise(True)
    )
    # A number for event_time is a timestamp of the wrong kind, not a wrong type.
    numeric_time = (kind == "event_time") & actual.isin("integer", "number")
    mismatch = F.when(numeric_time, "TIMESTAMP_INVALID").when(one["critical"], "TYPE_MISMATCH")
    inexact = F.when(one["critical"], "INVALID_VALUE")
    rule = F.element_at(F.create_map(*[F.lit(x) for pair in _CHECKED_OPTIONALS.items() for x in pair]), kind)
    return (
        F.when(actual.isNull() | (actual == "null"), None)
        .when(~type_fits, problem("type", expected, F.concat(F.lit("must be a JSON "), expected), mismatch))
        .when(~in_range, problem("range", expected, "the number is too large", mismatch))
        .when(is_money & ~_is_exact(one), problem("multipleOf", "0.01", "more than two decimals", inexact))
        .when(~allowed, problem("format", rule, F.concat(F.lit("is not "), rule)))
    )


def _only_fitting(pair: Column) -> Column:
    one, wrong = pair["checked"], pair["problem"]
    fits = wrong.isNull() & (one["actual"] != "null")
    values = [F.when(fits, one[name]).alias(name) for name in ("text", "integer", "money")]
    return F.struct(*values, finding(one["value"], one["path"], wrong).alias("found"))


def _is_exact(one: Column) -> Column:
    """Whether a number has at most two decimals.

    Variants drop trailing zeros, so a decimal's scale tells. A number with an exponent is a double, and so is one of
    more than 38 digits. Of up to 15 digits a double is as good as the text; where one has more, or is too small for a
    double, none of the document's is trusted.
    """
    shape = F.schema_of_variant(one["value"])
    as_double = F.try_variant_get(one["value"], "$", "double")
    same = (shape == "DOUBLE") & ~one["has_inexact_number"] & (one["money"].cast("double") == as_double)
    return shape.rlike(r"\A(BIGINT|DECIMAL\(\d+,[0-2]\))\z") | same


def _json_kind(data_type: T.DataType) -> str:
    if isinstance(data_type, T.StructType):
        return "object"
    if isinstance(data_type, T.ArrayType):
        return "array"
    if isinstance(data_type, T.DecimalType):
        return "number"
    return "integer" if isinstance(data_type, T.IntegerType) else "string"
