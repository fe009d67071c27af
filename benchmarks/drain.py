"""One run: a system drains a full topic while it is measured, then its sinks are checked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import gate
from benchmarks.arrivals import Arrived, Sinks
from benchmarks.expected import Expectations
from benchmarks.figures import Figures, Sample, figures
from benchmarks.ground import BUCKET, SINK, Ground, Loaded
from benchmarks.metering import Meter
from benchmarks.places import CATALOG, DATA
from benchmarks.systems import DRAIN, System
from infra.places import PROJECT_ROOT

LOOK_SECONDS = 0.25
END_SECONDS, STOP_SECONDS = 15.0, 20.0
HEAP = "2g"


def on_cores(cores: Sequence[int]) -> list[str]:
    """What goes before a command: this process has left the core of the systems, and what it starts inherits that."""
    return ["taskset", "-c", ",".join(map(str, cores))]


@dataclass(frozen=True)
class Run:
    """What became of one run. `problem`: why it scores nothing, if so; `log`: what the system said."""

    system: str
    figures: Figures | None
    problem: str | None = None
    log: Path | None = None


@dataclass
class Place:
    """Fresh sinks of one run: topics, a prefix of the bucket, a scratch folder."""

    ground: Ground
    loaded: Loaded
    workload: str
    is_delta: bool = True
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        topics = f"enriched-{self.name}", f"dead-{self.name}"
        self.sinks = Sinks(self.ground, *topics, self.name, self.loaded.partitions, self.is_delta)
        self.work = DATA / "work" / self.name

    def environment(self, mode: str) -> dict[str, str]:
        """What the system is told."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.ground.servers,
            "RAW_TOPIC": self.loaded.topic,
            "ENRICHED_TOPIC": self.sinks.enriched,
            "DEAD_LETTER_TOPIC": self.sinks.dead_letter,
            "LAKE_URI": f"s3a://{BUCKET}/{self.name}",
            "CHECKPOINT_URI": str(self.work / "checkpoint"),
            "CATALOG": str(CATALOG),
            "WORK_DIR": str(self.work),
            "HEAP": HEAP,
            "WORKLOAD": self.workload,
            "MODE": mode,
            **{name: value for name, value in self.ground.environment.items() if name.startswith("AWS_")},
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYTHONPATH": str(PROJECT_ROOT),
        }


@contextmanager
def fresh_place(ground: Ground, loaded: Loaded, system: System, workload: str = "W1") -> Iterator[Place]:
    """Sinks of a system for a `with` block; deleted after it."""
    place = Place(ground, loaded, workload, system.lake != "parquet")
    place.work.mkdir(parents=True)
    for topic in (place.sinks.enriched, place.sinks.dead_letter):
        ground.create_topic(topic, loaded.partitions, SINK)
    try:
        yield place
    finally:
        ground.delete_topics(place.sinks.enriched, place.sinks.dead_letter)
        ground.delete_prefix(f"{place.name}/")
        shutil.rmtree(place.work, ignore_errors=True)


class Started:
    """A system that runs, in a session of its own."""

    def __init__(self, system: System, place: Place, mode: str, cores: Sequence[int]) -> None:
        environment = {**os.environ, **place.environment(mode), **system.environment}
        environment["PATH"] = place.ground.environment["PATH"]
        self.log = DATA / "logs" / f"{system.id}-{place.workload}-{place.name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [*on_cores(cores), *system.command(mode, HEAP)]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.began = time.monotonic()
        self.meter = Meter(self.process.pid)

    def await_end(self) -> None:
        """Let it end by itself, as a drain does that has a ledger to write still; not for long, as some never end."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End all its processes: politely, after a while not."""
        self._signal(number)
        deadline = time.monotonic() + STOP_SECONDS
        while self._alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        self._signal(signal.SIGKILL)
        self.process.wait()

    def kill(self) -> None:
        """kill -9 all of them at once."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        while self._alive():
            self._signal(signal.SIGKILL)
            time.sleep(0.05)

    def last_words(self) -> str:
        """The line of its output that tells most: the last one with an error in it, else the last one."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        telling = [line for line in lines if "rror" in line or "xception" in line]
        return (telling or lines or ["it said nothing"])[-1][:300]

    def _alive(self) -> bool:
        self.process.poll()
        return any(pid != self.process.pid or self.process.returncode is None for pid in self.meter.tree())

    def _signal(self, number: signal.Signals) -> None:
        self.process.poll()
        for pid in self.meter.tree():
            if pid != self.process.pid or self.process.returncode is None:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue


