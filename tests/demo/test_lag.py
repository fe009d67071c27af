"""How far the stream is behind, from `batch_audit` alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipelines import lag
from pipelines.cli import ConfigurationError, RunFailed
from pipelines.clients import S3Settings
from pipelines.lag import Backlog, await_delivery, delivered_offsets
from pipelines.lake import BATCH_AUDIT, Lake

TOPIC_ID = "topic-1"


def audit(folder: Path, *batches: dict[int, tuple[int, int]], topic_id: str = TOPIC_ID) -> Lake:
    """A lake whose `batch_audit` has these batches: partition → [start, end)."""
    rows = [
        {
            "kafka_topic_id": topic_id,
            "offsets": [{"partition": p, "start_offset": a, "end_offset": b} for p, (a, b) in batch.items()],
        }
        for batch in batches
    ]
    write_deltalake(str(folder / BATCH_AUDIT), pa.Table.from_pylist(rows), mode="append")
    return Lake(str(folder))


def waited(ends: dict[int, int], place: Lake, seconds: float, delivered: dict[int, int] | None = None) -> Backlog:
    """What is left of a backlog of so much, at most so much later."""
    return await_delivery(Backlog(delivered or {}, ends), TOPIC_ID, place, S3Settings(), seconds)


def test_what_kafka_has_deleted_does_not_wait() -> None:
    """Retention took the first 5 of partition 0 and all of partition 1 before the job was first started."""
    backlog = Backlog(delivered={}, ends={0: 8, 1: 600}, firsts={0: 5, 1: 600})
    assert [backlog.behind(p) for p in (0, 1)] == [3, 0]
    assert backlog.next_offset(0) == 5


def test_each_partition_is_behind_by_its_own_records() -> None:
    backlog = Backlog(delivered={0: 10, 1: 5}, ends={0: 10, 1: 7, 2: 3})
    assert [backlog.behind(p) for p in (0, 1, 2)] == [0, 2, 3]
    assert backlog.total == 5


def test_records_that_arrived_later_are_no_backlog() -> None:
    """The ends were taken before the batch that is recorded now."""
    assert Backlog(delivered={0: 12}, ends={0: 10}).total == 0


def test_the_newest_batch_counts(tmp_path: Path) -> None:
    place = audit(tmp_path, {0: (0, 4), 1: (0, 2)}, {0: (4, 9)})
    assert delivered_offsets(place, S3Settings(), TOPIC_ID) == {0: 9, 1: 2}


def test_batches_of_a_topic_before_it_was_re_created_do_not_count(tmp_path: Path) -> None:
    place = audit(tmp_path, {0: (0, 100)}, topic_id="another")
    assert delivered_offsets(place, S3Settings(), TOPIC_ID) == {}


def test_what_is_delivered_is_not_waited_for(tmp_path: Path) -> None:
    place = audit(tmp_path, {0: (0, 4)})
    assert waited({0: 4}, place, seconds=0.1, delivered={0: 4}).total == 0


def test_waiting_in_vain_says_what_to_look_at(tmp_path: Path) -> None:
    place = audit(tmp_path, {0: (0, 4)})
    with pytest.raises(RunFailed, match=r"^6 records still wait after 0 s: does pipelines/enrich\.py run\?"):
        waited({0: 10}, place, seconds=0.2, delivered={0: 4})


def test_a_job_that_has_no_tables_yet_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="1 records still wait"):
        waited({0: 1}, Lake(str(tmp_path)), seconds=0.2)


def test_what_is_delivered_meanwhile_is_seen(tmp_path: Path) -> None:
    place = audit(tmp_path, {0: (0, 4)})
    assert waited({0: 4}, place, seconds=5).total == 0


def test_a_store_that_is_away_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([ConfigurationError("S3 is away"), {0: 4}])

    def delivered(*_: object) -> dict[int, int]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(lag, "delivered_offsets", delivered)
    monkeypatch.setattr(lag, "_POLL_SECONDS", 0.01)
    assert waited({0: 4}, Lake(str(tmp_path)), seconds=5).total == 0


def test_without_waiting_missing_tables_are_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no table batch_audit"):
        delivered_offsets(Lake(str(tmp_path)), S3Settings(), TOPIC_ID)
