"""Quix Streams on W2: ``python -m benchmarks.peers.quix_kafka [--tuned]``, started as WORKLOADS.md tells.

Reads    RAW_TOPIC, CATALOG
Writes   ENRICHED_TOPIC, DEAD_LETTER_TOPIC
Promises at least once: offsets are committed after a flush of what came of the records

One process, one core: more would be further members of the consumer group.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from benchmarks.peers.environments import enter, setting

# A drain ends when nothing came for so long, in seconds.
_PATIENCE = 5.0


def main() -> None:
    """Run until everything is read (MODE=drain) or SIGTERM."""
    parser = argparse.ArgumentParser(description="The Kafka half of WORKLOADS.md with Quix Streams.")
    parser.add_argument("--tuned", action="store_true", help="orjson, larger batches, rarer commits")
    arguments = parser.parse_args()
    enter("quix", "benchmarks.peers.quix_kafka")
    run(arguments.tuned)


def run(tuned: bool) -> None:
    """Build the dataframe and run it."""
    # Only its own environment has it.
    from quixstreams import Application

    from benchmarks.peers.python_events import Fate, Judge

    producer = {"compression.type": "lz4", "acks": "all", "enable.idempotence": True}
    more: dict[str, Any] = {}
    if tuned:
        producer |= {"linger.ms": 20, "batch.size": 262_144, "queue.buffering.max.messages": 500_000}
        more = {
            "consumer_extra_config": {"fetch.min.bytes": 262_144, "queued.max.messages.kbytes": 131_072},
            "commit_interval": 10.0,
        }
    app = Application(
        broker_address=setting("KAFKA_BOOTSTRAP_SERVERS"),
        consumer_group=f"quix-{setting('ENRICHED_TOPIC')}",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=os.path.join(setting("WORK_DIR"), "state"),
        producer_extra_config=producer,
        **more,
    )
    raw = app.topic(setting("RAW_TOPIC"), value_deserializer="bytes", key_deserializer="bytes")
    enriched = app.topic(setting("ENRICHED_TOPIC"), value_serializer="bytes", key_serializer="bytes")
    dead_letters = app.topic(setting("DEAD_LETTER_TOPIC"), value_serializer="bytes", key_serializer="bytes")
    judge = Judge(tuned)

    def fate(value: bytes, key: Any, timestamp: int, headers: Any) -> tuple[bytes, Fate]:
        return value, judge(value, timestamp)

    def reason(pair: tuple[bytes, Fate], key: Any, timestamp: int, headers: Any) -> list[tuple[str, bytes]]:
        return [("reason", str(pair[1].reason).encode())]

    fates = app.dataframe(raw).apply(fate, metadata=True)
    fates.filter(lambda pair: pair[1].reason is None).apply(lambda pair: pair[1].document).to_topic(enriched)
    dead = fates.filter(lambda pair: pair[1].reason is not None).set_headers(reason)
    dead.apply(lambda pair: pair[0]).to_topic(dead_letters)
    app.run(timeout=_PATIENCE if os.environ.get("MODE") == "drain" else 0.0)


if __name__ == "__main__":
    main()
