"""validate: does the event keep the contract? All failing fields are reported, the first type in the table names it.

A rule is a `Problem`: a condition that is true where the field fails, and what to say then. The same list decides
(one cheap boolean for every record) and explains (only for records that failed).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.json_values import let

_MAX_ERRORS = 20
# The columns that the rules read.
_READ = ("event", "findings", "event_at", "derived_at", "received_at")
_TYPED_ERROR = T.StructType([T.StructField("failure_type", schemas.TEXT), *schemas.ERROR.fields])


@dataclass(frozen=True)
class Limits:
    """Bounds on the event's time, against the broker's append time; an age of 0 days is no bound."""

    max_event_age_days: int = 3650
    max_future_seconds: int = 600


@dataclass(frozen=True)
class Problem:
    """A field fails where `fails` is true (null is not failing)."""

    failure_type: str
    path: str
    keyword: str
    expected: str
    message: str
    fails: Column

    def error(self) -> Column:
        """struct<failure_type, …ERROR> where it fails, else null."""
        return F.when(
            self.fails,
            F.struct(
                F.lit(self.failure_type).alias("failure_type"),
                F.lit(self.path).alias("path"),
                F.lit(self.keyword).alias("keyword"),
                F.lit(self.expected).alias("expected"),
                F.lit(None).cast("string").alias("actual_type"),
                F.lit(self.message).alias("message"),
            ),
        )


def validate(records: DataFrame, limits: Limits) -> DataFrame:
    """Set `failure` (stage validate) on events that break a rule, and split `findings` into it and `warnings`.

    Needs `event`, `findings`, `is_clean` and the times of `with_times`. Drops `findings` and `is_clean`; adds `notes`:
    the findings that reject nothing, for the warnings and the rescued data.
    """
    rejecting = F.exists("findings", lambda f: f["failure_type"].isNotNull())
    fails = [p.fails for p in _text_problems(F.col)] + [_item_problem(), rejecting]
    untimely = [p.fails for p in _time_problems(limits, F.col)]
    invalid = _any(untimely) | (~F.col("is_clean") & _any(fails))
    checked = F.col("failure").isNull() & F.col("event").isNotNull()
    failure = let(let(F.struct(*_READ), lambda r: _errors(limits, r.getField)), _failure)
    return (
        records.withColumn("failure", F.when(checked & invalid, failure).otherwise(F.col("failure")))
        .withColumn(
            "notes",
            F.when(F.col("failure").isNull(), F.filter("findings", lambda f: f["failure_type"].isNull())),
        )
        .drop("findings", "is_clean")
    )


def _any(conditions: list[Column]) -> Column:
    return reduce(or_, [F.coalesce(condition, F.lit(False)) for condition in conditions])


def problems(limits: Limits, of: Callable[[str], Column] = F.col) -> list[Problem]:
    """Every rule of the contract but those on single items, in the order in which errors are listed.

    `of` gives the columns of the record that is judged.
    """
    return _text_problems(of) + _time_problems(limits, of)


def _text_problems(of: Callable[[str], Column]) -> list[Problem]:
    """The rules that a text is enough for; those on single items are `_item_problem` and `_item_errors`."""
    event = of("event")
    name, version = event["event_name"], event["schema_version"]
    model = F.regexp_extract(version, vocabulary.SCHEMA_VERSION_FORMAT, 1)
    well_formed = version.rlike(vocabulary.SCHEMA_VERSION_FORMAT)
    rules = [
        Problem(
            "UNSUPPORTED_SCHEMA_VERSION", "schema_version", "const", f"{vocabulary.MODEL}-*-*",
            "this pipeline does not know the model", well_formed & (model != str(vocabulary.MODEL)),
        ),
        Problem(
            "INVALID_VALUE", "schema_version", "format", "MODEL-REVISION-ADDITION", "is malformed", ~well_formed
        ),
    ]  # fmt: skip
    rules += [_missing(of, field, event[field]) for field in vocabulary.REQUIRED]
    shop = event["ecommerce"]
    is_purchase = name == "purchase"
    rules += [
        _missing(of, "ecommerce.transaction_id", shop["transaction_id"], name.isin(*vocabulary.NEEDS_TRANSACTION)),
        _missing(of, "ecommerce.value", shop["value"], is_purchase),
        _missing(of, "ecommerce.currency", shop["currency"], is_purchase | shop["value"].isNotNull()),
        Problem(
            "MISSING_REQUIRED", "items", "minItems", "at least 1 item", "this event needs items",
            name.isin(*vocabulary.NEEDS_ITEMS) & (F.coalesce(F.size(event["items"]), F.lit(-1)) <= 0)
            & ~_mistyped(of, "items"),
        ),
        Problem(
            "INVALID_VALUE", "items", "maxItems", f"at most {vocabulary.MAX_ITEMS} items", "too many items",
            F.size(event["items"]) > vocabulary.MAX_ITEMS,
        ),
        Problem("INVALID_VALUE", "event_id", "format", "a UUID", "is not a UUID",
                _given(event["event_id"]) & ~event["event_id"].rlike(vocabulary.UUID)),
        Problem("INVALID_VALUE", "event_name", "enum", "a known event name", "is not a known event name",
                _given(name) & ~name.isin(*vocabulary.EVENT_NAMES)),
        Problem("INVALID_VALUE", "ecommerce.currency", "enum", "an ISO 4217 code", "is not a known currency",
                _given(shop["currency"]) & ~shop["currency"].isin(*vocabulary.CURRENCIES)),
        Problem("TIMESTAMP_INVALID", "event_time", "format", "RFC 3339 with a zone", "is not an RFC 3339 timestamp",
                of("event_at").isNull() & _given(event["event_time"])),
    ]  # fmt: skip
    return rules


def _time_problems(limits: Limits, of: Callable[[str], Column]) -> list[Problem]:
    """The rules that compare with the record's arrival."""
    derived, received = F.unix_micros(of("derived_at")), F.unix_micros(of("received_at"))
    max_future, max_age = limits.max_future_seconds, limits.max_event_age_days
    rules = [
        Problem(
            "TIMESTAMP_FUTURE", "event_time", "maximum", f"at most {max_future} s ahead of its arrival",
            "lies in the future", derived > received + max_future * 1_000_000,
        ),
    ]  # fmt: skip
    if max_age > 0:
        ancient = derived < received - max_age * 86_400_000_000
        expected = f"at most {max_age} days before its arrival"
        rules.append(Problem("TIMESTAMP_ANCIENT", "event_time", "minimum", expected, "is too old", ancient))
    return rules


