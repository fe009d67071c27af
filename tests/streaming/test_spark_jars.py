"""Spark without its jars, or with others: what people see who start it with another configuration folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.jars import JUDGE_JAR
from pipelines import judge_sources

CONF = Path(sys.prefix) / "conf"
CHECK = """
from pyspark.sql import SparkSession
from pipelines.cli import ConfigurationError
from pipelines.preflight_spark import check_spark
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
try:
    check_spark(spark)
    print("said: nothing")
except ConfigurationError as error:
    print("said:", error.message)
"""


def said(conf: Path) -> str:
    environment = {**os.environ, "SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.partition("said: ")[2].strip()


@pytest.fixture
def conf(tmp_path):
    """A copy of the configuration that `make install` writes, and a function that changes its spark.jars."""
    shutil.copytree(CONF, tmp_path / "conf")
    defaults = tmp_path / "conf" / "spark-defaults.conf"

    def change(to):
        lines = (f"spark.jars {to(line)}" if line.startswith("spark.jars ") else line for line in text.splitlines())
        defaults.write_text("\n".join(lines))
        return defaults.parent

    text = defaults.read_text()
    return change


def test_without_jars_all_are_named_in_one_line(conf):
    line = said(conf(lambda jars: ""))
    assert "\n" not in line
    assert "missing are Delta Lake, Delta's storage, Spark's Kafka connector" in line
    assert "Hadoop's S3 connector, the AWS SDK" in line
    assert "the AWS SDK's transfer manager, the judge. Run" in line
    assert "Run make install and set SPARK_CONF_DIR=.venv/conf" in line


def test_jars_of_another_release_are_named_with_both_versions_and_no_others(conf, tmp_path):
    def with_others(line: str) -> str:
        jars = [Path(jar) for jar in line.split()[1].split(",")]
        connector = next(jar for jar in jars if jar.name.startswith("spark-sql-kafka"))
        s3a = next(jar for jar in jars if jar.name.startswith("hadoop-aws"))
        delta = next(jar for jar in jars if jar.name.startswith("delta-spark"))
        others = {
            connector: aged(connector, tmp_path),
            s3a: shutil.copy(s3a, tmp_path / "hadoop-aws-3.4.1.jar"),
            delta: shutil.copy(delta, tmp_path / delta.name.replace("_4.2_", "_4.1_")),
        }
        return ",".join(str(others.get(jar, jar)) for jar in jars)

    line = said(conf(with_others))
    assert "Spark's Kafka connector is 3.5.1, not 4.2.0" in line
    assert "Hadoop's S3 connector is 3.4.1, not 3.5.0" in line
    assert "Delta Lake is made for Spark 4.1" in line
    assert line.count(" is ") == 4  # and that of SPARK_CONF_DIR


def test_a_judge_of_other_sources_is_named(conf, tmp_path):
    def with_another(line: str) -> str:
        jars = [Path(jar) for jar in line.split()[1].split(",")]
        (judge,) = (jar for jar in jars if jar.name == JUDGE_JAR)
        with zipfile.ZipFile(judge) as given, zipfile.ZipFile(tmp_path / judge.name, "w") as made:
            for name in given.namelist():
                made.writestr(name, given.read(name).replace(judge_sources.digest().encode(), b"0123456789ab"))
        return ",".join(str(tmp_path / judge.name if jar == judge else jar) for jar in jars)

    line = said(conf(with_another))
    assert (
        f"not those of this release: the judge is 0123456789ab, not {judge_sources.digest()}. Run make install" in line
    )


def aged(jar: Path, folder: Path) -> Path:
    """The same jar with an older version in its manifest."""
    other = folder / jar.name
    with zipfile.ZipFile(jar) as given, zipfile.ZipFile(other, "w") as made:
        for name in given.namelist():
            content = given.read(name)
            made.writestr(name, content.replace(b"4.2.0", b"3.5.1") if name.endswith("MANIFEST.MF") else content)
    return other
