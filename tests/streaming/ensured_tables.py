"""`ensure_tables` twice on FOLDER/lake, in a process of its own: FOLDER as the argument."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines import sinks
from pipelines.clients import S3Settings
from pipelines.lake import Lake
from pipelines.session import start_session

if __name__ == "__main__":
    spark = start_session("ensured-tables", S3Settings())
    for _ in range(2):  # the second time there is nothing to do
        sinks.ensure_tables(spark, Lake(str(Path(sys.argv[1]) / "lake")))
    spark.stop()
