"""Commits as the job makes them, and what `read_ledger` says of them, in a process of its own: FOLDER as the argument.

Writes FOLDER/<case>.json for each case: the ledger as plain values.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import shutil
import sys
from pathlib import Path

import deltalake
from delta.tables import DeltaTable

from pipelines import schemas, sinks, sources
from pipelines.clients import S3Settings
from pipelines.lake import BATCH_AUDIT, EVENTS, Lake
from pipelines.ledger import Ledger
from pipelines.maintenance.steps import merge
from pipelines.session import start_session
from pipelines.starting import Gap, after
from pipelines.transforms.batches import Batch

TOPIC, TOPIC_ID = "raw", "t"
S3 = S3Settings()
FIRST = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)


def batch(number: int, start: int, end: int, generation: str = "g") -> Batch:
    return Batch(generation, number, 0, TOPIC_ID, {0: (start, end), 1: (7, 7)}, "1", "r")


class Case:
    """A lake of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lake = Lake(str(folder / name))
        self.ledger = Ledger()
        self.minutes = 0
        shutil.copytree(folder / "empty", folder / name)

    def write_events(self, batch: Batch) -> None:
        """A commit to `events`, without rows."""
        entry = self.ledger.entry(batch, TOPIC)
        rows = spark.createDataFrame([], schemas.EVENTS)
        sinks.append(rows, self.lake, EVENTS, dataclasses.replace(entry, doubtful={}))

    def audit(self, batch: Batch) -> None:
        """A row of `batch_audit`."""
        row = {
            "generation": batch.generation,
            "batch_id": batch.batch_id,
            "processed_at": self.now(),
            "kafka_topic": TOPIC,
            "kafka_topic_id": TOPIC_ID,
            "offsets": batch.offsets,
            "kind": "batch",
        }
        sinks.append_audit(self.lake, S3, row, self.ledger.entry(batch, TOPIC))
        self.ledger = self.ledger.after(batch, TOPIC)

    def now(self) -> datetime.datetime:
        self.minutes += 1
        return FIRST + datetime.timedelta(minutes=self.minutes)

    def forget_commits(self) -> None:
        """The log forgets, as it does with time: all that is not of the job's newest checkpoint goes."""
        path = self.lake.path(BATCH_AUDIT)
        spark.createDataFrame([], schemas.BATCH_AUDIT).write.format("delta").mode("append").save(path)
        deltalake.DeltaTable(path).create_checkpoint()
        *old, _ = sorted((Path(path) / "_delta_log").glob("*.json"))
        for commit in old:
            commit.unlink()
            commit.with_name(f".{commit.name}.crc").unlink(missing_ok=True)
        spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()

    def tell(self) -> None:
        found = sources.read_ledger(self.lake, S3, TOPIC, TOPIC_ID)
        (folder / f"{self.name}.json").write_text(json.dumps(dataclasses.asdict(found)))
        shutil.rmtree(folder / self.name)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    spark = start_session("kept-ledgers", S3)
    sinks.ensure_tables(spark, Lake(str(folder / "empty")))

    case = Case("fresh")
    case.tell()

    case = Case("many_commits_later")
    case.audit(batch(0, 0, 10))
    case.write_events(batch(1, 10, 500))  # cut short
    case.ledger = sources.read_ledger(case.lake, S3, TOPIC, TOPIC_ID)
    for number in range(11):
        following = batch(number, 10 * number + 10, 10 * number + 20, "new")
        case.write_events(following)
        case.audit(following)
    case.tell()

    case = Case("forgotten")
    case.audit(batch(0, 0, 10))
    case.audit(batch(1, 10, 30))
    case.forget_commits()
    case.tell()

    case = Case("forgotten_behind_a_gap")
    case.audit(batch(0, 0, 10))
    kafka = {0: (25, 90), 1: (7, 9)}
    gap = Gap(TOPIC_ID, {0: (10, 25)}, "for a test")
    sinks.append_gap(case.lake, S3, gap, after(gap, case.ledger, TOPIC, TOPIC_ID, kafka), case.now())
    case.forget_commits()
    case.tell()

    for name in ("restored", "restored_and_merged", "restored_and_continued"):
        case = Case(name)
        case.audit(batch(0, 0, 10))
        case.audit(batch(1, 10, 20))
        version = DeltaTable.forPath(spark, case.lake.path(BATCH_AUDIT)).history(1).first().version
        case.audit(batch(2, 20, 30))
        DeltaTable.forPath(spark, case.lake.path(BATCH_AUDIT)).restoreToVersion(version)
        if name == "restored_and_continued":
            case.ledger = sources.read_ledger(case.lake, S3, TOPIC, TOPIC_ID)
            case.audit(batch(0, 20, 25, "new"))
        if name != "restored":
            assert merge(deltalake.DeltaTable(case.lake.path(BATCH_AUDIT)), None) > 0
            spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
        case.tell()

    case = Case("ledger_lost")
    case.write_events(batch(4, 40, 50))
    case.tell()
    spark.stop()
