"""Spark's checkpoint as this project sees it."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession


class OffsetLog:
    """Spark's log of planned batches, ``<checkpoint>/offsets``: what a batch covers, before it is written.

    Format: https://github.com/apache/spark, OffsetSeqLog: a version line, the batch's metadata as JSON, then one
    line per source; a Kafka source's line is ``{"topic": {"partition": next offset}}``.
    """

    def __init__(self, spark: SparkSession, checkpoint: str, topic: str) -> None:
        self._spark = spark
        self._checkpoint = checkpoint.rstrip("/")
        self._topic = topic

    def planned(self, batch_id: int) -> tuple[int, dict[int, tuple[int, int]]]:
        """(time of planning in ms since the epoch, partition → [start, end)) of a planned batch."""
        metadata, ends = self._read(batch_id)
        starts = self._read(batch_id - 1)[1] if batch_id > 0 else self._initial()
        return int(metadata["batchTimestampMs"]), {p: (starts.get(p, 0), end) for p, end in sorted(ends.items())}

    def _read(self, batch_id: int) -> tuple[dict[str, Any], dict[int, int]]:
        _, metadata, offsets = self._text(f"{self._checkpoint}/offsets/{batch_id}").split("\n")[:3]
        return json.loads(metadata), self._offsets(offsets)

    def _initial(self) -> dict[int, int]:
        """Where the first batch starts; the source writes it down once."""
        return self._offsets(self._text(f"{self._checkpoint}/sources/0/0").split("\n")[1])

    def _offsets(self, line: str) -> dict[int, int]:
        return {int(p): int(offset) for p, offset in json.loads(line).get(self._topic, {}).items()}

    def _text(self, path: str) -> str:
        """A small file through Hadoop: the checkpoint may be on any file system that Spark knows."""
        jvm: Any = self._spark._jvm
        place = jvm.org.apache.hadoop.fs.Path(path)
        stream = place.getFileSystem(self._spark._jsc.hadoopConfiguration()).open(place)
        try:
            return bytes(jvm.org.apache.commons.io.IOUtils.toByteArray(stream)).decode("utf-8").lstrip("\0")
        finally:
            stream.close()
