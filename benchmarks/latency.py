"""How long after its send an event is in the enriched topic and visible in the lake, at a steady rate, on one clock.

Open loop: event n is due at start + n/rate, and its latency counts from then, however late it could be sent; a stall
anywhere is in the figures of all events that it delayed. What is due in the warm-up is not counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.corpus import Corpus
from benchmarks.drain import Place, Started, fresh_place
from benchmarks.expected import expect
from benchmarks.figures import percentile
from benchmarks.ground import RAW, Ground, Loaded
from benchmarks.systems import STREAM, System
from pipelines.cli import RunFailed

LOOK_SECONDS = 0.1
STALL_SECONDS = 1.0
START_SECONDS = 240.0
MARKER = b'"event_id":"'


@dataclass
class Watch:
    """When each event was due, arrived in the topic, was visible in the lake. Seconds of the monotonic clock."""

    due: dict[str, float] = field(default_factory=dict)
    in_topic: dict[str, float] = field(default_factory=dict)
    in_lake: dict[str, float] = field(default_factory=dict)
    start_seconds: float = 0.0
    sent_late: float = 0.0


def latency(
    ground: Ground,
    system: System,
    rate: int,
    say: Callable[[str], None],
    *,
    cores: Sequence[int],
    warm_seconds: float = 180,
    seconds: float = 60,
) -> dict[str, Any]:
    """Percentiles in seconds, `topic_…` and `lake_…`, and the longest silences of each sink.

    `start_seconds`: from the command until a first event was in both sinks; `sent_late`: how late the slowest send was.
    """
    records = int(rate * (warm_seconds + seconds))
    corpus = Corpus(records, seed=11, invalid=0.0)
    corpus.make()
    topic = f"raw-latency-{system.id}-{rate}-{time.monotonic_ns()}"
    ground.create_topic(topic, 6, RAW)
    loaded = Loaded(topic, 6, records, expect([]), "")
    with fresh_place(ground, loaded, system) as place:
        started = Started(system, place, STREAM, cores)
        try:
            watch = _observe(ground, place, started, corpus, rate, warm_seconds, say)
        finally:
            started.stop()
            ground.delete_topics(topic)
    warm = min(watch.due.values()) + warm_seconds
    counted = [name for name, due in watch.due.items() if due >= warm]
    return {"rate": rate, "events": len(counted), "start_seconds": watch.start_seconds, "sent_late": watch.sent_late,
            **_told("topic", watch.due, watch.in_topic, counted),
            **_told("lake", watch.due, watch.in_lake, counted)}  # fmt: skip


def _observe(
    ground: Ground, place: Place, started: Started, corpus: Corpus, rate: int, warm: float, say: Callable[[str], None]
) -> Watch:
    watch, done = Watch(), threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Callable[..., None], *arguments: Any) -> threading.Thread:
        def go() -> None:
            try:
                work(*arguments)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=go, daemon=True)
        thread.start()
        return thread

    probes = await_first(ground, place, started, corpus)
    watch.start_seconds = time.monotonic() - started.began
    reader = guarded(_read_topic, ground, place, watch, done)
    sender = guarded(_send, ground, place.loaded.topic, corpus, rate, watch)
    deadline = time.monotonic() + corpus.count / rate + 120
    try:
        while len(watch.in_topic) < corpus.count or place.sinks.table.rows < corpus.count + probes:
            place.sinks.table.look()
            if failures:
                raise failures[0]
            if started.process.poll() is not None:
                raise RunFailed(f"it ended with exit code {started.process.returncode}: {started.last_words()}")
            if time.monotonic() > deadline:
                found = f"{len(watch.in_topic):,} in the topic, {place.sinks.table.rows:,} in the lake"
                raise RunFailed(f"it does not keep up with {rate:,}/s: {found} of {corpus.count:,}")
            time.sleep(LOOK_SECONDS)
    finally:
        done.set()
        sender.join(5)
        reader.join(5)
    _note_lake(place, watch)
    return watch


def await_first(ground: Ground, place: Place, started: Started, corpus: Corpus) -> int:
    """Send one event now and then until one has come through: the system is up. How many were sent."""
    probe = next(value for _, value in corpus.lines())
    deadline, number = time.monotonic() + START_SECONDS, 0
    while True:
        number += 1
        at = probe.index(MARKER) + len(MARKER)
        value = probe[:at] + f"ffffffff-0000-4000-8000-{number:012d}".encode() + probe[at + 36 :]
        ground.produce(place.loaded.topic, [(b"probe", value)])
        until = time.monotonic() + 2
        while time.monotonic() < until:
            arrived = place.sinks.look()
            if arrived.lake and arrived.enriched:
                return number
            if started.process.poll() is not None:
                raise RunFailed(f"it ended with exit code {started.process.returncode}: {started.last_words()}")
            if time.monotonic() > deadline:
                raise RunFailed(f"nothing came through within {START_SECONDS:.0f} s: {started.last_words()}")
            time.sleep(0.2)


def _send(ground: Ground, topic: str, corpus: Corpus, rate: int, watch: Watch) -> None:
    """Send event n when it is due; if that is too late, at once."""
    producer = Producer({"bootstrap.servers": ground.servers, "acks": "all", "linger.ms": 2, "compression.type": "lz4",
                         "partitioner": "murmur2_random", "log_level": 0})  # fmt: skip
    start = time.monotonic() + 0.5
    for number, (key, value) in enumerate(corpus.lines()):
        due = start + number / rate
        ahead = due - time.monotonic()
        if ahead > 0.002:
            producer.poll(0)
            time.sleep(ahead)
        watch.sent_late = max(watch.sent_late, time.monotonic() - due)
        at = value.index(MARKER) + len(MARKER)
        watch.due[value[at : at + 36].decode().lower()] = due
        producer.produce(topic, value, key)
    producer.flush(30)


def _read_topic(ground: Ground, place: Place, watch: Watch, done: threading.Event) -> None:
    """Note when a consumer gets each record."""
    consumer = Consumer({"bootstrap.servers": ground.servers, "group.id": "latency", "enable.auto.commit": False,
                         "fetch.wait.max.ms": 5, "log_level": 0})  # fmt: skip
    consumer.assign([TopicPartition(place.sinks.enriched, p, 0) for p in range(place.loaded.partitions)])
    while not done.is_set():
        messages = consumer.consume(1_000, 0.02)
        now = time.monotonic()
        for message in messages:
            value = message.value() or b""
            at = value.find(MARKER) + len(MARKER)
            name = value[at : at + 36].decode().lower()
            if name in watch.due and name not in watch.in_topic:
                watch.in_topic[name] = now
    consumer.close()


def _note_lake(place: Place, watch: Watch) -> None:
    """Which events each version of the table brought, and so when they were visible."""
    table = place.sinks.table
    for seen, _, files in table.versions.values():
        for file in files:
            for name in table.file(file).read(columns=["event_id"])["event_id"].to_pylist():
                watch.in_lake.setdefault(name.lower(), seen)


def _told(sink: str, due: dict[str, float], arrived: dict[str, float], counted: list[str]) -> dict[str, float]:
    """Percentiles, and the silences of more than a second: how many, how long the longest."""
    waits = sorted(arrived[name] - due[name] for name in counted if name in arrived)
    if len(waits) < len(counted):
        raise RunFailed(f"{len(counted) - len(waits):,} of {len(counted):,} events never came to the {sink}")
    moments = sorted({arrived[name] for name in counted})
    gaps = [after - before for before, after in pairwise(moments)]
    return {
        **{f"{sink}_p{name}": percentile(waits, share) for name, share in (("50", 0.5), ("99", 0.99), ("999", 0.999))},
        f"{sink}_max": waits[-1],
        f"{sink}_silences": sum(gap > STALL_SECONDS for gap in gaps),
        f"{sink}_longest_silence": max(gaps, default=0.0),
    }
