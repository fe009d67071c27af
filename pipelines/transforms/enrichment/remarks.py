"""What to say about an accepted event: its warnings, and the values that no column takes."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.json_values import let

_MAX_WARNINGS = 20
_MAX_PATH_LENGTH = 200  # unknown keys are as long as their producer likes
_MORE = "more"  # the keyword of the warning that counts the rest
_WARNINGS = T.ArrayType(schemas.WARNING)


def with_rescued_data(events: DataFrame) -> DataFrame:
    """Add rescued_data: a JSON object, path → value as the producer wrote it; null if there is nothing to keep.

    Private paths are left out, and their parents, since a mistyped parent may hold them.
    """
    kept = F.filter("notes", lambda n: n["value"].isNotNull() & ~n["path"].isin(*vocabulary.PRIVATE))
    by_path = F.map_from_arrays(F.transform(kept, lambda n: n["path"]), F.transform(kept, lambda n: n["value"]))
    return events.withColumn("rescued_data", F.when(F.size(kept) > 0, F.to_json(by_path)))


def with_warnings(events: DataFrame) -> DataFrame:
    """Add `warnings`: at most 20, the last of which counts the rest."""
    event = F.col("event")
    revision = F.regexp_extract(event["schema_version"], vocabulary.SCHEMA_VERSION_FORMAT, 2)
    rules = [
        (
            revision.isNotNull() & (revision != "") & (revision != str(vocabulary.REVISION)),
            _warning("schema_version", "revision", "another revision of the schema"),
        ),
        (
            F.col("clock_unknown"),
            _warning("sent_at", "clock_unknown", "too far from the arrival to correct the clock"),
        ),
        (
            F.exists("catalog_items", lambda i: i["item_id"].isNotNull() & i["name"].isNull()),
            _warning("items", "unknown_item", "an item_id is not in the catalogue"),
        ),
        (
            F.col("cart_value") != event["ecommerce"]["value"],
            _warning("ecommerce.value", "cart_value", "differs from the sum of price times quantity"),
        ),
    ]
    noted = F.transform("notes", lambda n: F.struct(*[_noted(n, name).alias(name) for name in schemas.WARNING.names]))
    every = F.concat(
        F.coalesce(noted, F.array().cast(_WARNINGS)),
        F.filter(F.array(*[F.when(condition, warning) for condition, warning in rules]), lambda w: w.isNotNull()),
    )
    any_rule = F.greatest(*[F.coalesce(condition, F.lit(False)) for condition, _ in rules])
    present = any_rule | F.coalesce(F.size("notes") > 0, F.lit(False))
    return events.withColumn("warnings", F.when(present, let(every, _limited)))


def with_warning(events: DataFrame, condition: Column, path: str, keyword: str, message: str) -> DataFrame:
    """Put one more warning in front of `warnings` where the condition holds; at most 20, as before."""
    warnings = F.coalesce("warnings", F.array().cast(_WARNINGS))
    last = F.try_element_at(warnings, F.lit(-1))
    counted = F.when(last["keyword"] == _MORE, F.regexp_extract(last["message"], r"\A(\d+)", 1).try_cast("int"))
    every = F.concat(F.array(_warning(path, keyword, message)), warnings)
    rest = F.coalesce(counted, F.lit(1)) + 1  # the last one, and the one before it that gives it room
    listed = F.when(F.size(every) <= _MAX_WARNINGS, every).otherwise(_cut(every, rest))
    return events.withColumn("warnings", F.when(condition, listed.cast(_WARNINGS)).otherwise(F.col("warnings")))


def _limited(every: Column) -> Column:
    rest = F.size(every) - (_MAX_WARNINGS - 1)
    listed = F.when(F.size(every) <= _MAX_WARNINGS, every).otherwise(_cut(every, rest))
    return listed.cast(_WARNINGS)


def _cut(warnings: Column, rest: Column) -> Column:
    more = F.struct(
        F.lit("").alias("path"),
        F.lit(_MORE).alias("keyword"),
        F.concat(rest.cast("string"), F.lit(" more warnings")).alias("message"),
    )
    return F.concat(F.slice(warnings, 1, _MAX_WARNINGS - 1), F.array(more))


def _noted(note: Column, name: str) -> Column:
    if name == "path":
        return F.substring(note["path"], 1, _MAX_PATH_LENGTH)
    if name == "keyword":
        return note["keyword"]
    return F.concat_ws(" ", note["message"], F.concat(F.lit("(got "), note["actual_type"], F.lit(")")))


def _warning(path: str, keyword: str, message: str) -> Column:
    return F.struct(F.lit(path).alias("path"), F.lit(keyword).alias("keyword"), F.lit(message).alias("message"))
