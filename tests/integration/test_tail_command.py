"""tail as people run it, on a real broker; a plain producer plays the pipeline."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
import uuid

import pytest

from pipelines.clients import KafkaSettings
from pipelines.settings import Topics
from pipelines.topics import declared, ensure

pytestmark = pytest.mark.integration

PARTITIONS = 3
SECONDS = 60


class Sinks:
    """Topics of their own, and the command on them."""

    def __init__(self, environment: dict[str, str]) -> None:
        name = uuid.uuid4().hex[:6]
        self.topics = Topics(f"raw-{name}", f"enriched-{name}", f"dead-{name}")
        own = {"ENRICHED_TOPIC": self.topics.enriched, "DEAD_LETTER_TOPIC": self.topics.dead_letter}
        self.environment = {**os.environ, **environment, **own}
        self.kafka = KafkaSettings(environment["KAFKA_BOOTSTRAP_SERVERS"])
        self.grow(PARTITIONS)

    def grow(self, partitions: int) -> None:
        ensure(self.kafka, declared(self.topics, partitions, 921_600), 1)

    def publish(self, *offsets: int, partition: int = 0) -> None:
        """Enriched records of these raw offsets."""
        producer = self.kafka.producer()
        for offset in offsets:
            source = {"topic_id": "t", "partition": partition, "offset": offset}
            producer.send(
                self.topics.enriched,
                value=json.dumps({"event_name": "page_view", "n": offset}).encode(),
                partition=partition,
                headers=[(f"source.{name}", str(value).encode()) for name, value in source.items()],
            ).get(SECONDS)
        producer.close()

    def start(self, *arguments: str, **options) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipelines.tail", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, env=self.environment, text=True, **pipes)

    def numbers(self, *arguments: str) -> list[int]:
        """The records that a run to the topic's end prints."""
        output, errors = self.start("--until-end", *arguments).communicate(timeout=SECONDS)
        assert "shown" in errors, errors
        return [json.loads(line)["n"] for line in output.splitlines()]


@pytest.fixture(scope="module")
def sinks(kafka_stack) -> Sinks:
    return Sinks(kafka_stack.environment())


def test_each_raw_record_is_printed_once_from_where_one_likes(sinks: Sinks) -> None:
    assert sinks.numbers("--from", "beginning") == []
    sinks.publish(0, 1, 2, 1, 2, 3)
    sinks.publish(0, partition=1)
    assert sorted(sinks.numbers("--from", "beginning")) == [0, 0, 1, 2, 3]
    assert sorted(sinks.numbers("--from", "beginning", "--repeats")) == [0, 0, 1, 1, 2, 2, 3]
    assert sinks.numbers("--from", "end") == []
    assert sorted(sinks.numbers("--from", "10m")) == [0, 0, 1, 2, 3]
    assert sinks.numbers("--from", "2999-01-01T00:00:00Z") == []
    assert len(sinks.numbers("--from", "beginning", "--count", "2")) == 2


def test_it_follows_new_records_and_new_partitions_until_it_is_interrupted(sinks: Sinks) -> None:
    tail = sinks.start()
    time.sleep(3)  # from the end on: what comes before that is not shown
    sinks.publish(100)
    assert json.loads(tail.stdout.readline())["n"] == 100
    sinks.grow(PARTITIONS + 1)
    sinks.publish(7, partition=PARTITIONS)
    assert json.loads(tail.stdout.readline())["n"] == 7
    tail.send_signal(signal.SIGINT)
    output, errors = tail.communicate(timeout=SECONDS)
    assert (tail.returncode, output, errors) == (0, "", "2 shown\n")


def test_a_closed_pipe_is_the_end_and_no_error(sinks: Sinks) -> None:
    sinks.publish(*range(200, 203))
    tail = sinks.start("--from", "beginning")
    tail.stdout.readline()
    tail.stdout.close()
    sinks.publish(203)
    assert tail.wait(SECONDS) == 0
    assert tail.stderr.read() == ""


def test_on_a_terminal_it_prints_rows(sinks: Sinks) -> None:
    sinks.publish(300)
    main, terminal = pty.openpty()
    tail = sinks.start("--from", "beginning", "--count", "1", stdout=terminal)
    os.close(terminal)
    row = os.read(main, 10_000).decode()
    assert tail.wait(SECONDS) == 0
    os.close(main)
    assert "page_view" in row
    assert not row.startswith("{")


def test_a_missing_topic_is_one_line_that_names_its_setting(sinks: Sinks) -> None:
    sinks_without = {**sinks.environment, "DEAD_LETTER_TOPIC": "a-typo"}
    command = [sys.executable, "-m", "pipelines.tail", "--dead-letters"]
    done = subprocess.run(command, env=sinks_without, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: Missing topic: DEAD_LETTER_TOPIC=a-typo")
