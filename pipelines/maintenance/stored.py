"""What lies in a table's folder, whether its log names it or not."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.clients import S3Settings, split_s3_uri
from pipelines.lake import Lake
from pipelines.s3_problems import S3_ERRORS, s3_problem

_AT_ONCE = 16


class StoredFiles:
    """The files of a lake, on S3 or in a folder. Raises ConfigurationError where S3 refuses."""

    def __init__(self, place: Lake, s3: S3Settings) -> None:
        """Nothing is asked yet."""
        self._place = place
        self._s3 = s3

    def of(self, table: str) -> dict[str, int]:
        """Path relative to the table → bytes."""
        uri = self._place.path(table)
        s3_place = split_s3_uri(uri)
        if s3_place is None:
            folder = _folder(uri)
            return {str(f.relative_to(folder)): f.stat().st_size for f in folder.rglob("*") if f.is_file()}
        bucket, prefix = s3_place
        try:
            pages = self._s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
            objects = [each for page in pages for each in page.get("Contents", [])]
        except S3_ERRORS as error:
            raise s3_problem(error, uri, bucket, self._s3.endpoint, "list") from error
        return {each["Key"].removeprefix(f"{prefix}/"): int(each["Size"]) for each in objects}

    def remove(self, table: str, paths: Iterable[str]) -> None:
        """Remove files of a table; those that are gone already are no problem."""
        uri = self._place.path(table)
        s3_place = split_s3_uri(uri)
        if s3_place is None:
            for path in paths:
                (_folder(uri) / path).unlink(missing_ok=True)
            return
        bucket, prefix = s3_place
        try:
            client = self._s3.client()
            # One by one: S3Proxy does not take the checksum that a request to delete many must have.
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(lambda path: client.delete_object(Bucket=bucket, Key=f"{prefix}/{path}"), paths))
        except S3_ERRORS as error:
            raise s3_problem(error, uri, bucket, self._s3.endpoint, "delete") from error


def _folder(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))
