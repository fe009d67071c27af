"""How a record fails: a value with a type, a stage and its errors, never an exception."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines import schemas

_MAX_SALVAGED_LENGTH = 200
_SALVAGED_YEARS = (1900, 9998)  # what the readers of the tables can all represent


def failed(failure_type: str, stage: str, keyword: str | Column, expected: str, message: str) -> Column:
    """A failure of the whole value, with one error whose path is empty."""
    error = F.struct(
        F.lit("").alias("path"),
        (F.lit(keyword) if isinstance(keyword, str) else keyword).alias("keyword"),
        F.lit(expected).alias("expected"),
        F.lit(None).cast("string").alias("actual_type"),
        F.lit(message).alias("message"),
    )
    whole = F.struct(F.lit(failure_type).alias("type"), F.lit(stage).alias("stage"), F.array(error).alias("errors"))
    return whole.cast(schemas.FAILURE)


def set_aside(records: DataFrame) -> DataFrame:
    """Take the event out of dead records, and keep in `salvaged` what it still tells.

    salvaged: struct<event_id, event_name, event_time>, null for accepted records.
    """
    dead = F.col("failure").isNotNull()
    salvaged = F.struct(
        F.substring("event.event_id", 1, _MAX_SALVAGED_LENGTH).alias("event_id"),
        F.substring("event.event_name", 1, _MAX_SALVAGED_LENGTH).alias("event_name"),
        F.when(F.year("event_at").between(*_SALVAGED_YEARS), F.col("event_at")).alias("event_time"),
    )
    earlier = [F.col("salvaged")] if "salvaged" in records.columns else []
    return records.withColumns(
        {"salvaged": F.coalesce(*earlier, F.when(dead, salvaged)), "event": F.when(~dead, F.col("event"))}
    )
