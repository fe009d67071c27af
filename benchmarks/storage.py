"""Bytes per event in the lake, beside what delta-rs makes of the same rows and columns."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from deltalake import WriterProperties, write_deltalake

from benchmarks.drain import Place
from benchmarks.gate import lake_table
from benchmarks.ground import BUCKET, Ground


def bytes_per_event(ground: Ground, place: Place) -> dict[str, Any]:
    """Of the table `events` of a run: data and log, and data as delta-rs writes it (zstd 3, as many rows a commit)."""
    prefix = f"{place.sinks.prefix}/events/"
    rows = place.loaded.expected.events.height
    table = lake_table(ground, place.sinks.prefix)
    again = f"{place.sinks.prefix}/events-again"
    properties = WriterProperties(compression="ZSTD", compression_level=3)
    commits = [rows for _, rows, _ in place.sinks.table.versions.values() if rows]
    for start, count in zip(accumulate(commits, initial=0), commits, strict=False):
        write_deltalake(
            f"s3://{BUCKET}/{again}",
            table.slice(start, count),
            mode="append",
            storage_options=ground.s3.for_deltalake(),
            writer_properties=properties,
            partition_by=["load_date"] if "load_date" in table.column_names else None,
        )
    data, log = _sizes(ground, prefix)
    theirs, _ = _sizes(ground, f"{again}/")
    return {
        "bytes": data / rows, "log_bytes": log / rows, "delta_rs_bytes": theirs / rows, "ratio": data / theirs,
        "columns": table.num_columns, "events": rows,
    }  # fmt: skip


def _sizes(ground: Ground, prefix: str) -> tuple[int, int]:
    """(bytes of data files, bytes of the log)."""
    data = log = 0
    for key, size in ground.objects(prefix):
        if "/_delta_log/" in key:
            log += size
        else:
            data += size
    return data, log
