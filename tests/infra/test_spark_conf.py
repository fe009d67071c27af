"""The configuration folder that `make install` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import spark_conf
from pipelines.cli import ConfigurationError

DEFAULTS = """\
# a comment stays
spark.jars.packages  g:a:1,g:b:2

spark.jars.excludes\th:c
spark.sql.session.timeZone  UTC
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A conf folder with packages and excludes."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "spark-defaults.conf").write_text(DEFAULTS)
    (folder / "log4j2.properties").write_text("rootLogger.level = warn\n")
    return folder


def test_packages_and_excludes_are_read(conf: Path) -> None:
    assert spark_conf.packages(conf / "spark-defaults.conf") == (("g:a:1", "g:b:2"), ("h:c",))


def test_only_packages_and_excludes_are_replaced(conf: Path, tmp_path: Path) -> None:
    spark_conf.write(conf, tmp_path / "out", [Path("/jars/a.jar"), Path("/jars/b.jar")])

    assert (tmp_path / "out" / "spark-defaults.conf").read_text() == (
        "# a comment stays\nspark.jars  /jars/a.jar,/jars/b.jar\n\nspark.sql.session.timeZone  UTC\n"
    )
    assert (tmp_path / "out" / "log4j2.properties").read_text() == "rootLogger.level = warn\n"


def test_a_file_without_packages_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.ui.enabled false\n")
    with pytest.raises(ConfigurationError, match=r"has no spark\.jars\.packages line"):
        spark_conf.packages(tmp_path / "spark-defaults.conf")


def test_jars_of_an_image_are_on_every_node(conf: Path, tmp_path: Path) -> None:
    """`local:` paths are read by each executor from its own disk, not fetched from the driver."""
    spark_conf.write(conf, tmp_path / "out", [Path("/jars/a.jar"), Path("/jars/b.jar")], on_every_node=True)
    assert "spark.jars  local:/jars/a.jar,local:/jars/b.jar\n" in (tmp_path / "out" / "spark-defaults.conf").read_text()
