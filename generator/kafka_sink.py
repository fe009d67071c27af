"""Kafka as a sink: acks=all, idempotent, bounded in flight; the topic must exist."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import kafka.errors

from generator.manifest import Receipts
from generator.records import Record
from generator.settings import Settings
from pipelines.cli import RunFailed
from pipelines.clients import KafkaSettings, kafka_problem
from pipelines.preflight import require_topics
from pipelines.transforms.vocabulary import sink_record_bytes

TAG_HEADER = "generator.tag"
# kafka-python 3 has no buffer.memory: without a limit of our own a slow broker would fill the memory.
MAX_IN_FLIGHT = 20_000
# kafka-python's default.
MAX_REQUEST_BYTES = 1_048_576
CONNECT_TIMEOUT_MS = 15_000
DELIVERY_TIMEOUT_MS = 120_000
REQUEST_TIMEOUT_MS = 15_000
CLOSE_SECONDS = 5
# When this many records in a row fail the broker is gone for good.
MAX_FAILURES_IN_A_ROW = 1_000


class KafkaSink:
    """Sends each record under its shopper's key, so that a shopper's events stay in order."""

    max_in_flight = MAX_IN_FLIGHT
    lines_before = 0
    patience_seconds = (DELIVERY_TIMEOUT_MS + REQUEST_TIMEOUT_MS) / 1000

    def __init__(self, producer: Any, topic: str, receipts: Receipts, tag: str | None = None) -> None:
        self._producer = producer
        self._topic = topic
        self._headers = [(TAG_HEADER, tag.encode())] if tag else []
        self._position = f'"topic":{json.dumps(topic)},"partition":%d,"offset":%d'.encode()
        self._receipts = receipts
        self._failures_in_a_row = 0

    @classmethod
    def open(cls, settings: Settings, receipts: Receipts) -> KafkaSink:
        """Connect. Raises ConfigurationError when no broker answers, or the topic is missing or may not be written."""
        # The client's own warnings would tear the status line; what matters is in the receipts.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        kafka_settings = KafkaSettings.load(settings.bootstrap_servers, settings.kafka_config)
        try:
            require_topics(kafka_settings, {"RAW_TOPIC": settings.raw_topic}, {"RAW_TOPIC": ("WRITE",)})
            producer = kafka_settings.producer(
                bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                max_block_ms=CONNECT_TIMEOUT_MS,
                # Counted before compressing, and oversize records are sent on purpose: the broker says what fits.
                max_request_size=max(MAX_REQUEST_BYTES, sink_record_bytes(settings.faults.max_event_bytes)),
            )
        except kafka.errors.KafkaError as error:
            raise kafka_problem(error, kafka_settings) from error
        return cls(producer, settings.raw_topic, receipts, settings.tag)

    def send(self, records: Sequence[Record]) -> None:
        """Hand the records to the client. Raises RunFailed when deliveries keep failing."""
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise RunFailed(f"Kafka takes no records any more ({self._receipts.first_error}).")
        self._receipts.handed_over(records)
        left = len(records)
        try:
            partitions = len(self._producer.partitions_for(self._topic))
            for record in records:
                self._send(record, record.partition_hash % partitions)
                left -= 1
        except kafka.errors.KafkaTimeoutError as error:
            self._lost(left, error)
            # It has waited for the topic's partitions already; each further record would wait as long.
            raise RunFailed(f"Topic {self._topic} cannot be reached any more.") from error
        except kafka.errors.KafkaError as error:  # the topic may not be asked for any more
            self._lost(left, error)

    def _lost(self, records: int, error: BaseException) -> None:
        for _ in range(records):
            self._failed(error)

    def _send(self, record: Record, partition: int) -> None:
        """Hand one record over. `partition` is the default partitioner's choice, which would take it much longer."""
        try:
            future = self._producer.send(self._topic, record.value, record.key, self._headers, partition)
        except kafka.errors.KafkaTimeoutError:
            raise
        except kafka.errors.KafkaError as error:  # of this record only: it is too large
            self._failed(error)
            return
        future.add_callback(self._acknowledged, record)
        future.add_errback(self._failed)

    def flush(self) -> None:
        """The client sends by itself."""

    def _acknowledged(self, record: Record, metadata: Any) -> None:
        self._failures_in_a_row = 0
        self._receipts.arrived(record, self._position % (metadata.partition, metadata.offset))

    def _failed(self, error: BaseException) -> None:
        self._failures_in_a_row += 1
        self._receipts.lost(error)

    def __enter__(self) -> KafkaSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._receipts.in_flight:
            # close() raises instead of closing while anything is under way (kafka-python 3.0.12).
            self._producer._sender.force_close()
            self._producer._sender.join(CLOSE_SECONDS)
        self._producer.close(timeout=CLOSE_SECONDS)
