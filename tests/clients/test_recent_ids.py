"""RecentIds: who is a duplicate of whom, by ten lines of plain Python, however batches are cut and the job restarts."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings
from pipelines.lake import DEAD_LETTERS, DUPLICATES, EVENTS, Lake
from pipelines.recent_ids import RecentIds, spans

HORIZON = 3600
START = 1_772_366_400  # 2026-03-01T12:00:00Z, seconds
YEAR_2100 = 4_102_444_800
ID = "3f0c2f5e-7d4c-4b62-9d3e-0a1b2c3d4e5f"
OTHER_ID = "00000000-0000-4000-8000-000000000001"
TOPIC = "this-topic"
DAY = 86_400


class Sent(NamedTuple):
    """An event that was accepted so far by all other rules; `seconds` is when the broker got it."""

    seconds: float
    partition: int
    offset: int
    event_id: str = ID
    fingerprint: int = 1
    topic_id: str = TOPIC

    @property
    def place(self):
        return self.partition, self.offset


def sent(minutes, offset, partition=0, **other):
    """An event so many minutes after START."""
    return Sent(START + minutes * 60, partition, offset, **other)


def by_the_rule(batches, horizon=HORIZON, accepted=()):
    """(place, place of the original or nulls for a conflict) of each batch's finds; and all accepted events."""
    accepted, found = list(accepted), []
    for batch in batches:
        found.append([])
        for event in sorted(batch):
            near = [a for a in accepted if a.event_id.lower() == event.event_id.lower()]
            near = [a for a in near if abs(a.seconds - event.seconds) <= horizon]
            same = [a for a in near if a.fingerprint == event.fingerprint]
            if near:
                found[-1].append(event.place + (min(same).place if same else (None, None)))
            if not same:
                accepted.append(event)
    return [sorted(batch, key=lambda row: row[:2]) for batch in found], accepted


def ids_of(events) -> pa.Table:
    """What `transforms.duplicates.accepted_ids` collects."""
    columns = {
        "event_id": pa.array([e.event_id.lower() for e in events], pa.string()),
        "event_fingerprint": pa.array([e.fingerprint for e in events], pa.int64()),
        "received_at": pa.array([round(e.seconds * 1e6) for e in events], pa.timestamp("us", "UTC")),
        "kafka_partition": pa.array([e.partition for e in events], pa.int32()),
        "kafka_offset": pa.array([e.offset for e in events], pa.int64()),
    }
    return pa.table(columns)


