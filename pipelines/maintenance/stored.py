"""What lies in a table's folder, whether its log names it or not."""

from __future__ import annotations

from pathlib import Path

from pipelines.clients import S3Settings, split_s3_uri
from pipelines.lake import Lake


def stored_files(place: Lake, s3: S3Settings, table: str) -> dict[str, int]:
    """Path relative to the table → bytes."""
    s3_place = split_s3_uri(place.path(table))
    if s3_place is None:
        folder = Path(place.path(table).removeprefix("file://"))
        return {str(f.relative_to(folder)): f.stat().st_size for f in folder.rglob("*") if f.is_file()}
    bucket, prefix = s3_place
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    return {
        each["Key"].removeprefix(f"{prefix}/"): int(each["Size"]) for page in pages for each in page.get("Contents", [])
    }
