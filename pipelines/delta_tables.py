"""The lake's tables for programs without Spark, opened by delta-rs, each at its newest version."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings, split_s3_uri
from pipelines.lake import Lake
from pipelines.preflight import check_lake


class MissingTableError(ConfigurationError):
    """There is no such table: the job has not made it yet, or the lake is another one."""


def open_tables(place: Lake, s3: S3Settings, names: Iterable[str]) -> dict[str, DeltaTable]:
    """The named tables, opened in that order.

    Raises ConfigurationError where the lake or one of them cannot be found or read.
    """
    if split_s3_uri(place.uri) is not None:
        check_lake(place.uri, s3)
    elif not Path(place.uri.removeprefix("file:")).is_dir():
        raise MissingTableError(f"LAKE_URI={place.uri}: there is no such folder.")
    return {name: open_table(place, s3, name) for name in names}


def open_table(place: Lake, s3: S3Settings, name: str) -> DeltaTable:
    """One table, without a look at the lake around it. Raises ConfigurationError as `open_tables` does."""
    options = s3.for_deltalake() if split_s3_uri(place.uri) else None
    try:
        with s3.trust_of_deltalake():
            return DeltaTable(place.delta_rs_path(name), storage_options=options)
    except TableNotFoundError as error:
        raise MissingTableError(
            f"LAKE_URI={place.uri} has no table {name}: correct it, or run pipelines/enrich.py first."
        ) from error
    except (DeltaError, OSError) as error:
        raise ConfigurationError(
            f"LAKE_URI={place.uri}: table {name} cannot be read ({type(error).__name__})."
        ) from error