def write(lake: Lake, events, originals=None) -> None:
    """Append rows of `events`, or of `duplicates` if there are the places of their originals, as the job would."""
    table = ids_of(events).set_column(0, "event_id", pa.array([e.event_id for e in events], pa.string()))
    table = table.append_column("kafka_topic_id", pa.array([e.topic_id for e in events], pa.string()))
    table = table.append_column("kafka_timestamp", table["received_at"])
    if originals is None:
        dates = pa.array([int(e.seconds // DAY) for e in events], pa.date32())
        write_deltalake(
            lake.path(EVENTS), table.append_column("load_date", dates), mode="append", partition_by=["load_date"]
        )
    else:
        table = table.append_column("first_partition", pa.array([p for p, _ in originals], pa.int32()))
        table = table.append_column("first_offset", pa.array([o for _, o in originals], pa.int64()))
        write_deltalake(lake.path(DUPLICATES), table.drop_columns(["received_at"]), mode="append")


@pytest.fixture
def ids() -> Iterator[RecentIds]:
    with closing(RecentIds(HORIZON)) as recent:
        yield recent


def write_dead(lake: Lake, events) -> None:
    """Append rows of `dead_letters`."""
    table = ids_of(events).append_column("kafka_topic_id", pa.array([e.topic_id for e in events], pa.string()))
    columns = ["kafka_topic_id", "kafka_partition", "kafka_offset"]
    write_deltalake(lake.path(DEAD_LETTERS), table.select(columns), mode="append")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


@pytest.fixture
def used_lake(lake: Lake) -> Lake:
    """A lake with all tables, which have rows of another topic."""
    other = [sent(-6000, 0, topic_id="other")]
    write(lake, other)
    write(lake, other, [(0, 0)])
    write_dead(lake, other)
    return lake


def found(recent: RecentIds, events):
    """What is found in one batch, which is then delivered."""
    rows = found_only(recent, events)
    recent.commit()
    return rows


def found_only(recent: RecentIds, events):
    return [tuple(row.values()) for row in recent.find(ids_of(events)).to_pylist()]


def random_stream(rng: random.Random, length: int, start: float = START) -> list[Sent]:
    """Events of few ids and fingerprints, in three partitions, one of which is behind; a few with a wild time."""
    offsets, events = [0, 0, 0], []
    for n in range(length):
        partition = rng.randrange(3)
        seconds = start + n * 40 - (rng.choice((0, 4000)) if partition == 2 else rng.randrange(30))
        if rng.random() < 0.02:
            seconds = rng.choice((YEAR_2100, 0, -0.001, START - 30 * DAY))
        event_id = str(uuid.UUID(int=rng.randrange(length // 8)))
        event_id = event_id.replace("0", "a", rng.randrange(2))
        text = event_id.upper() if rng.random() < 0.3 else event_id
        events.append(Sent(seconds, partition, offsets[partition], text, rng.choice((1, 1, 1, 2))))
        offsets[partition] += 1
    return events


def cut(rng: random.Random, events: list[Sent], largest: int) -> list[list[Sent]]:
    """The stream in batches, each shuffled: Spark's partitions arrive in any order."""
    batches = []
    while events:
        size = rng.randint(1, largest)
        batches.append(rng.sample(events[:size], len(events[:size])))
        events = events[size:]
    return batches


@pytest.mark.parametrize(("seed", "start"), [(0, START), (1, START), (2, START), (3, -9000), (4, -9000)])
def test_random_batches_come_out_by_the_rule(seed, start):
    rng = random.Random(seed)  # noqa: S311 — a repeatable test
    batches = cut(rng, random_stream(rng, 600, start), 100)
    with closing(RecentIds(HORIZON)) as recent:
        assert [found(recent, batch) for batch in batches] == by_the_rule(batches)[0]


@pytest.mark.parametrize("seed", range(2))
def test_crashes_and_restarts_change_nothing(lake, seed):
    rng = random.Random(100 + seed)  # noqa: S311
    earlier = [e._replace(topic_id="a topic of the same name") for e in random_stream(rng, 40)]
    batches = cut(rng, random_stream(rng, 600), 25)
    expected, _ = by_the_rule(batches, accepted=earlier)
    write(lake, earlier)
    recent, ends = RecentIds(HORIZON), {}
    recent.restore(lake, S3Settings(), TOPIC, ends)
    for batch, right in zip(batches, expected, strict=True):
        fate = rng.choice((*["delivered"] * 8, "found, then killed", "written, then killed"))
        assert found_only(recent, batch) == right
        duplicates = {row[:2] for row in right if row[3] is not None}
        accepted = [event for event in batch if event.place not in duplicates]
        if fate == "written, then killed" and accepted:
            write(lake, accepted)
        if fate.endswith("killed"):
            recent.close()
            recent = RecentIds(HORIZON)
            recent.restore(lake, S3Settings(), TOPIC, ends)
            assert found_only(recent, batch) == right
        if fate != "written, then killed" and accepted:
            write(lake, accepted)
        recent.commit()
        ends.update({partition: offset + 1 for partition, offset in sorted(event.place for event in batch)})
    recent.close()


@pytest.mark.parametrize("seed", range(3))
def test_what_an_interrupted_batch_wrote_stands_when_the_batches_are_cut_anew(used_lake, seed):
    """As when a checkpoint was lost: what is published and what the tables hold must be the same."""
    rng = random.Random(200 + seed)  # noqa: S311
    stream = random_stream(rng, 400)
    accepted, suppressed, published, ends = {}, {}, {}, {}
    recent, done = RecentIds(HORIZON), 0
    while done < len(stream):
        batch = stream[done : done + rng.randint(1, 60)]
        originals = {row[:2]: row[2:] for row in found_only(recent, batch) if row[3] is not None}
        for table, rows in (
            (accepted, [e for e in batch if e.place not in originals]),
            (suppressed, [e for e in batch if e.place in originals]),
        ):
            rows = [e for e in rows if e.place not in accepted and e.place not in suppressed]
            table.update({e.place: e for e in rows})
            if rows:
                write(used_lake, rows, None if table is accepted else [originals[e.place] for e in rows])
            if rng.random() < 0.1:  # killed before the next table, or before Kafka
                beyond = sorted((p, o) for p, o in {**accepted, **suppressed} if o >= ends.get(p, 0))
                doubtful = {partition: (ends.get(partition, 0), last + 1) for partition, last in beyond}
                recent.close()
                recent = RecentIds(HORIZON)
                recent.restore(used_lake, S3Settings(), TOPIC, ends, doubtful)
                break
        else:
            published.update({e.place: e for e in batch if e.place not in originals})
            recent.commit()
            ends.update({partition: offset + 1 for partition, offset in sorted(e.place for e in batch)})
            done += len(batch)
    recent.close()
    assert published == accepted
    assert len(accepted) + len(suppressed) == len(stream)


def test_an_event_that_the_tables_have_is_accepted_and_the_original_of_an_earlier_one(ids, used_lake):
    write(used_lake, [sent(1, 5)])
    write(used_lake, [sent(2, 6)], [(0, 5)])
    ids.restore(used_lake, S3Settings(), TOPIC, {0: 5}, {0: (5, 7)})
    batch = [sent(0, 0, partition=1), sent(1, 5), sent(2, 6), sent(3, 7)]
    assert found(ids, batch) == [(0, 6, 0, 5), (0, 7, 0, 5), (1, 0, 0, 5)]


def test_what_the_tables_have_as_dead_is_no_original_and_no_duplicate(ids, used_lake):
    """Rules have changed since a crash: offsets 6 and 7 were dead by the old ones, and are accepted by the new ones."""
    write(used_lake, [sent(1, 5)])
    write_dead(used_lake, [sent(2, 6), sent(3, 7, event_id=OTHER_ID)])
    ids.restore(used_lake, S3Settings(), TOPIC, {0: 5}, {0: (5, 8)})
    batch = [sent(1, 5), sent(2, 6), sent(3, 7, event_id=OTHER_ID), sent(4, 8, event_id=OTHER_ID), sent(5, 9)]
    assert found(ids, batch) == [(0, 9, 0, 5)]
    assert found(ids, [sent(6, 10, event_id=OTHER_ID)]) == [(0, 10, 0, 8)]


CHAIN = [sent(0, 0), sent(50, 1), sent(100, 2)]


@pytest.mark.parametrize("batches", [[CHAIN], [[event] for event in CHAIN], [CHAIN[:1], CHAIN[1:]]])
def test_a_duplicate_does_not_extend_the_horizon_of_its_original(ids, batches):
    assert [row for batch in batches for row in found(ids, batch)] == [(0, 1, 0, 0)]


@pytest.mark.parametrize(("seconds", "finds"), [(3600, [(0, 1, 0, 0)]), (3600.000001, [])])
def test_the_horizon_ends_at_the_microsecond(ids, seconds, finds):
    assert found(ids, [sent(0, 0), Sent(START + seconds, 0, 1)]) == finds


def test_the_original_may_have_arrived_later_than_a_re_send_in_a_slow_partition(ids):
    found(ids, [sent(30, 7)])
    assert found(ids, [sent(0, 0, partition=1)]) == [(1, 0, 0, 7)]


def test_the_first_of_a_batch_is_accepted_by_time_then_partition_then_offset(ids):
    batch = [sent(1, 9), sent(0, 5, partition=1), sent(0, 4, partition=1), sent(0, 6, partition=2)]
    assert found(ids, batch) == [(0, 9, 1, 4), (1, 5, 1, 4), (2, 6, 1, 4)]


def test_another_fingerprint_is_a_conflict_once_and_its_re_sends_are_duplicates(ids):
    found(ids, [sent(0, 0)])
    again = [sent(1, 1, fingerprint=2), sent(2, 2, fingerprint=2), sent(3, 3), sent(4, 4, fingerprint=3)]
    assert found(ids, again) == [(0, 1, None, None), (0, 2, 0, 1), (0, 3, 0, 0), (0, 4, None, None)]


def test_one_id_for_all_events_is_a_conflict_each_and_not_a_square(ids):
    batches = [[sent(0, k * 30_000 + n, fingerprint=k * 30_000 + n) for n in range(30_000)] for k in range(2)]
    assert [len(found(ids, batch)) for batch in batches] == [29_999, 30_000]


def test_finding_remembers_nothing(ids):
    batch = [sent(0, 0), sent(1, 1)]
    assert found_only(ids, batch) == found_only(ids, batch) == [(0, 1, 0, 0)]


def test_an_empty_batch_finds_nothing(ids):
    assert found(ids, []) == []


def test_a_horizon_of_zero_finds_nothing(lake):
    with closing(RecentIds(0)) as off:
        assert off.restore(lake, S3Settings(), TOPIC, {}) == 0
        assert found(off, [sent(0, 0), sent(0, 1)]) == []


def test_a_record_of_the_year_2100_hides_no_duplicate(ids):
    found(ids, [sent(0, 0), Sent(YEAR_2100, 0, 1, str(uuid.UUID(int=1)))])
    assert found(ids, [sent(1, 2)]) == [(0, 2, 0, 0)]


def test_the_index_does_not_grow_with_history(ids):
    for n in range(200):
        found(ids, [sent(n * 10, n * 50 + k, event_id=str(uuid.UUID(int=n * 50 + k))) for k in range(50)])
    assert ids.rows < 50 * 40


def test_an_index_that_forgot_reads_the_lake_again(ids, lake):
    write(lake, [sent(-600, 0, topic_id="other")])
    ids.restore(lake, S3Settings(), TOPIC, {})
    for n in range(30):
        event = sent(n * 60, n + 1, event_id=str(uuid.UUID(int=n)))
        assert found(ids, [event]) == []
        write(lake, [event])
    assert ids.rows < 30
    assert found(ids, [sent(10, 0, partition=1, event_id=str(uuid.UUID(int=0)))]) == [(1, 0, 0, 1)]
    assert found(ids, [sent(-590, 1, partition=1)]) == [(1, 1, 0, 0)]


@pytest.mark.parametrize(
    ("topic_id", "ends", "finds"),
    [
        (TOPIC, {0: 5}, []),
        (TOPIC, {0: 6}, [(0, 9, 0, 5)]),
        (TOPIC, {1: 6}, []),
        ("another", {0: 5}, [(0, 9, 0, 5)]),
    ],
)
def test_rows_that_are_not_delivered_everywhere_are_no_originals(ids, lake, topic_id, ends, finds):
    write(lake, [sent(0, 5, topic_id=topic_id)])
    ids.restore(lake, S3Settings(), TOPIC, ends)
    assert found(ids, [sent(1, 9)]) == finds


def test_a_restart_loads_what_is_near_the_newest_and_opens_no_older_file(ids, lake):
    write(lake, [sent(-300, 0)])
    (old,) = Path(lake.path(EVENTS)).glob("*/*.parquet")
    old.unlink()
    write(lake, [sent(0, 1), sent(1, 2, event_id=str(uuid.UUID(int=1)))])
    assert ids.restore(lake, S3Settings(), TOPIC, {0: 9}) == 2
    assert found(ids, [sent(2, 9)]) == [(0, 9, 0, 1)]


@pytest.mark.parametrize("minutes", [60, -60])
def test_the_lake_is_read_to_the_end_of_the_horizon_both_ways(ids, lake, minutes):
    write(lake, [sent(0, 0)])
    write(lake, [sent(900, 1)])
    ids.restore(lake, S3Settings(), TOPIC, {0: 9})
    assert found(ids, [sent(minutes, 9)]) == [(0, 9, 0, 0)]


def test_a_lake_without_events_is_named(ids, lake):
    with pytest.raises(ConfigurationError, match="has no table events"):
        ids.restore(lake, S3Settings(), TOPIC, {})


@pytest.mark.parametrize(
    ("numbers", "most", "expected"),
    [
        ({1, 2, 3}, 9, [(1, 3)]),
        ({1, 2, 5, 9}, 9, [(1, 2), (5, 5), (9, 9)]),
        ({1, 2, 5, 9}, 2, [(1, 5), (9, 9)]),
        ({1, 2, 5, 9}, 1, [(1, 9)]),
    ],
)
def test_spans_hold_all_numbers_and_leave_out_the_widest_gaps(numbers, most, expected):
    assert spans(numbers, most) == expected
