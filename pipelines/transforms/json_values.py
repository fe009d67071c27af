"""Building blocks for looking into JSON values (Spark variants) without generated code.

Spark interprets higher-order functions, and evaluates what a lambda captures from outside again for each element.
So work on unusual records is wrapped in `let`, which names a value once and captures nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F


def let(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body` of `value`, with `value` evaluated once, interpreted; null stays null."""
    return F.when(value.isNotNull(), F.get(F.transform(F.array(value), body), 0))


def json_type(value: Column) -> Column:
    """The JSON type of a variant: string, integer, number, boolean, object, array, null; SQL null if absent."""
    shape = F.schema_of_variant(value)
    return (
        F.when(shape == "STRING", "string")
        .when(shape == "BIGINT", "integer")
        .when(shape.startswith("DECIMAL") | shape.isin("DOUBLE", "FLOAT"), "number")
        .when(shape == "BOOLEAN", "boolean")
        .when(shape.startswith("OBJECT"), "object")
        .when(shape.startswith("ARRAY"), "array")
        .when(shape == "VOID", "null")
    )


def entries_of(value: Column) -> Column:
    """The entries of a variant object as map<string,variant>; null for anything else."""
    return F.when(json_type(value) == "object", F.try_variant_get(value, "$", "map<string,variant>"))


def escaped(text: Column) -> Column:
    """JSON text with a plain character for each escaped backslash and quote, so that every quote left is a bound."""
    return F.replace(F.replace(text, F.lit("\\\\"), F.lit("_")), F.lit('\\"'), F.lit("_"))


def outside_strings(text: Column) -> Column:
    """JSON text without its strings."""
    return F.regexp_replace(escaped(text), '"[^"]*"', "")


def last_wins(entries: Column) -> Column:
    """The map with one entry per key, the last one given; O(n log n), since hostile input has many keys."""
    keys = F.map_keys(entries)
    repeated = F.size(keys) != F.size(F.array_distinct(keys))
    return F.when(repeated, let(_sorted_entries(entries), _map_of_last)).otherwise(entries)


def _sorted_entries(entries: Column) -> Column:
    located = F.transform(
        F.map_entries(entries),
        lambda e, at: F.struct(e["key"].alias("key"), e["value"].alias("value"), at.alias("at")),
    )
    return F.array_sort(
        located,
        lambda a, b: F.when(a["key"] < b["key"], -1).when(a["key"] > b["key"], 1).otherwise(a["at"] - b["at"]),
    )


def _map_of_last(entries: Column) -> Column:
    next_keys = F.transform(F.slice(entries, 2, F.size(entries)), lambda e: e["key"])
    pairs = F.zip_with(entries, next_keys, lambda e, key: F.struct(e.alias("entry"), key.alias("next_key")))
    last = F.filter(pairs, lambda p: ~p["entry"]["key"].eqNullSafe(p["next_key"]))
    return let(
        last,
        lambda kept: F.map_from_arrays(
            F.transform(kept, lambda p: p["entry"]["key"]), F.transform(kept, lambda p: p["entry"]["value"])
        ),
    )
