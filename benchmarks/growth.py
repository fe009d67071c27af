"""What gets dearer with size: partitions, the backlog, commits that the table has already."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from benchmarks.corpus import Corpus
from benchmarks.drain import Place, drain, fresh_place
from benchmarks.expected import expect
from benchmarks.ground import BUCKET, RAW, Ground, Loaded
from benchmarks.systems import System
from pipelines.cli import RunFailed

Row = dict[str, Any]
BEHIND = 50  # commits since the checkpoint


def after_commits(
    ground: Ground,
    system: System,
    count: int,
    commits: tuple[int, ...],
    say: Callable[[str], None],
    *,
    cores: Sequence[int],
    limit_seconds: float,
) -> dict[str, Row]:
    """The cost of `count` events after so many earlier commits to `events`: "100" → figures, …

    The job makes its tables; somebody else's tiny appends follow (delta-rs, one row each); then it is started again,
    with its checkpoint, for the next events.
    """
    topic = f"raw-commits-{system.id}"
    ground.create_topic(topic, 6, RAW)
    found: dict[str, Row] = {}
    loaded = _more(ground, topic, Corpus(2_000, seed=21), None)
    with fresh_place(ground, loaded, system) as place:
        _drained(system, place, say, cores, limit_seconds)
        strangers = 0
        for number, wanted in enumerate(commits):
            say(f"  {wanted - strangers:,} commits of somebody else …")
            append_tiny(ground, place, strangers, wanted)
            place.sinks.table.look()
            place.sinks.table.rows -= wanted - strangers  # not the system's
            strangers = wanted
            place.loaded = _more(ground, topic, Corpus(count, seed=22 + number), place.loaded)
            found[str(wanted)] = _drained(system, place, say, cores, limit_seconds, count)
    ground.delete_topics(topic)
    return found


def append_tiny(ground: Ground, place: Place, start: int, end: int) -> None:
    """Commits of one row each to `events`, like one of its rows but from another topic.

    The first is an append of delta-rs; the others are copies of it, file and commit, as thousands of appends would take
    many minutes. delta-rs's checkpoint is as far behind as it would be: it makes one every hundred commits.
    """
    prefix, options = f"{place.sinks.prefix}/events", ground.s3.for_deltalake()
    table = DeltaTable(f"s3://{BUCKET}/{prefix}", storage_options=options)
    row = table.to_pyarrow_table().slice(0, 1)
    for name, text in (("event_id", f"eeeeeeee-0000-4000-8000-{start:012d}"), ("kafka_topic_id", "elsewhere")):
        if name in row.column_names:
            field = row.schema.field(name)
            row = row.set_column(row.column_names.index(name), field, pa.array([text], field.type))
    write_deltalake(table, row, mode="append")
    version = table.version()
    commit = ground.read(f"{prefix}/_delta_log/{version:020d}.json").decode()
    path = next(json.loads(line)["add"]["path"] for line in commit.splitlines() if '"add"' in line)
    data = ground.read(f"{prefix}/{urllib.parse.unquote(path)}")

    def copy(number: int) -> None:
        folder, _, name = path.rpartition("/")
        fresh = f"{folder}/copy-{number}-{name}".lstrip("/")
        ground.client.put_object(Bucket=BUCKET, Key=f"{prefix}/{urllib.parse.unquote(fresh)}", Body=data)
        key = f"{prefix}/_delta_log/{number:020d}.json"
        ground.client.put_object(Bucket=BUCKET, Key=key, Body=commit.replace(path, fresh).encode())

    last = version + end - start
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(copy, range(version + 1, last - BEHIND)))
        DeltaTable(f"s3://{BUCKET}/{prefix}", storage_options=options).create_checkpoint()
        list(pool.map(copy, range(last - BEHIND, last)))


def _more(ground: Ground, topic: str, corpus: Corpus, before: Loaded | None) -> Loaded:
    """The topic with the corpus's events too, and what must become of all of it (counts, not contents)."""
    corpus.make()
    ground.produce(topic, corpus.lines())
    fresh = expect(value for _, value in corpus.lines())
    if before is None:
        return Loaded(topic, 6, corpus.count, fresh, "")
    known = before.expected
    known.events.extend(fresh.events)
    known.dead.update(fresh.dead)
    known.reasons.update(fresh.reasons)
    return Loaded(topic, 6, before.count + corpus.count, known, "")


def _drained(
    system: System,
    place: Place,
    say: Callable[[str], None],
    cores: Sequence[int],
    limit_seconds: float,
    count: int | None = None,
) -> Row:
    run = drain(system, place, say, cores=cores, limit_seconds=limit_seconds, check=False, count=count)
    if run.figures is None:
        raise RunFailed(run.problem or "no figures")
    return run.figures.as_json()
