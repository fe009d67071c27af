"""What the stream reads: the raw topic, and its own offset log."""

from __future__ import annotations

import json
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.clients import KafkaSettings


def read_raw(
    spark: SparkSession, kafka: KafkaSettings, topic: str, topic_id: str, max_offsets_per_trigger: int
) -> DataFrame:
    """The raw topic as a stream of `schemas.RAW_RECORD`: committed records only, from the earliest at first start.

    A gap (retention overtook the checkpoint) stops the stream: failOnDataLoss.
    """
    records = (
        spark.readStream.format("kafka")
        .options(**kafka.for_spark())
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .option("includeHeaders", "true")
        # A poll holds its records uncompressed: 500 (the default) of 25 MB each would not fit any heap.
        .option("kafka.max.poll.records", "50")
        .option("maxOffsetsPerTrigger", str(max_offsets_per_trigger))
        .load()
    )
    return records.select(
        "key",
        "value",
        F.coalesce("headers", F.array().cast("array<struct<key:string,value:binary>>")).alias("headers"),
        F.col("topic").alias("kafka_topic"),
        F.lit(topic_id).alias("kafka_topic_id"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("kafka_timestamp"),
        F.col("timestampType").alias("kafka_timestamp_type"),
    )


class OffsetLog:
    """Spark's log of planned batches, ``<checkpoint>/offsets``: what a batch covers, before it is written.

    Format: https://github.com/apache/spark, OffsetSeqLog: a version line, the batch's metadata as JSON, then one
    line per source; a Kafka source's line is ``{"topic": {"partition": next offset}}``.
    """

    def __init__(self, spark: SparkSession, checkpoint: str, topic: str) -> None:
        self._spark = spark
        self._checkpoint = checkpoint.rstrip("/")
        self._topic = topic

    def planned(self, batch_id: int) -> tuple[int, dict[int, tuple[int, int]]]:
        """(time of planning in ms since the epoch, partition → [start, end)) of a planned batch."""
        metadata, ends = self._read(batch_id)
        starts = self._read(batch_id - 1)[1] if batch_id > 0 else self._initial()
        return int(metadata["batchTimestampMs"]), {p: (starts.get(p, 0), end) for p, end in sorted(ends.items())}

    def _read(self, batch_id: int) -> tuple[dict[str, Any], dict[int, int]]:
        _, metadata, offsets = self._text(f"{self._checkpoint}/offsets/{batch_id}").split("\n")[:3]
        return json.loads(metadata), self._offsets(offsets)

    def _initial(self) -> dict[int, int]:
        """Where the first batch starts; the source writes it down once."""
        return self._offsets(self._text(f"{self._checkpoint}/sources/0/0").split("\n")[1])

    def _offsets(self, line: str) -> dict[int, int]:
        return {int(p): int(offset) for p, offset in json.loads(line).get(self._topic, {}).items()}

    def _text(self, path: str) -> str:
        """A small file through Hadoop: the checkpoint may be on any file system that Spark knows."""
        jvm: Any = self._spark._jvm
        place = jvm.org.apache.hadoop.fs.Path(path)
        stream = place.getFileSystem(self._spark._jsc.hadoopConfiguration()).open(place)
        try:
            return bytes(jvm.org.apache.commons.io.IOUtils.toByteArray(stream)).decode("utf-8").lstrip("\0")
        finally:
            stream.close()


class Lag:
    """How many records of the raw topic are not processed yet."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._consumer: KafkaConsumer | None = None

    def behind(self, processed: dict[int, int]) -> int | None:
        """Records beyond `processed` (partition → next offset), or None if the broker does not tell."""
        try:
            if self._consumer is None:
                self._consumer = self._kafka.consumer(request_timeout_ms=10_000)
            partitions = [TopicPartition(self._topic, p) for p in sorted(processed)]
            ends = self._consumer.end_offsets(partitions)
        except (KafkaError, OSError):
            return None
        return sum(max(0, int(end) - processed[tp.partition]) for tp, end in ends.items())

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close()
