"""Before the first batch: is this the Spark that this release was made for, with its jars?

A session starts without them, and the first thing to fail would be a table or a source, with a Java trace.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from pipelines import judge_sources
from pipelines.cli import ConfigurationError

_DISTRIBUTION = "ecommerce-streaming"
_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalog.ecommerce": "ecommerce.judge.Functions",
}


@dataclass(frozen=True)
class _Part:
    """A jar: what people call it, a class in it, whose version it must have (a Python package, "hadoop", "judge")."""

    name: str
    example: str
    version_of: str | None = None


_PARTS = (
    _Part("Delta Lake", "io.delta.sql.DeltaSparkSessionExtension", "delta-spark"),
    _Part("Delta's storage", "io.delta.storage.LogStore", "delta-spark"),
    _Part("Spark's Kafka connector", "org.apache.spark.sql.kafka010.KafkaSourceProvider", "pyspark"),
    _Part("the connector's tokens", "org.apache.spark.kafka010.KafkaTokenUtil", "pyspark"),
    _Part("Kafka's client", "org.apache.kafka.clients.producer.KafkaProducer"),
    _Part("Hadoop's S3 connector", "org.apache.hadoop.fs.s3a.S3AFileSystem", "hadoop"),
    _Part("the AWS SDK", "software.amazon.awssdk.services.s3.S3Client"),
    _Part("the AWS SDK's transfer manager", "software.amazon.awssdk.transfer.s3.S3TransferManager"),
    _Part("the judge", "ecommerce.judge.Functions", "judge"),
)


def check_spark(spark: SparkSession) -> None:
    """Spark and what it loads from jars are there, in the versions of this release's setup.cfg.

    Raises ConfigurationError that names all that are not.
    """
    jvm: Any = spark._jvm
    hadoop = str(jvm.org.apache.hadoop.util.VersionInfo.getVersion())
    needed = {**_pins(), "hadoop": hadoop, "judge": judge_sources.digest()}
    if spark.version != needed.get("pyspark", spark.version):
        raise ConfigurationError(
            f"This is Spark {spark.version}, and this release needs {needed['pyspark']}: call the spark-submit of the "
            "folder that `make install` filled (.venv/bin)."
        )
    loaded = {part: _load(part.example, jvm) for part in _PARTS}
    missing = [part.name for part, found in loaded.items() if found is None]
    problems = [f"missing are {', '.join(missing)}"] if missing else []
    for part, found in loaded.items():
        if found is not None and (problem := _problem(part, found, needed, spark.version)):
            problems.append(problem)
    settings = spark.sparkContext.getConf()
    problems += [f"{name} is not {value}" for name, value in _SETTINGS.items() if value not in settings.get(name, "")]
    if problems:
        conf = os.environ.get("SPARK_CONF_DIR") or "not set"
        raise ConfigurationError(
            f"Spark's jars are not those of this release: {'; '.join(problems)}. Run make install and set "
            f"SPARK_CONF_DIR=.venv/conf (it is {conf})."
        )


def _pins() -> dict[str, str]:
    """Package → the version that setup.cfg pins; empty where the project is not installed."""
    try:
        required = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = (re.match(r"([\w-]+)==([\w.]+)\Z", line) for line in required)
    return {pin[1]: pin[2] for pin in found if pin}


def _load(name: str, jvm: Any) -> Any:
    """The Java class of this name, or None."""
    try:
        return jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(name)
    except Py4JJavaError:
        return None


def _problem(part: _Part, found: Any, needed: dict[str, str], spark_version: str) -> str | None:
    """What is wrong with the jar that the class was found in."""
    version = found.getPackage().getImplementationVersion()
    source = found.getProtectionDomain().getCodeSource()
    jar = str(source.getLocation().getPath()).rpartition("/")[2] if source else ""
    by_name = re.search(r"-(\d[\w.]*)\.jar\Z", jar)
    version = version or (by_name[1] if by_name else None)
    want = needed.get(part.version_of or "")
    if want and version and version != want:
        return f"{part.name} is {version}, not {want}"
    # Delta has a jar per line of Spark, all of one version.
    line = re.match(r"delta-spark_(\d+\.\d+)_", jar)
    if line and line[1] != ".".join(spark_version.split(".")[:2]):
        return f"{part.name} is made for Spark {line[1]}"
    return None
