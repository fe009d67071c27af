"""Kafka as a sink: acks=all, idempotent, bounded in flight; the topic must exist."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import kafka.errors

from generator.manifest import Receipts
from generator.records import Record
from generator.settings import Settings
from pipelines.cli import ConfigurationError, RunFailed
from pipelines.clients import KafkaSettings, kafka_problem

# kafka-python 3 has no buffer.memory: without a limit of our own a slow broker would fill the memory.
MAX_IN_FLIGHT = 20_000
CONNECT_TIMEOUT_MS = 15_000
DELIVERY_TIMEOUT_MS = 60_000
REQUEST_TIMEOUT_MS = 15_000
# When this many records in a row fail the broker is gone for good.
MAX_FAILURES_IN_A_ROW = 1_000


class KafkaSink:
    """Sends each record under its shopper's key, so that a shopper's events stay in order."""

    def __init__(self, producer: Any, topic: str, receipts: Receipts) -> None:
        self._producer = producer
        self._topic = topic
        self._receipts = receipts
        self._failures_in_a_row = 0

    @classmethod
    def open(cls, settings: Settings, receipts: Receipts) -> KafkaSink:
        """Connect. Raises ConfigurationError when no broker answers or the topic is missing."""
        # The client's own warnings would tear the status line; what matters is in the receipts.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        kafka_settings = KafkaSettings.load(settings.bootstrap_servers, settings.kafka_config)
        try:
            _require_topic(kafka_settings, settings.raw_topic)
            producer = kafka_settings.producer(
                bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                max_block_ms=CONNECT_TIMEOUT_MS,
            )
        except kafka.errors.KafkaError as error:
            raise kafka_problem(error, kafka_settings) from error
        return cls(producer, settings.raw_topic, receipts)

    def send(self, record: Record) -> None:
        """Hand the record to the client, waiting while too many are under way.

        Raises RunFailed when deliveries keep failing.
        """
        receipts = self._receipts
        while receipts.sent - receipts.acknowledged - receipts.failed >= MAX_IN_FLIGHT:
            time.sleep(0.001)
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise RunFailed("Kafka no longer takes any records.")
        receipts.handed_over(record)
        try:
            future = self._producer.send(self._topic, value=record.value, key=record.key)
        except kafka.errors.KafkaError as error:
            self._failed(error)
            return
        future.add_callback(self._acknowledged(record))
        future.add_errback(self._failed)

    def flush(self) -> None:
        """The client sends by itself."""

    def drain(self) -> None:
        """Wait until every record is acknowledged or has timed out."""
        try:
            self._producer.flush(timeout=DELIVERY_TIMEOUT_MS / 1000 + REQUEST_TIMEOUT_MS / 1000)
        except kafka.errors.KafkaTimeoutError:
            receipts = self._receipts
            for _ in range(receipts.sent - receipts.acknowledged - receipts.failed):
                self._failed(TimeoutError("not acknowledged in time"))

    def _acknowledged(self, record: Record) -> Callable[[Any], None]:
        def note(metadata: Any) -> None:
            self._failures_in_a_row = 0
            self._receipts.arrived(
                record,
                {"topic": metadata.topic, "partition": metadata.partition, "offset": metadata.offset},
            )

        return note

    def _failed(self, error: BaseException) -> None:
        self._failures_in_a_row += 1
        self._receipts.lost(error)

    def __enter__(self) -> KafkaSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close(timeout=0 if error else 10)


def _require_topic(settings: KafkaSettings, topic: str) -> None:
    admin = settings.admin(bootstrap_timeout_ms=CONNECT_TIMEOUT_MS, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        topics = admin.list_topics()
    finally:
        admin.close()
    if topic not in topics:
        raise ConfigurationError(
            f"RAW_TOPIC={topic} does not exist at KAFKA_BOOTSTRAP_SERVERS={settings.bootstrap_servers}: "
            "create the topics with `make topics`."
        )