def _missing(of: Callable[[str], Column], path: str, value: Column, when: Column | None = None) -> Problem:
    is_money = path == "ecommerce.value"
    blank = value.isNull() if is_money else ~_given(value)
    fails = blank & ~_mistyped(of, path)
    fails = fails if when is None else when & fails
    return Problem("MISSING_REQUIRED", path, "required", "a value", "is required", fails)


def _given(text: Column) -> Column:
    return F.coalesce(text.rlike(vocabulary.NOT_BLANK), F.lit(False))


def _mistyped(of: Callable[[str], Column], path: str) -> Column:
    """Whether the field is null only because a finding already says why."""
    rejected = F.exists(of("findings"), lambda f: (f["path"] == path) & f["failure_type"].isNotNull())
    return F.coalesce(rejected, F.lit(False))


def _item_problem() -> Column:
    """Whether any item breaks a rule (or is missing a field that a finding explains)."""
    return F.exists(
        "event.items",
        lambda i: ~(_given(i["item_id"]) | _given(i["item_name"])) | (i["price"] < 0) | (i["quantity"] < 1),
    )


def _item_errors(of: Callable[[str], Column]) -> Column:
    """array<struct<failure_type, …ERROR>> over all items, in their order."""
    explained = F.transform(F.filter(of("findings"), lambda f: f["failure_type"].isNotNull()), lambda f: f["path"])

    def check(pair: Column, index: Column) -> Column:
        item, known = pair["item"], pair["explained"]
        path = F.concat(F.lit("items["), index.cast("string"), F.lit("]"))
        no_name = ~(_given(item["item_id"]) | _given(item["item_name"]))
        accounted = F.arrays_overlap(
            F.coalesce(known, F.array().cast("array<string>")),
            F.array(path, F.concat(path, F.lit(".item_id")), F.concat(path, F.lit(".item_name"))),
        )
        return F.array(
            F.when(no_name & ~accounted, _item_error("MISSING_REQUIRED", path, "item_id", "required",
                                                     "an item_id or item_name", "is required")),
            F.when(item["price"] < 0, _item_error("INVALID_VALUE", path, "price", "minimum", "at least 0",
                                                  "is negative")),
            F.when(item["quantity"] < 1, _item_error("INVALID_VALUE", path, "quantity", "minimum", "at least 1",
                                                     "is less than 1")),
        )  # fmt: skip

    paired = F.transform(of("event")["items"], lambda i: F.struct(i.alias("item"), explained.alias("explained")))
    return F.coalesce(F.flatten(F.transform(paired, check)), F.array().cast(T.ArrayType(_TYPED_ERROR)))


def _item_error(failure_type: str, path: Column, field: str, keyword: str, expected: str, message: str) -> Column:
    return F.struct(
        F.lit(failure_type).alias("failure_type"),
        F.concat(path, F.lit(f".{field}")).alias("path"),
        F.lit(keyword).alias("keyword"),
        F.lit(expected).alias("expected"),
        F.lit(None).cast("string").alias("actual_type"),
        F.lit(message).alias("message"),
    )


def _errors(limits: Limits, of: Callable[[str], Column]) -> Column:
    """All errors of a record: from the diagnosis, from the rules, from the items."""
    diagnosed = F.transform(
        F.filter(of("findings"), lambda f: f["failure_type"].isNotNull()),
        lambda f: F.struct(*[f[name].alias(name) for name in _TYPED_ERROR.names]),
    )
    every = F.concat(
        F.coalesce(diagnosed, F.array().cast(T.ArrayType(_TYPED_ERROR))),
        F.array(*[problem.error() for problem in problems(limits, of)]),
        _item_errors(of),
    )
    return F.filter(every, lambda error: error.isNotNull())


def _failure(errors: Column) -> Column:
    """The first type of the contract's table among the errors, and the errors (at most 20)."""
    types = F.transform(errors, lambda e: e["failure_type"])
    in_order = F.array(*map(F.lit, vocabulary.FAILURE_TYPES))
    first = F.coalesce(F.get(F.array_intersect(in_order, types), 0), F.lit("INVALID_VALUE"))
    listed = F.transform(
        F.slice(errors, 1, _MAX_ERRORS), lambda e: F.struct(*[e[n].alias(n) for n in schemas.ERROR.names])
    )
    whole = F.struct(first.alias("type"), F.lit("validate").alias("stage"), listed.alias("errors"))
    return whole.cast(schemas.FAILURE)
