"""The lake's place, as all parts of the job spell it."""

from __future__ import annotations

import pytest

from pipelines.cli import ConfigurationError
from pipelines.lake import Lake


@pytest.mark.parametrize(
    ("given", "events"),
    [
        ("s3a://bucket", "s3a://bucket/events"),
        ("s3://bucket/shop/", "s3a://bucket/shop/events"),
        (" s3a://bucket\n", "s3a://bucket/events"),
        ("S3A://bucket", "s3a://bucket/events"),
        ("/data/lake/", "/data/lake/events"),
        ("file:///data/lake", "file:///data/lake/events"),
    ],
)
def test_a_place_has_one_spelling(given, events):
    assert Lake(given).path("events") == events


def test_a_relative_folder_is_the_one_below_where_the_program_was_started(tmp_path, monkeypatch):
    """Spark takes the path of a table only if it is absolute."""
    monkeypatch.chdir(tmp_path)
    assert Lake("lake").path("events") == f"{tmp_path}/lake/events"


@pytest.mark.parametrize(
    "uri", ["", " ", "hdfs://name/lake", "gs://bucket", "https://bucket.example", "s3a://", "s3:///shop"]
)
def test_a_place_that_not_all_parts_can_reach_is_refused(uri):
    with pytest.raises(ConfigurationError, match="LAKE_URI"):
        Lake(uri)
