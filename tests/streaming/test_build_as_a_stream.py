"""The whole build as a stream with a real checkpoint and real Delta tables, on local files: no server needed."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import deltalake
import pytest
from processes import run

GOOD, BAD = 20, 5


def raw_lines(first_offset: int) -> str:
    """20 good events and 5 that lack a session_id."""
    lines = []
    for i in range(GOOD + BAD):
        event = {
            "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(first_offset + i))),
            "event_name": "page_view",
            "event_time": "2026-11-22T10:00:00Z",
            "anonymous_id": "a-1",
            "session_id": "s-1" if i < GOOD else None,
        }
        lines.append(json.dumps({"value": json.dumps(event), "kafka_offset": first_offset + i}))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def run_twice(tmp_path_factory):
    """One file, a run; then a second file, and a run that first replays that batch: its commit is gone.

    The first on a cluster of one executor, a process of its own, the second in one process.
    """
    folder = tmp_path_factory.mktemp("stream")
    (folder / "raw").mkdir()
    (folder / "raw" / "1.jsonl").write_text(raw_lines(0))
    run("file_stream.py", folder, master="local-cluster[1,1,1024]")
    after_first = tables(folder)
    # What a kill -9 between the last sink and the commit leaves behind.
    for name in ("0", ".0.crc"):
        (folder / "checkpoint" / "commits" / name).unlink(missing_ok=True)
    (folder / "raw" / "2.jsonl").write_text(raw_lines(100))
    run("file_stream.py", folder)
    return after_first, tables(folder)


def tables(folder: Path) -> dict[str, list[int]]:
    """The offsets in each table."""
    return {
        name: sorted(
            row["kafka_offset"]
            for row in deltalake.DeltaTable(str(folder / "lake" / name))
            .to_pyarrow_table(columns=["kafka_offset"])
            .to_pylist()
        )
        for name in ("events", "dead_letters")
    }


def test_each_record_is_in_one_table(run_twice):
    assert run_twice[0] == {"events": list(range(GOOD)), "dead_letters": list(range(GOOD, GOOD + BAD))}


def test_a_batch_that_is_replayed_adds_nothing_and_the_next_one_follows(run_twice):
    events, dead = list(range(GOOD)), list(range(GOOD, GOOD + BAD))
    assert run_twice[1] == {
        "events": events + [100 + i for i in events],
        "dead_letters": dead + [100 + i for i in dead],
    }
