"""How the integration tests run this project's programs: as people do, as processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import deltalake
import pyarrow as pa

from pipelines.clients import KafkaSettings, S3Settings
from pipelines.lake import Lake
from pipelines.settings import PROJECT_ROOT, Topics
from pipelines.topics import declared, ensure

TIMEOUT_SECONDS = 600
PARTITIONS = 3


@dataclass(frozen=True)
class Site:
    """One pipeline on the real servers: its own topics, lake and checkpoint."""

    environment: dict[str, str] = field(repr=False)
    topics: Topics
    folder: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def create(cls, environment: dict[str, str], name: str, folder: Path) -> Site:
        topics = Topics(f"raw-{name}", f"enriched-{name}", f"dead-{name}")
        own = {
            "RAW_TOPIC": topics.raw,
            "ENRICHED_TOPIC": topics.enriched,
            "DEAD_LETTER_TOPIC": topics.dead_letter,
            "LAKE_URI": f"{environment['LAKE_URI']}/{name}",
            "CHECKPOINT_URI": str(folder / "checkpoint"),
            "GENERATOR_PROFILE": "engaged",  # so that short runs have orders
        }
        site = cls({**os.environ, **environment, **own}, topics, folder)
        ensure(site.kafka, declared(topics, PARTITIONS, 921_600), 1)
        return site

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(self.environment["KAFKA_BOOTSTRAP_SERVERS"])

    @property
    def lake(self) -> Lake:
        return Lake(self.environment["LAKE_URI"])

    def start_enrich(self, *arguments: str, **more_environment: str) -> subprocess.Popen[str]:
        """spark-submit pipelines/enrich.py, its stderr in enrich.log."""
        command = ["spark-submit", str(PROJECT_ROOT / "pipelines" / "enrich.py"), *arguments]
        return self._start(command, "enrich.log", **more_environment)

    def enrich(self, *arguments: str, **more_environment: str) -> int:
        """Run the job to its end; its exit code."""
        return self.start_enrich(*arguments, **more_environment).wait(TIMEOUT_SECONDS)

    def drain(self, *arguments: str) -> None:
        """Process everything there is."""
        assert self.enrich("--available-now", *arguments) == 0, self.log()

    def log(self) -> str:
        return (self.folder / "enrich.log").read_text()

    def errors(self) -> list[str]:
        """The lines for people with which the job ended so far."""
        return [line for line in self.log().splitlines() if line.startswith("Error: ")]

    def generate(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "generator", "--sink", "kafka", "--rate", "0", *arguments]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)

    def resume_generator(self, manifest: Path) -> None:
        """Go on with the run of that manifest, as fast as possible."""
        command = [sys.executable, "-m", "generator", "--resume", str(manifest), "--rate", "0"]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)

    def start_generator(self, *arguments: str, **more_environment: str) -> subprocess.Popen[str]:
        """The generator, its output in generator.log."""
        command = [sys.executable, "-m", "generator", "--sink", "kafka", *arguments]
        return self._start(command, "generator.log", **more_environment)

    def start_lag(self, seconds: float) -> subprocess.Popen[str]:
        """Waits, at most so long, until what is in the raw topic now is delivered; its output in lag.log."""
        return self._start([sys.executable, "-m", "pipelines.lag", "--wait", str(seconds)], "lag.log")

    def _start(self, command: list[str], log_name: str, **more_environment: str) -> subprocess.Popen[str]:
        environment = {**self.environment, **more_environment}
        with (self.folder / log_name).open("a") as log:
            # A process group of its own: spark-submit is a JVM with a Python child, and kill -9 means both.
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, text=True, cwd=self.folder, start_new_session=True
            )
        self.processes.append(process)
        return process

    def kill_all(self) -> None:
        """End whatever was started here and still runs."""
        for process in self.processes:
            kill(process)

    def verify(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipelines.verify", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """A Delta table's rows, read without Spark."""
        return self.open_table(name).to_pyarrow_table(columns=columns)

    def open_table(self, name: str) -> deltalake.DeltaTable:
        """A Delta table as it is now."""
        s3 = S3Settings(self.environment["AWS_ENDPOINT_URL"], self.environment["AWS_REGION"])
        keys = {k: self.environment[k] for k in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        options = {**s3.for_deltalake(), **keys}
        return deltalake.DeltaTable(self.lake.delta_rs_path(name), storage_options=options)

    def consume(self, topic: str) -> list[object]:
        """All committed records of a topic, with a plain kafka-python consumer."""
        consumer = self.kafka.consumer(
            topic, auto_offset_reset="earliest", isolation_level="read_committed", consumer_timeout_ms=4_000
        )
        try:
            return list(consumer)
        finally:
            consumer.close()


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9 the process and its children; nothing if they are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Until the condition holds; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)


def headers_of(record: object) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def json_of(record: object) -> dict[str, object]:
    return json.loads(record.value)
