"""The same event more than once: one row inside the horizon, and exact counts."""

from __future__ import annotations

import time
import uuid

import pytest
from jobs import Site
from test_enrich import event

pytestmark = pytest.mark.faults


def identified(number: int, **fields: object) -> bytes:
    """An event that can be sent again with the same bytes."""
    return event(event_id=str(uuid.UUID(int=number)), event_time="2026-01-01T00:00:00Z", **fields)


def send(site: Site, *values: bytes) -> list[tuple[int, int]]:
    """Send to one partition, in order; (partition, offset) of each."""
    producer = site.kafka.producer()
    sent = [producer.send(site.topics.raw, value=value, key=b"k").get(60) for value in values]
    producer.close()
    return [(each.partition, each.offset) for each in sent]


@pytest.mark.row(16, "in a batch, across batches, across a restart, beyond the horizon")
def test_a_repeated_event_is_one_row_inside_the_horizon(site: Site, result) -> None:
    in_batch, across_runs, across_batches = (identified(n) for n in (1, 2, 3))
    first = send(site, in_batch, across_runs, in_batch)
    site.drain()
    second = send(site, across_runs, across_batches, across_batches, identified(1, user_id="other"))
    site.drain("--max-offsets-per-trigger=2")
    suppressed = {
        (row["kafka_partition"], row["kafka_offset"]): (row["first_partition"], row["first_offset"])
        for row in site.table("duplicates").to_pylist()
    }
    assert suppressed == {first[2]: first[0], second[0]: first[1], second[2]: second[1]}
    assert site.table("events", ["event_id"]).num_rows == 4  # the same id with other content is another event
    conflicts = [row for row in site.table("events", ["warnings"])["warnings"].to_pylist() if row]
    assert [w["keyword"] for warnings in conflicts for w in warnings].count("event_id_conflict") == 1

    time.sleep(3)
    send(site, in_batch)
    with result.recovery():
        site.drain("--dedup-horizon-seconds=1")

    assert site.table("duplicates").num_rows == 3
    assert site.table("events", ["event_id"]).num_rows == 5
    audited = site.table("batch_audit", ["duplicate"])["duplicate"].to_pylist()
    assert sum(audited) == 3
    result.proved(site)
    proof = site.verify("--caught-up")
    assert proof.returncode == 0, proof.stdout + proof.stderr