def drain(
    system: System,
    place: Place,
    say: Callable[[str], None],
    *,
    cores: Sequence[int],
    limit_seconds: float = 600,
    check: bool = True,
    count: int | None = None,
) -> Run:
    """Let the system drain the place's topic; a run that fails in any way is told as such, not raised.

    `count`: how many of the topic's records are new to the system; without, all. `check`: compare contents afterwards.
    """
    started = Started(system, place, DRAIN, cores)
    samples: list[Sample] = []
    halves = system.halves(place.workload)
    try:
        problem = _watch(started, place, halves, samples, say, limit_seconds)
    except BaseException:
        started.kill()  # somebody wants to stop: no batch is waited for
        raise
    if problem is None:
        started.await_end()
    started.stop()
    if problem is None and check:
        problem = "; ".join(check_sinks(place, halves)) or None
    if problem is not None:
        return Run(system.id, None, problem, started.log)
    fresh = place.loaded.count if count is None else count
    return Run(system.id, figures(since(samples, fresh / place.loaded.count), fresh, halves), None, started.log)


def _watch(
    started: Started, place: Place, halves: str, samples: list[Sample], say: Callable[[str], None], limit: float
) -> str | None:
    """Sample until everything has arrived; None, or why it will not."""
    said = time.monotonic()
    while True:
        running = started.process.poll() is None
        seconds = time.monotonic() - started.began
        use, arrived = started.meter.look(), place.sinks.look()
        kafka, lake = shares(arrived, place.loaded.expected)
        samples.append(Sample(seconds, use.cpu_seconds, use.resident_bytes, kafka, lake))
        if is_complete(arrived, place.loaded.expected, halves):
            return None
        what = f"{kafka:.0%} in Kafka, {lake:.0%} in the lake after {seconds:.0f} s"
        if not running:
            return f"it ended with exit code {started.process.returncode} at {what}: {started.last_words()}"
        if seconds > limit:
            return f"time limit: {what}: {started.last_words()}"
        if time.monotonic() - said > 15:
            said = time.monotonic()
            say(f"  … {what}")
        time.sleep(LOOK_SECONDS)


def since(samples: list[Sample], fresh: float) -> list[Sample]:
    """The samples with shares of what is new, where the last part of it all is."""
    old = 1 - fresh
    return [
        replace(
            each,
            kafka=max(0.0, round(each.kafka - old, 6)) / fresh,
            lake=max(0.0, round(each.lake - old, 6)) / fresh,
        )
        if each.kafka < 1 or each.lake < 1
        else each
        for each in samples
    ]


def shares(arrived: Arrived, expected: Expectations) -> tuple[float, float]:
    """(share of what must arrive in Kafka, share of what must arrive in the lake)."""
    good, dead = expected.events.height, expected.dead.total()
    in_kafka = min(arrived.enriched, good) + min(arrived.dead, dead)
    return in_kafka / (good + dead), arrived.lake / max(good, 1)


def is_complete(arrived: Arrived, expected: Expectations, halves: str) -> bool:
    """Whether everything is there that the workload asks for."""
    good, dead = expected.events.height, expected.dead.total()
    in_kafka = halves == "lake" or arrived.enriched >= good
    in_lake = halves == "kafka" or arrived.lake >= good
    return in_kafka and in_lake and arrived.dead >= dead


def check_sinks(place: Place, halves: str, *, repeats: bool = False) -> list[str]:
    """What is wrong in the sinks, a line each."""
    ground, expected, partitions = place.ground, place.loaded.expected, place.loaded.partitions
    problems = []
    if halves != "lake":
        rows = gate.from_kafka(ground.records(place.sinks.enriched, partitions))
        problems += gate.differences("enriched topic", rows, expected.events, repeats=repeats)
    if halves != "kafka":
        rows = gate.from_lake(ground, place.sinks.prefix, place.is_delta)
        problems += gate.differences("lake", rows, expected.events)
    letters = ground.records(place.sinks.dead_letter, partitions)
    return problems + gate.dead_letter_differences(letters, expected, repeats=repeats)
