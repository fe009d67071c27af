"""Pathway on W2: ``python -m benchmarks.peers.pathway_kafka [--tuned]``, started as WORKLOADS.md tells.

Reads    RAW_TOPIC, CATALOG
Writes   ENRICHED_TOPIC, DEAD_LETTER_TOPIC; each record also gets Pathway's headers pathway_time and pathway_diff
Promises less than the others: without its persistence (off, as in its Kafka tutorials) a crash starts from the
         consumer group's last commit, which may lie beyond what was written
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.peers.environments import enter, setting


def main() -> None:
    """Run until SIGTERM: its other mode, which ends, holds all records in one batch."""
    parser = argparse.ArgumentParser(description="The Kafka half of WORKLOADS.md with Pathway.")
    parser.add_argument("--tuned", action="store_true", help="orjson, functions called with batches of rows")
    arguments = parser.parse_args()
    enter("pathway", "benchmarks.peers.pathway_kafka")
    run(arguments.tuned)


def run(tuned: bool) -> None:
    """Build the dataflow and run it."""
    # Only its own environment has it.
    import pathway as pw

    from benchmarks.peers.python_events import Judge

    judge = Judge(tuned)
    brokers = {"bootstrap.servers": setting("KAFKA_BOOTSTRAP_SERVERS")}
    consumer = {**brokers, "group.id": f"pathway-{setting('ENRICHED_TOPIC')}", "auto.offset.reset": "earliest"}
    producer = {**brokers, "compression.type": "lz4", "acks": "all", "enable.idempotence": "true"}
    if tuned:
        consumer |= {"fetch.min.bytes": "262144", "queued.max.messages.kbytes": "131072"}
        producer |= {"linger.ms": "20", "batch.size": "262144", "queue.buffering.max.messages": "500000"}
    raw: Any = pw.io.kafka.read(
        consumer,
        topic=setting("RAW_TOPIC"),
        format="raw",
        with_metadata=True,
        autogenerate_key=True,
        # Without a limit a backlog becomes one batch, all of it in memory.
        **({"autocommit_duration_ms": 100, "max_backlog_size": 20_000} if tuned else {}),
    )

    def fate(value: bytes, metadata: Any) -> tuple[str, bytes]:
        reason, document = judge(value, metadata["timestamp_millis"].as_int())
        return reason or "", document or value

    def fates(values: list[bytes], metadata: list[Any]) -> list[tuple[str, bytes]]:
        return [fate(*row) for row in zip(values, metadata, strict=True)]

    # Deterministic: what a row becomes need not be stored for a later retraction.
    function: Any = (
        pw.udf(fates, return_type=tuple[str, bytes], deterministic=True, max_batch_size=1024)
        if tuned
        else pw.udf(fate, return_type=tuple[str, bytes], deterministic=True)
    )
    judged = raw.select(raw.key, fate=function(raw.data, raw._metadata))
    judged = judged.select(judged.key, reason=judged.fate[0], document=judged.fate[1])
    good, dead = judged.filter(judged.reason == ""), judged.filter(judged.reason != "")
    pw.io.kafka.write(good, producer, setting("ENRICHED_TOPIC"), format="raw", key=good.key, value=good.document)
    pw.io.kafka.write(
        dead, producer, setting("DEAD_LETTER_TOPIC"), format="raw", key=dead.key, value=dead.document,
        headers=[dead.reason],
    )  # fmt: skip
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main()
