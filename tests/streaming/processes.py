"""Spark with Delta's jars, in a process of its own: the tests' session has none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def run(script: str, folder: Path, master: str = "local[2]") -> None:
    """Run the script beside this file on the folder; it must end well."""
    environment = {
        **os.environ,
        "SPARK_CONF_DIR": str(Path(sys.prefix) / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": f"--master {master} --conf spark.driver.host=127.0.0.1 pyspark-shell",
    }
    command = [sys.executable, str(Path(__file__).parent / script), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    shutil.rmtree(folder / "spark-warehouse", ignore_errors=True)
