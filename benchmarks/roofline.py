"""The least that the work costs on this machine: ``python -m benchmarks.roofline STAGE``.

consume    librdkafka reads the raw topic, and nothing is done with it
parse      orjson parses each value
encode     pyarrow writes the lake's rows as Parquet with zstd, to memory
produce    librdkafka sends the enriched records, lz4, acks=all

Each alone, on the core of the systems under test; CPU microseconds per event, of the whole process. Nobody who does all
four can be faster than 1/Σt: the roofline. (The stages are others' fast libraries, in C and Rust.)
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import orjson
import polars as pl
import pyarrow.parquet as pq
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.corpus import Corpus
from benchmarks.drain import on_cores
from benchmarks.ground import SINK, Ground
from benchmarks.peers.hand_loop import ADDED, EVENT, enricher, judge
from benchmarks.places import CATALOG
from pipelines.cli import CONTEXT_SETTINGS, RunFailed, run

STAGES = ("consume", "parse", "encode", "produce")
BATCH = 50_000


def roofline(ground: Ground, corpus: Corpus, topic: str, partitions: int, cores: Sequence[int]) -> dict[str, float]:
    """CPU microseconds per event of each stage, their sum, and events per CPU second at the roofline."""
    target = f"roofline-enriched-{time.monotonic_ns()}"
    ground.create_topic(target, partitions, SINK)
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": ground.servers, "CATALOG": str(CATALOG)}
    costs = {}
    try:
        for stage in STAGES:
            arguments = [stage, str(corpus.path), topic, target, str(partitions)]
            command = [*on_cores(cores), sys.executable, "-m", "benchmarks.roofline", *arguments]
            done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
            if done.returncode:
                raise RunFailed(f"{stage}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
            costs[stage] = float(json.loads(done.stdout)["cpu_us"])
    finally:
        ground.delete_topics(target)
    total = sum(costs.values())
    return {**costs, "cpu_us": total, "per_cpu_second": 1e6 / total}


def consume(values: list[bytes], topic: str, target: str, partitions: int) -> Callable[[], None]:
    """Read the topic."""
    consumer = Consumer({**_servers(), "group.id": "roofline", "enable.auto.commit": False})

    def work() -> None:
        consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        left = len(values)
        while left > 0:
            left -= len(consumer.consume(min(BATCH, left), 5))

    return work


def parse(values: list[bytes], topic: str, target: str, partitions: int) -> Callable[[], None]:
    """Parse all values, the truncated ones in vain."""

    def work() -> None:
        for value in values:
            try:
                orjson.loads(value)
            except orjson.JSONDecodeError:
                continue

    return work


def encode(values: list[bytes], topic: str, target: str, partitions: int) -> Callable[[], None]:
    """Write the rows of the lake as Parquet."""
    good, added = _enriched(values)
    events = pl.read_ndjson(b"\n".join(good), schema=EVENT)
    cart = pl.col("cart_value").cast(pl.Decimal(12, 2))
    table = events.hstack(pl.DataFrame(added, schema=ADDED).with_columns(cart)).to_arrow()

    def work() -> None:
        for start in range(0, table.num_rows, BATCH):
            pq.write_table(table.slice(start, BATCH), io.BytesIO(), compression="zstd", compression_level=3)

    return work


def produce(values: list[bytes], topic: str, target: str, partitions: int) -> Callable[[], None]:
    """Send the enriched records."""
    good, added = _enriched(values)
    documents = [
        value[:-1] + b',"enrichment":' + orjson.dumps(more) + b"}" for value, more in zip(good, added, strict=True)
    ]
    producer = Producer(
        {
            **_servers(), "acks": "all", "enable.idempotence": True, "compression.type": "lz4", "linger.ms": 20,
            "batch.size": 256 * 1024, "queue.buffering.max.messages": 2 * BATCH,
        }
    )  # fmt: skip

    def work() -> None:
        for document in documents:
            while True:
                try:
                    producer.produce(target, document)
                    break
                except BufferError:
                    producer.poll(0.05)
        producer.flush()

    return work


def _enriched(values: list[bytes]) -> tuple[list[bytes], list[dict[str, Any]]]:
    enrich = enricher()
    good, added = [], []
    for value in values:
        event, event_ms, reason = judge(value)
        if reason is None:
            good.append(value)
            added.append(enrich(event, event_ms, event_ms + 1_000))
    return good, added


def _servers() -> dict[str, str]:
    return {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}


@click.command(context_settings=CONTEXT_SETTINGS, help=__doc__)
@click.argument("stage", type=click.Choice(STAGES))
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.argument("topic")
@click.argument("target")
@click.argument("partitions", type=int)
def main(stage: str, corpus: Path, topic: str, target: str, partitions: int) -> None:
    values = [line.rstrip(b"\n").partition(b"\t")[2] for line in corpus.open("rb")]
    prepare = {"consume": consume, "parse": parse, "encode": encode, "produce": produce}[stage]
    work = prepare(values, topic, target, partitions)
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    click.echo(json.dumps({"cpu_us": used / len(values) * 1e6}))


if __name__ == "__main__":
    sys.exit(run(main))
