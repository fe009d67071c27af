"""The whole `build` as a stream from files into Delta tables, in a process of its own: FOLDER as the argument.

Reads FOLDER/raw/*.jsonl (text `value`, `kafka_offset`), writes FOLDER/lake, keeps FOLDER/checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import schemas, sinks
from pipelines.clients import S3Settings
from pipelines.enrich import build
from pipelines.lake import DEAD_LETTERS, EVENTS, Lake
from pipelines.ledger import Commit
from pipelines.reference_data import load_reference_data
from pipelines.session import start_session
from pipelines.transforms.batches import Batch
from pipelines.transforms.outcomes import EnrichmentRules, Rules, unpacked
from pipelines.transforms.rows import dead_letter_rows, event_rows, with_dead_letter

RECEIVED_AT = "2026-11-22T10:00:01Z"


def raw_records(spark: SparkSession, folder: Path) -> DataFrame:
    files = spark.readStream.schema("value string, kafka_offset long").json(str(folder / "raw"))
    columns = {
        "key": F.lit(b"a-1"),
        "value": F.col("value").cast("binary"),
        "headers": F.array().cast(schemas.HEADERS),
        "kafka_topic": F.lit("raw"),
        "kafka_topic_id": F.lit("topic-id"),
        "kafka_partition": F.lit(0),
        "kafka_offset": F.col("kafka_offset"),
        "kafka_timestamp": F.lit(RECEIVED_AT).cast("timestamp"),
        "kafka_timestamp_type": F.lit(1),
    }
    return files.select(*[column.alias(name) for name, column in columns.items()])


def main(folder: Path) -> None:
    spark = start_session("file-stream", S3Settings())
    lake = Lake(str(folder / "lake"))
    sinks.ensure_tables(spark, lake)
    rules = Rules(EnrichmentRules(load_reference_data()))

    def deliver(judged: DataFrame, batch_id: int) -> None:
        generation = str(spark.sparkContext.getLocalProperty("sql.streaming.queryId"))
        batch = Batch(generation, batch_id, 1_763_800_000_000, "topic-id", {}, "test", "rules")
        kept = with_dead_letter(unpacked(judged), batch)
        sinks.append(event_rows(kept, batch), lake, EVENTS, Commit.of(batch, "raw"))
        sinks.append(dead_letter_rows(kept, batch), lake, DEAD_LETTERS, Commit.of(batch, "raw"))

    query = (
        build(raw_records(spark, folder), rules)
        .writeStream.option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(availableNow=True)
        .foreachBatch(deliver)
        .start()
    )
    query.awaitTermination()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
