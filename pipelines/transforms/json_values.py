"""Building blocks for looking into JSON values (Spark variants) without generated code.

Spark interprets higher-order functions, and evaluates what a lambda captures from outside again for each element.
So work on unusual records is wrapped in `let`, which names a value once and captures nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

_PLACE_LENGTH = 9  # digits: enough for a text of a gigabyte


def let(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body` of `value`, with `value` evaluated once, interpreted; null stays null.

    `value` is in the result once, so that nested ones do not grow with the power of two. What is null for most
    records wants a cheaper condition around it.
    """
    return F.get(F.transform(F.array(value), lambda v: F.when(v.isNotNull(), body(v))), 0)


def in_steps(
    value: Column, name: str, steps: Mapping[str, Callable[[Column], Column]], result: Callable[[Column], Column]
) -> Column:
    """`result` of a record of `value` (as `name`) and what the steps add to it, one after the other; null stays null.

    As withColumn would, but in one expression that is interpreted.
    """

    def go_on(record: Column, names: list[str], left: list[str]) -> Column:
        if not left:
            return result(record)
        earlier = [record[each].alias(each) for each in names]
        wider = F.struct(*earlier, steps[left[0]](record).alias(left[0]))
        return let(wider, lambda r: go_on(r, [*names, left[0]], left[1:]))

    first = let(F.struct(value.alias(name)), lambda r: go_on(r, [name], list(steps)))
    return F.when(value.isNotNull(), first)


def json_type(value: Column) -> Column:
    """The JSON type of a variant: string, integer, number, boolean, object, array, null; SQL null if absent.

    An integer of more than 38 digits is a number: a variant holds it as a double.
    """
    return let(F.schema_of_variant(value), _json_type)


def _json_type(shape: Column) -> Column:
    beyond_bigint = shape.like("DECIMAL(__,0)") & (shape >= "DECIMAL(19")
    return (
        F.when(shape == "STRING", "string")
        .when((shape == "BIGINT") | beyond_bigint, "integer")
        .when(shape.startswith("DECIMAL") | shape.isin("DOUBLE", "FLOAT"), "number")
        .when(shape == "BOOLEAN", "boolean")
        .when(shape.startswith("OBJECT"), "object")
        .when(shape.startswith("ARRAY"), "array")
        .when(shape == "VOID", "null")
    )


def escaped(text: Column) -> Column:
    """JSON text with a plain character for each escaped backslash and quote, so that every quote left is a bound."""
    return F.replace(F.replace(text, F.lit("\\\\"), F.lit("_")), F.lit('\\"'), F.lit("_"))


def outside_strings(text: Column) -> Column:
    """JSON text without its strings."""
    return F.regexp_replace(escaped(text), '"[^"]*"', "")


def with_numbered_keys(text: Column, mark: str) -> Column:
    """JSON text with `mark` and its place in the text before each key, so that no key is repeated.

    Where the text is no JSON, the result is none either: nothing is put outside strings, and nothing is left out.
    """
    even = F.replace(F.replace(text, F.lit("\\\\"), F.lit(r"\u005c")), F.lit('\\"'), F.lit(r"\u0022"))
    pieces = F.regexp_extract_all(even, F.lit(r'"[^"]*"[ \t\r\n]*:?|[^"]+|"'), F.lit(0))
    return F.array_join(
        F.transform(
            pieces,
            lambda piece, at: F.when(
                piece.startswith('"') & piece.endswith(":"),
                F.concat(F.lit(f'"{mark}'), F.lpad(at.cast("string"), _PLACE_LENGTH, "0"), F.substr(piece, F.lit(2))),
            ).otherwise(piece),
        ),
        "",
    )


def without_numbered_keys(value: Column, mark: str) -> Column:
    """A variant with the keys that it was sent with; as text if it repeats one itself."""
    text = F.regexp_replace(F.to_json(value), f'"{mark}[0-9]{{{_PLACE_LENGTH}}}', '"')
    nested = let(text, lambda t: F.coalesce(F.try_parse_json(t), t.cast("variant")))
    return F.when(json_type(value).isin("object", "array"), nested).otherwise(value)


def members(value: Column, is_numbered: Column, mark: str) -> Column:
    """The members of a variant object as map<string,variant>; null for anything else.

    Of members with numbered keys, the last one of each name in the text.
    """
    entries = F.try_variant_get(value, "$", "map<string,variant>")
    return F.when(is_numbered, let(_in_order(entries, mark), _map_of_last)).otherwise(entries)


def _in_order(entries: Column, mark: str) -> Column:
    """The entries by name, and those of one name in the order of the text; O(n log n): hostile input has many keys."""
    named = F.transform(
        F.map_entries(entries),
        lambda e: F.struct(
            F.substr(e["key"], F.lit(len(mark) + _PLACE_LENGTH + 1)).alias("key"),
            F.substr(e["key"], F.lit(1), F.lit(len(mark) + _PLACE_LENGTH)).alias("place"),
            e["value"].alias("value"),
        ),
    )
    return F.array_sort(
        named,
        lambda a, b: (
            F.when(a["key"] < b["key"], -1)
            .when(a["key"] > b["key"], 1)
            .otherwise(F.when(a["place"] < b["place"], -1).otherwise(1))
        ),
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
