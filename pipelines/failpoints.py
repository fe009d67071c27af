"""Named points at which a test may have the job die: ENRICH_FAILPOINT=<point>[:<nth time>].

The death is a SIGKILL of the whole driver, as a crash of the machine would be: nothing is flushed, no handler
runs. Without the variable `reach` does nothing.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

from pipelines.cli import ConfigurationError

VARIABLE = "ENRICH_FAILPOINT"
POINTS = (
    "planned",  # the batch is in Spark's offset log
    "cached",  # read and judged, nothing written
    "after_events",
    "after_dead_letters",
    "after_duplicates",
    "after_kafka",
    "after_audit",  # everything is written, but Spark's commit log does not know
)

_reached: Counter[str] = Counter()


def check() -> None:
    """Raises ConfigurationError where the variable names no point."""
    wanted = os.environ.get(VARIABLE, "")
    point, _, nth = wanted.partition(":")
    if wanted and (point not in POINTS or not (nth or "1").isdigit()):
        raise ConfigurationError(f"{VARIABLE}={wanted}: expected <point>[:<nth>] with one of {', '.join(POINTS)}.")


def reach(point: str) -> None:
    """Die here if that is what the variable asks for."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, nth = wanted.partition(":")
    _reached[point] += 1
    if name == point and _reached[point] == int(nth or 1):
        if "_PYSPARK_DRIVER_CALLBACK_HOST" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ:
            os.kill(os.getppid(), signal.SIGKILL)  # under spark-submit the JVM is our parent
        os.kill(os.getpid(), signal.SIGKILL)
