"""One more warning about an accepted event, found after it was judged. `Remarks.java` writes all others."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas

_MAX_WARNINGS = 20
_MORE = "more"  # the keyword of the warning that counts the rest
_WARNINGS = T.ArrayType(schemas.WARNING)


def with_warning(events: DataFrame, condition: Column, path: str, keyword: str, message: str) -> DataFrame:
    """Put one more warning in front of `warnings` where the condition holds; at most 20, as before."""
    warnings = F.coalesce("warnings", F.array().cast(_WARNINGS))
    last = F.try_element_at(warnings, F.lit(-1))
    counted = F.when(last["keyword"] == _MORE, F.regexp_extract(last["message"], r"\A(\d+)", 1).try_cast("int"))
    every = F.concat(F.array(_warning(path, keyword, message)), warnings)
    rest = F.coalesce(counted, F.lit(1)) + 1  # the last one, and the one before it that gives it room
    listed = F.when(F.size(every) <= _MAX_WARNINGS, every).otherwise(_cut(every, rest))
    return events.withColumn("warnings", F.when(condition, listed.cast(_WARNINGS)).otherwise(F.col("warnings")))


def _cut(warnings: Column, rest: Column) -> Column:
    more = F.struct(
        F.lit("").alias("path"),
        F.lit(_MORE).alias("keyword"),
        F.concat(rest.cast("string"), F.lit(" more warnings")).alias("message"),
    )
    return F.concat(F.slice(warnings, 1, _MAX_WARNINGS - 1), F.array(more))


def _warning(path: str, keyword: str, message: str) -> Column:
    return F.struct(F.lit(path).alias("path"), F.lit(keyword).alias("keyword"), F.lit(message).alias("message"))
