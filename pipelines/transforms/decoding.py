"""decode: bytes → text, or the first reason why there is none."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.transforms import vocabulary
from pipelines.transforms.failures import failed


def decode(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """Add `text` (null unless it is decodable) and `failure` (null unless it is not).

    EMPTY_VALUE, SIZE_VIOLATION (more than `max_event_bytes`) and NOT_UTF8 are found here.
    """
    value = F.col("value")
    text = F.when(F.octet_length(value) <= max_event_bytes, value.cast("string"))
    empty = value.isNull() | F.coalesce(text.isNotNull() & ~text.rlike(vocabulary.NOT_BLANK), F.lit(False))
    failure = (
        F.when(empty, failed("EMPTY_VALUE", "decode", "minLength", "a JSON object", "the value is null or blank"))
        .when(
            F.octet_length(value) > max_event_bytes,
            failed(
                "SIZE_VIOLATION",
                "decode",
                "maxLength",
                f"at most {max_event_bytes} bytes",
                "the value is too large",
            ),
        )
        .when(
            ~F.is_valid_utf8(text),
            failed("NOT_UTF8", "decode", "encoding", "UTF-8", "the value is not UTF-8"),
        )
    )
    return records.withColumn("failure", failure).withColumn("text", F.when(F.col("failure").isNull(), text))
