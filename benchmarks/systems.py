"""The systems under test: how each is started. WORKLOADS.md tells what they are given."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.places import DATA
from infra import spark_conf
from infra.places import PROJECT_ROOT
from pipelines.cli import ConfigurationError

BIN = Path(sys.prefix) / "bin"
PEERS = PROJECT_ROOT / "benchmarks" / "peers"
WORKLOADS = ("W1", "W2", "W3", "W4")
DRAIN, STREAM = "drain", "stream"
# Which sinks a workload has.
HALVES = {"W1": "both", "W2": "kafka", "W3": "lake", "W4": "both"}

Commands = Callable[[str, str], list[str]]


@dataclass(frozen=True)
class System:
    """One system in one form. `command` gets MODE and HEAP.

    `runs_all`: it does its whole work in W2 and W3 too, as it has no smaller mode. `lake` tells what its lake half is.
    """

    name: str
    variant: str
    command: Commands
    workloads: tuple[str, ...] = WORKLOADS
    environment: Mapping[str, str] = field(default_factory=dict)
    runs_all: bool = False
    lake: str = "delta"

    @property
    def id(self) -> str:
        """Name and variant in one word."""
        return f"{self.name}.{self.variant}"

    def halves(self, workload: str) -> str:
        """Which sinks it fills: both, kafka or lake."""
        return "both" if self.runs_all else HALVES[workload]


def ours(dedup: bool, batch: int | None = None) -> System:
    """This project's job: its whole contract, always. Its flags are here and nowhere else.

    `batch`: records per batch; without, as many as its profile takes.
    """

    def command(mode: str, heap: str) -> list[str]:
        flags = ["--profile", "throughput", "--available-now"] if mode == DRAIN else ["--profile", "latency"]
        if batch is not None:
            flags += ["--max-offsets-per-trigger", str(batch)]
        return [str(BIN / "spark-submit"), "--driver-memory", heap, "pipelines/enrich.py", *flags]

    environment = {
        "SPARK_CONF_DIR": str(Path(sys.prefix) / "conf"),
        "DEDUP_HORIZON_SECONDS": "3600" if dedup else "0",
        "PSEUDONYM_KEY": "0123456789abcdef0123456789abcdef",
        "LATE_AFTER_SECONDS": "3600",
    }
    return System("ours", "dedup" if dedup else "plain", command, environment=environment, runs_all=True)


def stock(tuned: bool) -> System:
    """Structured Streaming as tutorials teach it, or the same tuned; it shares our jars, and tuned our settings."""

    def command(mode: str, heap: str) -> list[str]:
        flags = ["--tuned"] if tuned else []
        submit = [str(BIN / "spark-submit"), "--driver-memory", heap]
        return [*submit, str(PEERS / "stock_pyspark.py"), *flags, "--mode", mode]

    environment = {"SPARK_CONF_DIR": str(stock_conf(tuned))}
    return System("stock", "tuned" if tuned else "default", command, environment=environment)


# What stock PySpark needs to start and to write Delta, and of ours what its tuned form does without: a catalog of our
# own, and what slows it down.
_STOCK_SETTINGS = {
    "spark.jars",
    "spark.sql.extensions",
    "spark.sql.catalog.spark_catalog",
    "spark.ui.showConsoleProgress",
}
_NOT_FOR_STOCK = {"spark.sql.catalog.ecommerce", "spark.sql.codegen.wholeStage"}


def stock_conf(tuned: bool) -> Path:
    """A configuration folder: for the tuned form all our settings, else our jars, Delta and Spark's defaults."""
    installed = Path(sys.prefix) / "conf"
    if not (installed / "spark-defaults.conf").exists():
        raise ConfigurationError(f"{installed / 'spark-defaults.conf'} is missing: run `make install`.")
    settings = spark_conf.settings(installed / "spark-defaults.conf")
    folder = DATA / ("stock-tuned-conf" if tuned else "stock-conf")
    names = settings.keys() - _NOT_FOR_STOCK if tuned else _STOCK_SETTINGS
    text = "".join(f"{name}  {settings[name]}\n" for name in sorted(names))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spark-defaults.conf").write_text(text, encoding="utf-8")
    (folder / "log4j2.properties").write_bytes((installed / "log4j2.properties").read_bytes())
    return folder


def hand_loop(tuned: bool) -> System:
    """confluent-kafka, orjson, polars and deltalake in one Python process."""

    def command(mode: str, heap: str) -> list[str]:
        flags = ["--tuned"] if tuned else []
        return [sys.executable, str(PEERS / "hand_loop.py"), *flags, "--mode", mode]

    return System("hand-loop", "tuned" if tuned else "default", command)


def python_peer(name: str, module: str, workloads: tuple[str, ...], *, tuned: bool, lake: str = "none") -> System:
    """A peer with an environment of its own, which `benchmarks.peers.install` makes."""

    def command(mode: str, heap: str) -> list[str]:
        return [sys.executable, "-m", f"benchmarks.peers.{module}", *(["--tuned"] if tuned else [])]

    return System(name, "tuned" if tuned else "default", command, workloads, lake=lake)


def all_systems() -> dict[str, System]:
    """Every system by id; peers that are not installed fail when they are started, with their error."""
    systems = [ours(False), ours(True)]
    for tuned in (False, True):
        systems += [
            stock(tuned),
            hand_loop(tuned),
            python_peer("flink", "flink_sql", ("W1",), tuned=tuned, lake="parquet"),
            python_peer("pathway", "pathway_kafka", ("W2",), tuned=tuned),
            python_peer("quix", "quix_kafka", ("W2",), tuned=tuned),
        ]
    return {system.id: system for system in systems}


INSTALLED_PEERS = ("flink", "pathway", "quix")
