"""decode: bytes → text, or the first reason why there is none."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.transforms import vocabulary
from pipelines.transforms.failures import failed


def decode(records: DataFrame, max_event_bytes: int) -> DataFrame:
    """Add `text` (null unless it is decodable) and `failure` (null unless it is not).

    EMPTY_VALUE, SIZE_VIOLATION (a value of more than `max_event_bytes`, or an oversized key) and NOT_UTF8 are
    found here. Needs the sizes of `sizing.bounded`.
    """
    large = F.col("value_bytes") > max_event_bytes
    text = F.when(~large, F.col("value").cast("string"))
    blank = F.when(large, F.col("value_is_blank")).otherwise(~text.rlike(vocabulary.NOT_BLANK))
    limit = f"at most {max_event_bytes} bytes"
    failure = (
        F.when(
            F.col("value").isNull() | blank,
            failed("EMPTY_VALUE", "decode", "minLength", "a JSON object", "the value is null or blank"),
        )
        .when(large, failed("SIZE_VIOLATION", "decode", "maxLength", limit, "the value is too large"))
        .when(
            F.col("key_is_large"),
            failed("SIZE_VIOLATION", "decode", "maxLength", "a key that fits", "the key is too large"),
        )
        .when(~F.is_valid_utf8(text), failed("NOT_UTF8", "decode", "encoding", "UTF-8", "the value is not UTF-8"))
    )
    return records.withColumns({"failure": failure, "text": F.when(failure.isNull(), text)})
