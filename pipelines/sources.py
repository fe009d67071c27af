"""What the stream reads: the raw topic."""

from __future__ import annotations

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
