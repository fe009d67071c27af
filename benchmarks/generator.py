"""How fast the generator is, beside the clients alone: ``python -m benchmarks.generator`` (Linux).

null, file     `python -m generator` into nothing, into a file
kafka          the same into the raw topic, acks=all and idempotent, with one worker and with two
kafka-python   the client alone: the same values from memory, its own partitioner
  + partition  the same with the partition worked out beforehand, as the generator does
confluent      confluent-kafka (librdkafka) alone, the same settings; pip install -e '.[bench]'

Each in turn, some rounds, the medians. Events per second of CPU time count all processes of the program, but neither
broker nor kernel threads; they depend less on what else the machine does than events per second do.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console

from generator.building import build_records
from generator.clock import SystemClock
from generator.records import Record
from generator.settings import Settings, TimeSettings
from generator.spoilt import FaultSettings
from pipelines.cli import CONTEXT_SETTINGS, RunFailed, kafka_options, run
from pipelines.clients import KafkaSettings
from pipelines.terminal import plain_table

START, END = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
START_MS = 1_772_323_200_000
WARM_UP = 2_000


class Cost(NamedTuple):
    """What sending the events cost."""

    seconds: float
    cpu_seconds: float


def of_generator(count: int, *arguments: str) -> Cost:
    """The generator as a program: with its start, as users have it."""
    window = ["--start-time", START, "--end-time", END, "--count", str(count), "--seed", "7"]
    began, before = time.monotonic(), _cpu(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "generator", *window, *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return Cost(time.monotonic() - began, _cpu(resource.RUSAGE_CHILDREN) - before)


def of_kafka_python(records: list[Record], settings: KafkaSettings, topic: str, *, partitioned: bool) -> Cost:
    """kafka-python alone; each delivery is noted, as a program that keeps count must."""
    delivered: list[Any] = []
    producer = settings.producer()
    partitions = len(producer.partitions_for(topic))

    def send(some: list[Record]) -> None:
        for record in some:
            partition = record.partition_hash % partitions if partitioned else None
            producer.send(topic, record.value, record.key, None, partition).add_callback(delivered.append)
        producer.flush()

    send(records[:WARM_UP])
    cost = _measured(lambda: send(records))
    producer.close()
    return _all(len(delivered), records, cost)


def of_confluent(records: list[Record], settings: KafkaSettings, topic: str) -> Cost | None:
    """confluent-kafka alone; None if it is not installed."""
    try:
        from confluent_kafka import Producer
    except ImportError:
        return None
    delivered = 0

    def note(error: Any, message: Any) -> None:
        nonlocal delivered
        delivered += error is None

    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap_servers, "acks": "all", "enable.idempotence": True, "linger.ms": 20,
            "batch.size": 256 * 1024, "compression.type": "lz4", "queue.buffering.max.messages": 100_000,
        }
    )  # fmt: skip

    def send(some: list[Record]) -> None:
        for record in some:
            while True:
                try:
                    producer.produce(topic, record.value, record.key, on_delivery=note)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
        producer.flush()

    send(records[:WARM_UP])
    cost = _measured(lambda: send(records))
    return _all(delivered, records, cost)


def _all(delivered: int, records: list[Record], cost: Cost) -> Cost:
    """The cost, if everything was delivered."""
    if delivered != len(records) + WARM_UP:
        raise RunFailed(f"Only {delivered:,} of {len(records) + WARM_UP:,} records were delivered.")
    return cost


def _measured(work: Callable[[], None]) -> Cost:
    began, before = time.monotonic(), _cpu(resource.RUSAGE_SELF)
    work()
    return Cost(time.monotonic() - began, _cpu(resource.RUSAGE_SELF) - before)


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _records(count: int) -> list[Record]:
    window = TimeSettings(START_MS, START_MS + 86_400_000)
    settings = Settings(sink="null", faults=FaultSettings(), time=window, rate=0, seed=7, count=count)
    return list(islice(build_records(settings, SystemClock()), count))


@click.command(context_settings=CONTEXT_SETTINGS)
@kafka_options
@click.option("--raw-topic", default="ecommerce_events_raw", envvar="RAW_TOPIC", help="An existing topic.")
@click.option("--count", default=100_000, help="Events to Kafka per round; three times as many to null and file.")
@click.option("--rounds", default=3, help="Rounds; the medians count.")
def main(bootstrap_servers: str, kafka_config: str | None, raw_topic: str, count: int, rounds: int) -> None:
    """Measure the generator and the clients in turn; the last line is JSON."""
    settings = KafkaSettings.load(bootstrap_servers, kafka_config)
    to_kafka = ["--sink", "kafka", "--rate", "0", "--bootstrap-servers", bootstrap_servers, "--raw-topic", raw_topic]
    records, console = _records(count), Console(stderr=True)
    mean_bytes = round(statistics.mean(len(record.value or b"") for record in records))
    costs: dict[str, list[tuple[int, Cost]]] = {}
    measure: Callable[[], Cost | None]
    for number in range(rounds):
        for name, events, measure in (
            ("null", 3 * count, lambda: of_generator(3 * count, "--sink", "null")),
            ("null, two workers", 3 * count, lambda: of_generator(3 * count, "--sink", "null", "--workers", "2")),
            ("file", 3 * count, lambda: _to_file(3 * count)),
            ("kafka", count, lambda: of_generator(count, *to_kafka)),
            ("kafka, two workers", count, lambda: of_generator(count, *to_kafka, "--workers", "2")),
            ("kafka-python", count, lambda: of_kafka_python(records, settings, raw_topic, partitioned=False)),
            (
                "kafka-python + partition",
                count,
                lambda: of_kafka_python(records, settings, raw_topic, partitioned=True),
            ),
            ("confluent", count, lambda: of_confluent(records, settings, raw_topic)),
        ):
            console.print(f"round {number + 1} of {rounds}: {name}", highlight=False)
            cost = measure()
            if cost is not None:
                costs.setdefault(name, []).append((events, cost))
    table, told = plain_table(), {"bytes_per_event": mean_bytes, "rounds": rounds}
    for title in ("", "events/s", "events per CPU second"):
        table.add_column(title, justify="right" if title else "left")
    for name, found in costs.items():
        rate = statistics.median(events / cost.seconds for events, cost in found)
        per_cpu = statistics.median(events / cost.cpu_seconds for events, cost in found)
        table.add_row(name, f"{rate:,.0f}", f"{per_cpu:,.0f}")
        told[name] = {"per_second": round(rate), "per_cpu_second": round(per_cpu)}  # type: ignore[assignment]
    console.print(table)
    print(json.dumps(told))


def _to_file(count: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        return of_generator(count, "--sink", "file", "--output", str(Path(folder) / "events.jsonl"))


if __name__ == "__main__":
    raise SystemExit(run(main))
