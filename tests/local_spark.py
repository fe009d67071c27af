"""Spark in the tests' own process: no user interface, UTC, and the judge that the sources are compiled to."""

from __future__ import annotations

from pyspark.sql import SparkSession

from infra.jars import judge_jar


def local_spark(master: str = "local[2]") -> SparkSession.Builder:
    """What each of the tests' sessions begins with: their JVM outlives them, and has the jars of the first one."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.codegen.wholeStage": "false",  # as in conf/spark-defaults.conf
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods",
        "spark.jars": str(judge_jar()),
        "spark.sql.catalog.ecommerce": "ecommerce.judge.Functions",
    }
    builder = SparkSession.builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder
