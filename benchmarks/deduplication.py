"""What finding re-sends costs per batch, by design: ``python -m benchmarks.deduplication`` (Linux).

driver  pipelines/recent_ids.py: ids to the driver, DuckDB, the finds back as a frame
lake    a join of the batch's ids with the Delta table `events`, pruned by received_at
cached  the accepted ids of the horizon as persisted Spark frames, merged every ten batches
state   Spark's state store (RocksDB): dropDuplicatesWithinWatermark over received_at, on ids only

Only the first tells conflicts and bears a record from the future; the others are sketches of their cost. Means per
batch, marking the rows not included. CPU seconds, of Python and JVM, depend little on what else the machine does.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import click
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.cli import CONTEXT_SETTINGS
from pipelines.clients import S3Settings
from pipelines.lake import EVENTS, Lake
from pipelines.recent_ids import RecentIds
from pipelines.session import start_session

HORIZON = 3600
NEWEST = 1_772_366_400  # seconds
PARTITIONS = 6
RE_SENT = 100  # one in so many is a re-send
IDS, TIMED = ["event_id", "event_fingerprint"], ["event_id", "event_fingerprint", "received_at"]
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


class Seconds(NamedTuple):
    """By the clock, and of processors."""

    wall: float
    cpu: float


# Of each batch; bytes per id that stay; of a start until the ids of the horizon are there.
Cost = tuple[list[Seconds], float, Seconds]


def stopwatch(spark: SparkSession) -> Callable[[], Seconds]:
    """Start; what it returns tells the time since then."""

    def now() -> tuple[float, float]:
        ticks = Path(f"/proc/{jvm}/stat").read_text().rpartition(")")[2].split()[11:13]
        return time.perf_counter(), time.process_time() + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    spark_jvm: Any = spark._jvm
    jvm = spark_jvm.java.lang.ProcessHandle.current().pid()
    start = now()
    return lambda: Seconds(*(after - before for before, after in zip(start, now(), strict=True)))


def events(numbers: DataFrame, received_at: str) -> DataFrame:
    """The columns of `events` that matter here, for a column `n`: one event per number, the same one each time."""
    event_id = r"regexp_replace(md5(string(n)), '(.{8})(.{4})(.{4})(.{4})(.{12})', '$1-$2-$3-$4-$5')"
    when = f"timestamp_micros(bigint(({received_at}) * 1e6)) received_at", "date(received_at) load_date"
    place = f"int(id % {PARTITIONS}) kafka_partition", f"id div {PARTITIONS} kafka_offset", "'topic-id' kafka_topic_id"
    return numbers.selectExpr(f"{event_id} event_id", "xxhash64(n) event_fingerprint", *when, *place)


def batches(spark: SparkSession, history: int, size: int, rounds: int) -> Iterator[DataFrame]:
    """Batches that follow `history` events; one event in a hundred is a re-send of one of those. Persisted."""
    for start in range(history, history + rounds * size, size):
        re_sent = f"if(id % {RE_SENT} = 0, (id div {RE_SENT}) % {history}, id) n"
        ids = spark.range(start, start + size, 1, PARTITIONS).selectExpr("id", re_sent)
        batch = events(ids, str(NEWEST)).persist()
        batch.count()
        yield batch
        batch.unpersist()


def measured(frames: Iterator[DataFrame], find: Callable[[DataFrame], int], size: int) -> list[Seconds]:
    """What each batch takes; the first one warms up. Fails unless the re-sends were found."""
    seconds = []
    for batch in frames:
        elapsed = stopwatch(batch.sparkSession)
        found = find(batch)
        seconds.append(elapsed())
        if found != size // RE_SENT:
            raise RuntimeError(f"{found} re-sends found instead of {size // RE_SENT}")
    return seconds[1:]


def driver(spark: SparkSession, lake: Lake, history: int, size: int, rounds: int) -> Cost:
    """The index that the job uses."""

    def find(batch: DataFrame) -> int:
        found = recent.find(batch.select(*TIMED, "kafka_partition", "kafka_offset").toArrow())
        spark.createDataFrame(found)
        recent.commit()
        return int(found.num_rows)

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with closing(RecentIds(HORIZON)) as recent:
        held, elapsed = resident(), stopwatch(spark)
        recent.restore(lake, S3Settings(), "topic-id", dict.fromkeys(range(PARTITIONS), history))
        fill, stored = elapsed(), resident() - held
        return measured(batches(spark, history, size, rounds), find, size), stored / history, fill


def lake_join(spark: SparkSession, lake: Lake, history: int, size: int, rounds: int) -> Cost:
    """Nothing is kept: each batch asks the table."""

    def find(batch: DataFrame) -> int:
        in_reach = f"received_at >= timestamp_seconds({NEWEST - HORIZON})"
        accepted = spark.read.format("delta").load(lake.path(EVENTS)).where(in_reach)
        return accepted.select(*IDS).join(F.broadcast(batch.select(*IDS)), IDS).count()

    return measured(batches(spark, history, size, rounds), find, size), 0, Seconds(0, 0)


def cached(spark: SparkSession, lake: Lake, history: int, size: int, rounds: int) -> Cost:
    """Frames in Spark's cache; what is older than the horizon would go when they are merged."""

    def find(batch: DataFrame) -> int:
        index = frames[0]
        for frame in frames[1:]:
            index = index.union(frame)
        found = index.join(F.broadcast(batch.select(*IDS)), IDS).select(*IDS).localCheckpoint()
        frames.append(batch.select(*TIMED).join(F.broadcast(found), IDS, "left_anti").localCheckpoint())
        if len(frames) > 10:
            frames[:] = [index.union(frames[-1]).coalesce(PARTITIONS).localCheckpoint()]
        return found.count()

    elapsed = stopwatch(spark)
    frames = [spark.read.format("delta").load(lake.path(EVENTS)).select(*TIMED).localCheckpoint()]
    fill = elapsed()
    stored = sum(rdd.memSize() + rdd.diskSize() for rdd in spark._jsc.sc().getRDDStorageInfo())
    return measured(batches(spark, history, size, rounds), find, size), stored / history, fill


def state(spark: SparkSession, lake: Lake, history: int, size: int, rounds: int) -> Cost:
    """A stream of id files, the history first: that batch fills the store."""
    steps: list[Seconds] = []
    with tempfile.TemporaryDirectory() as folder:
        past = spark.read.format("delta").load(lake.path(EVENTS)).select(*TIMED)
        past.coalesce(1).write.parquet(f"{folder}/ids")
        for batch in batches(spark, history, size, rounds):
            batch.select(*TIMED).coalesce(1).write.mode("append").parquet(f"{folder}/ids")
        watches = [stopwatch(spark)]

        def step(kept: DataFrame, batch_id: int) -> None:
            kept.count()
            steps.append(watches.pop()())
            watches.append(stopwatch(spark))

        ids = spark.readStream.schema(past.schema).option("maxFilesPerTrigger", 1).parquet(f"{folder}/ids")
        kept = ids.withWatermark("received_at", f"{HORIZON} seconds").dropDuplicatesWithinWatermark(IDS)
        stream = kept.writeStream.option("checkpointLocation", f"{folder}/checkpoint").foreachBatch(step)
        query: Any = stream.trigger(availableNow=True).start()
        query.awaitTermination()
        stored = query.lastProgress.stateOperators[0].customMetrics["rocksdbSstFileSize"]
    return steps[2 : rounds + 1], stored / history, steps[0]


DESIGNS = {"driver": driver, "lake": lake_join, "cached": cached, "state": state}


@click.command(context_settings=CONTEXT_SETTINGS, help=(__doc__ or "").replace("driver ", "\b\ndriver ", 1))
@click.option("--history", type=int, multiple=True, default=(360_000, 3_600_000), help="Ids within the horizon.")
@click.option("--size", type=int, multiple=True, default=(10_000, 50_000), help="Ids per batch.")
@click.option("--rounds", default=12, help="Batches per case; the first one warms up.")
@click.option("--design", type=click.Choice(list(DESIGNS)), multiple=True, default=tuple(DESIGNS), help="Which.")
def main(history: tuple[int, ...], size: tuple[int, ...], rounds: int, design: tuple[str, ...]) -> None:
    spark = start_session("benchmark-deduplication", S3Settings())
    spark.conf.set("spark.sql.streaming.stateStore.providerClass", ROCKSDB)
    click.echo("| design | ids in the horizon | batch | s | CPU s | ids/s | ids/CPU s | bytes/id | fill s | CPU s |")
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for ids in history:
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(folder)
            past = spark.range(0, ids, 1, 24).selectExpr("id", "id n")  # each file an equal part of the horizon
            rows = events(past, f"{NEWEST} - {HORIZON} + id * {HORIZON} div {ids}")
            rows.write.format("delta").partitionBy("load_date").save(lake.path(EVENTS))
            for name, count in product(design, size):
                each, per_id, fill = DESIGNS[name](spark, lake, ids, count, rounds)
                wall, cpu = (statistics.fmean(seconds) for seconds in zip(*each, strict=True))
                times = f"{wall:.2f} | {cpu:.2f} | {count / wall:,.0f} | {count / cpu:,.0f} | {per_id:.0f}"
                click.echo(f"| {name} | {ids:,} | {count:,} | {times} | {fill.wall:.1f} | {fill.cpu:.1f} |")
    spark.stop()


if __name__ == "__main__":
    main()
