"""The servers the systems work against, of the benchmark's own: ZooKeeper, Kafka and an S3 server on free ports.

Everything that this starts it stops, whatever ends the program; its folder goes too.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from benchmarks.corpus import Corpus
from benchmarks.expected import Expectations, expect
from benchmarks.places import DATA
from benchmarks.stopping import stoppable
from infra.local.ports import free_ports
from infra.local.stack import Stack
from pipelines.cli import RunFailed
from pipelines.clients import S3Settings
from pipelines.transforms.vocabulary import DEFAULT_MAX_EVENT_BYTES, sink_record_bytes

BUCKET = "benchmark"
RAW = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "1048588", "retention.ms": "604800000"}
SINK = {"max.message.bytes": str(sink_record_bytes(DEFAULT_MAX_EVENT_BYTES)), "retention.ms": "604800000"}


@dataclass(frozen=True)
class Loaded:
    """A raw topic that holds a corpus, and what must become of it: `expected.events` with lateness_ms."""

    topic: str
    partitions: int
    count: int
    expected: Expectations
    hash: str


@dataclass
class Ground:
    """Running servers; topics and buckets are made here."""

    servers: str
    environment: dict[str, str] = field(repr=False)
    _loaded: dict[tuple[Corpus, int], Loaded] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        os.environ.update({name: value for name, value in self.environment.items() if name.startswith("AWS_")})
        self.s3 = S3Settings(self.environment["AWS_ENDPOINT_URL"], self.environment["AWS_REGION"])
        self.client: Any = self.s3.client()
        self.client.create_bucket(Bucket=BUCKET)

    def create_topic(self, name: str, partitions: int, config: dict[str, str]) -> None:
        """A new topic, once it has leaders."""
        self.admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(30)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ends(name, partitions)
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def delete_topics(self, *names: str) -> None:
        """Delete topics; their files go a minute later."""
        for done in self.admin.delete_topics(list(names)).values():
            done.result(30)

    def objects(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """(key, bytes) of the bucket's objects below a prefix, those that come after a key."""
        for page in self.client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=prefix, StartAfter=after
        ):
            yield from ((entry["Key"], entry["Size"]) for entry in page.get("Contents", ()))

    def read(self, key: str) -> bytes:
        """An object of the bucket."""
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def delete_prefix(self, prefix: str) -> None:
        """Delete the bucket's objects below a prefix; one by one, as S3Proxy refuses boto3's request for many."""
        for key, _ in self.objects(prefix):
            self.client.delete_object(Bucket=BUCKET, Key=key)

    def ends(self, topic: str, partitions: int) -> list[int]:
        """End offset per partition."""
        wanted = {TopicPartition(topic, p): OffsetSpec.latest() for p in range(partitions)}
        return [done.result(10).offset for done in self.admin.list_offsets(wanted, request_timeout=10).values()]

    def records(self, topic: str, partitions: int) -> Iterator[Any]:
        """All records of a topic up to its present end."""
        ends = self.ends(topic, partitions)
        settings = {
            "bootstrap.servers": self.servers, "group.id": "benchmark-reader", "enable.auto.commit": False,
            "fetch.max.bytes": 64 << 20, "queued.max.messages.kbytes": 256 << 10, "log_level": 0,
        }  # fmt: skip
        consumer = Consumer(settings)
        consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        left, patience = sum(ends), time.monotonic() + 60
        try:
            while left:
                messages = consumer.consume(5_000, 1)
                if not messages and time.monotonic() > patience:
                    raise RunFailed(f"{topic}: {left:,} of {sum(ends):,} records cannot be read.")
                for message in messages:
                    if message.error():
                        raise RunFailed(f"{topic}: {message.error()}")
                    if message.offset() < ends[message.partition()]:
                        left -= 1
                        yield message
                    patience = time.monotonic() + 60
        finally:
            consumer.close()

    def load(self, corpus: Corpus, say: Callable[[str], None], partitions: int = 6) -> Loaded:
        """Put the corpus into a topic of its own, once."""
        known = self._loaded.get((corpus, partitions))
        if known is None:
            sum_ = corpus.make()
            say(f"corpus {corpus.path.stem}: {corpus.count:,} events of {corpus.mean_bytes():,.0f} bytes, {sum_}")
            topic = f"raw-{corpus.path.stem}-{partitions}"
            self.create_topic(topic, partitions, RAW)
            self.produce(topic, corpus.lines())
            expected = expect(value for _, value in corpus.lines())
            known = Loaded(topic, partitions, corpus.count, self._timed(expected, topic, partitions), sum_)
            self._loaded[corpus, partitions] = known
        return known

    def reloaded(self, loaded: Loaded, count: int, corpus: Corpus) -> Loaded:
        """The same topic, of which only the corpus's first `count` records were sent."""
        expected = expect(value for _, value in islice(corpus.lines(), count))
        return replace(loaded, count=count, expected=self._timed(expected, loaded.topic, loaded.partitions))

    def producer(self) -> Producer:
        """One that batches and compresses; to be kept where a stream is sent: each connects anew."""
        return Producer(
            {
                "bootstrap.servers": self.servers, "acks": "all", "enable.idempotence": True, "linger.ms": 20,
                "batch.size": 256 * 1024, "compression.type": "lz4", "partitioner": "murmur2_random", "log_level": 0,
                "queue.buffering.max.messages": 200_000,
            }
        )  # fmt: skip

    def produce(self, topic: str, records: Any, producer: Producer | None = None) -> None:
        """Send (key, value) pairs; all are acknowledged at the end."""
        producer = producer or self.producer()
        for key, value in records:
            while True:
                try:
                    producer.produce(topic, value, key)
                    break
                except BufferError:
                    producer.poll(0.05)
        if producer.flush(120):
            raise RunFailed(f"{topic}: not everything could be sent.")

    def _timed(self, expected: Expectations, topic: str, partitions: int) -> Expectations:
        """With lateness_ms, from the times that the broker gave the records."""
        found = [(m.value(), m.timestamp()[1]) for m in self.records(topic, partitions)]
        marker = b'"event_id":"'
        ids, times = [], []
        for value, received_ms in found:
            at = value.find(marker)
            if at >= 0:
                ids.append(value[at + len(marker) : at + len(marker) + 36].decode().lower())
                times.append(received_ms)
        received = pl.DataFrame({"event_id": ids, "received_ms": times}).unique("event_id", keep="first")
        joined = expected.events.join(received, "event_id", "left", maintain_order="left")
        timed = joined.with_columns(lateness_ms=pl.col("received_ms") - pl.col("event_ms"))
        columns = ["lateness_ms" if name == "event_ms" else name for name in expected.events.columns]
        return Expectations(timed.select(columns), expected.reasons, expected.dead)


@contextmanager
def ground(say: Callable[[str], None]) -> Iterator[Ground]:
    """Servers for a `with` block; SIGTERM and Ctrl-C end it."""
    DATA.mkdir(parents=True, exist_ok=True)
    home = DATA / f"servers-{os.getpid()}"
    _forget_dead_servers(say)
    zookeeper, kafka, s3 = free_ports(3)
    stack = Stack(home, ports={"zookeeper": zookeeper, "kafka": kafka, "s3": s3}, report=say)
    with stoppable():
        try:
            stack.up()
            environment = stack.environment()
            yield Ground(environment["KAFKA_BOOTSTRAP_SERVERS"], environment)
        finally:
            stack.clean()


def _forget_dead_servers(say: Callable[[str], None]) -> None:
    """What a benchmark that was killed outright left behind."""
    for home in DATA.glob("servers-*"):
        if not Path(f"/proc/{home.name.rpartition('-')[2]}").exists():
            say(f"Stopping what an earlier benchmark left in {home.name}.")
            Stack(home).clean()
            shutil.rmtree(home, ignore_errors=True)
