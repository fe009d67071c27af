"""The Spark session. Master and resources are spark-submit's business and never appear in code."""

from __future__ import annotations

from pyspark.sql import SparkSession

from pipelines.clients import S3Settings

# What the results depend on is set here too, so that a foreign spark-defaults.conf cannot change them.
CORRECTNESS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.variant.allowDuplicateKeys": "false",
    "spark.sql.caseSensitive": "false",
    # Another format of the checkpoint's offsets is refused at the next start.
    "spark.sql.streaming.offsetLog.formatVersion": "1",
    # Two attempts of one task must not write to Kafka side by side.
    "spark.speculation": "false",
}


def start_session(app_name: str, s3: S3Settings) -> SparkSession:
    """A session with this project's settings; Delta and the jars come from conf/spark-defaults.conf."""
    builder = SparkSession.builder.appName(app_name)
    for name, value in {**s3.for_spark(), **CORRECTNESS}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
