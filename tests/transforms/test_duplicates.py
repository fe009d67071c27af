"""Re-sends from outcomes to the index and back: which rows and records there are then, and which are not."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import pytest
from builders import Raw, event
from pyspark.sql import DataFrame

from pipelines import schemas
from pipelines.recent_ids import RecentIds
from pipelines.transforms.duplicates import FOUND, accepted_ids, with_duplicates
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes
from pipelines.transforms.records import sink_records
from pipelines.transforms.rows import dead_letter_rows, duplicate_rows, event_rows, with_dead_letter

ID = event()["event_id"]
OTHER = "00000000-0000-4000-8000-00000000000a"


def unusual(fields, **changes):
    """An event with so many unknown fields, each of which is a warning."""
    return event(**{f"field_{n:02}": 1 for n in range(fields)}, **changes)


# name → raw record; the offset is its place here
RECORDS = {
    "the original": Raw(event(), partition=1),
    "a re-send": Raw(event(event_id=ID.upper(), sent_at="2026-03-01T12:00:00Z"), received_at="2026-03-01T12:30:00Z"),
    "another event": event(event_id=OTHER),
    "a dead re-send": event(event_time="x"),
    "a conflict": Raw(event(user_id="someone"), received_at="2026-03-01T12:31:00Z"),
    "without a time": Raw(event(), received_at=None),
    "out of the horizon": Raw(event(), received_at="2026-03-01T13:00:00.001Z"),
    "19 and a conflict": unusual(19, event_id=OTHER, user_id="19"),
    "20 and a conflict": unusual(20, event_id=OTHER, user_id="20"),
    "25 and a conflict": unusual(25, event_id=OTHER, user_id="25"),
}
NAMES = list(RECORDS)


@pytest.fixture(scope="module")
def outcomes(spark, reference) -> DataFrame:
    records = [record if isinstance(record, Raw) else Raw(record) for record in RECORDS.values()]
    rows = [record.row(offset) for offset, record in enumerate(records)]
    raw = spark.createDataFrame(rows, schemas.RAW_RECORD).coalesce(1)
    return to_outcomes(raw, Rules(EnrichmentRules(reference))).cache()


@pytest.fixture(scope="module")
def marked(spark, outcomes, batch) -> DataFrame:
    """The outcomes after a look into an empty index."""
    with closing(RecentIds(3600)) as recent:
        found = spark.createDataFrame(recent.find(accepted_ids(outcomes).toArrow()))
    assert found.schema == FOUND
    return with_dead_letter(with_duplicates(outcomes, found), batch).cache()


@pytest.fixture(scope="module")
def parts(marked, batch) -> dict[str, list[Any]]:
    """Part → its rows."""
    return {
        "events": event_rows(marked, batch).collect(),
        "duplicates": duplicate_rows(marked, batch).collect(),
        "dead_letters": dead_letter_rows(marked, batch).collect(),
        "records": sink_records(marked, batch, "enriched", "dead").collect(),
    }


def names(rows):
    return [NAMES[row.kafka_offset] for row in rows]


def warnings(parts, name):
    (row,) = [row for row in parts["events"] if NAMES[row.kafka_offset] == name]
    return [(warning.path, warning.keyword) for warning in row.warnings or []]


def test_only_the_ids_of_accepted_records_are_asked_for(outcomes):
    asked = accepted_ids(outcomes).collect()
    assert names(asked) == [name for name in NAMES if name not in {"a dead re-send", "without a time"}]
    assert {row.event_id for row in asked} == {ID, OTHER}


def test_a_re_send_is_a_row_of_duplicates_that_names_the_original(parts, batch):
    (row,) = parts["duplicates"]
    assert names([row]) == ["a re-send"]
    assert (row.first_partition, row.first_offset) == (1, NAMES.index("the original"))
    assert (row.event_id, row.batch_id) == (ID.upper(), batch.batch_id)
    assert row.asDict().keys() == set(schemas.DUPLICATES.names)


def test_a_re_send_is_no_event_and_no_dead_letter_and_leaves_for_no_topic(parts):
    assert names(parts["events"]) == [name for name in NAMES if name not in {"a re-send", "a dead re-send"}]
    assert names(parts["dead_letters"]) == ["a dead re-send"]
    places = [next(bytes(h.value) for h in row.headers if h.key == "source.offset") for row in parts["records"]]
    assert [NAMES[int(place)] for place in places] == [name for name in NAMES if name != "a re-send"]


def test_a_conflict_is_accepted_with_a_warning(parts):
    assert warnings(parts, "a conflict") == [("event_id", "event_id_conflict")]


def test_the_original_has_no_warning(parts):
    assert warnings(parts, "the original") == []


@pytest.mark.parametrize(("fields", "last"), [(19, ("field_18", "unknown_field")), (20, ("", "more"))])
def test_the_warning_of_a_conflict_comes_first_and_within_the_limit(parts, fields, last):
    listed = warnings(parts, f"{fields} and a conflict")
    assert len(listed) == 20
    assert (listed[0], listed[-1]) == (("event_id", "event_id_conflict"), last)


@pytest.mark.parametrize(("fields", "rest"), [(20, "2 more warnings"), (25, "7 more warnings")])
def test_the_last_warning_counts_what_had_no_room(parts, fields, rest):
    (row,) = [row for row in parts["events"] if NAMES[row.kafka_offset] == f"{fields} and a conflict"]
    assert row.warnings[-1].message == rest


def test_no_row_is_shuffled_or_sorted(outcomes, spark):
    found = spark.createDataFrame([(0, 1, 0, 0)], FOUND)
    plan = with_duplicates(outcomes, found)._jdf.queryExecution().executedPlan().toString()
    assert "BroadcastHashJoin" in plan
    assert not re.search(r"\b(Exchange|Sort|SortMergeJoin)\b", plan)


def test_nothing_found_is_no_join(outcomes):
    unmarked = with_duplicates(outcomes, None)
    assert "Join" not in unmarked._jdf.queryExecution().executedPlan().toString()
    assert unmarked.where("duplicate_of is null").count() == len(RECORDS)
    assert unmarked.schema["duplicate_of"].dataType.names == ["first_partition", "first_offset"]
