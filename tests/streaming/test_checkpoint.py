"""A checkpoint that Spark wrote, damaged in all the ways that disks, power cuts and people know.

Its files come from a real query (a rate source: no broker needed), the lines of its source are Kafka's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from damaged_checkpoints import DELETE, FOREIGN, MOVE_AWAY, only_batch_0, remove, write
from local_spark import local_spark
from pyspark.sql import SparkSession

from pipelines.checkpoint import Checkpoint, CheckpointState, command
from pipelines.cli import ConfigurationError

INITIAL = {"0": 0, "1": 3}
ENDS = ({"0": 2, "1": 4}, {"0": 5, "1": 4}, {"0": 7, "1": 4, "2": 1})
NEWEST_STARTS, NEWEST_ENDS = {0: 5, 1: 4, 2: 0}, {0: 7, 1: 4, 2: 1}


@pytest.fixture(scope="module")
def spark():
    running = SparkSession.getActiveSession()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = running or local_spark("local[1]").getOrCreate()
    yield session
    if running is None:
        session.stop()


@pytest.fixture(scope="module")
def written_by_spark(spark, tmp_path_factory):
    """Three committed batches of a rate source."""
    folder = tmp_path_factory.mktemp("rate")
    for _ in range(3):
        rates = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
        rates.writeStream.option("checkpointLocation", str(folder)).format("noop").trigger(
            once=True
        ).start().awaitTermination(60)
    return folder


@pytest.fixture
def folder(written_by_spark, tmp_path):
    """The same, of a Kafka source."""
    place = tmp_path / "check point"
    shutil.copytree(written_by_spark, place)
    for batch_id, ends in enumerate(ENDS):
        version, metadata, _ = (place / "offsets" / str(batch_id)).read_text().split("\n")
        write(place, f"offsets/{batch_id}", "\n".join([version, metadata, json.dumps({"raw": ends})]))
    write(place, "sources/0/0", "\0v1\n" + json.dumps({"raw": INITIAL}))
    return place


@pytest.fixture
def inspect(spark):
    return lambda folder: Checkpoint(spark, str(folder), "raw").inspect()


def refusal(inspect, folder: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        inspect(folder)
    message = refused.value.message
    assert f"CHECKPOINT_URI={folder}" in message
    assert "\n" not in message
    return message


def named_command(message: str) -> str:
    return re.search(r"\(((?:mv|rm -f) .*?)\)[.:]", message)[1]


def run(command: str) -> None:
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - the command that people are told to type


@pytest.mark.parametrize("damage", MOVE_AWAY)
def test_damage_is_named_and_the_folder_may_be_moved_away(inspect, folder, damage):
    do, said = MOVE_AWAY[damage]
    do(folder)
    message = refusal(inspect, folder)
    assert said in message
    run(named_command(message))
    assert inspect(folder) is None
    assert len(list(folder.parent.glob("check point.damaged-*"))) == 1


@pytest.mark.parametrize("damage", DELETE)
def test_damage_that_a_deletion_repairs_is_named_with_it(inspect, folder, damage):
    do, said = DELETE[damage]
    do(folder)
    message = refusal(inspect, folder)
    assert said in message
    run(named_command(message))
    repaired = inspect(folder)
    assert repaired is None or repaired.committed in {None, 1}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_folder_that_is_not_this_streams_is_named(inspect, folder, kind):
    do, said = FOREIGN[kind]
    do(folder)
    message = refusal(inspect, folder)
    assert said in message
    assert "mv " not in message


def test_a_sound_checkpoint_says_how_far_it_is(inspect, folder):
    generation = json.loads((folder / "metadata").read_text())["id"]
    assert inspect(folder) == CheckpointState(generation, 2, 2, NEWEST_STARTS, NEWEST_ENDS)


def test_a_batch_without_commit_is_open(inspect, folder):
    remove(folder, "commits/2")
    state = inspect(folder)
    assert (state.planned, state.committed, state.ends) == (2, 1, NEWEST_ENDS)


def test_without_its_newest_batch_a_checkpoint_is_sound_and_one_behind(inspect, folder):
    remove(folder, "offsets/2", "commits/2")
    state = inspect(folder)
    assert (state.planned, state.committed) == (1, 1)
    assert (state.starts, state.ends) == ({0: 2, 1: 4}, {0: 5, 1: 4})


def test_batch_0_begins_where_the_source_wrote_down(inspect, folder):
    only_batch_0(folder)
    assert inspect(folder).starts == {0: 0, 1: 3}


@pytest.mark.parametrize("begun", [True, False])
def test_before_the_first_batch_there_is_a_generation_and_perhaps_a_place(inspect, folder, begun):
    remove(folder, "offsets", "commits", *([] if begun else ["sources"]))
    state = inspect(folder)
    assert (state.planned, state.committed, state.ends) == (None, None, {})
    assert state.starts == ({0: 0, 1: 3} if begun else {})


def test_what_spark_does_not_read_is_no_damage(inspect, folder):
    write(folder, "offsets/0", "")
    write(folder, "commits/0", "garbage")
    remove(folder, "commits/1", "sources")
    (folder / "offsets" / ".3.5eed.tmp").touch()
    (folder / "offsets" / "..3.5eed.tmp.crc").touch()
    (folder / "offsets" / ".1.crc").touch()
    assert inspect(folder).planned == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_with_nothing_of_spark_in_it_is_a_new_checkpoint(inspect, tmp_path, is_there):
    if is_there:
        for name in ("offsets", "commits", "_control"):
            (tmp_path / "new" / name).mkdir(parents=True)
        (tmp_path / "new" / "_control" / "owner.json").write_text("{}")
    assert inspect(tmp_path / "new") is None


@pytest.mark.parametrize("scheme", ["", "file:", "file://"])
def test_what_a_planned_batch_covers(spark, folder, scheme):
    metadata = json.loads((folder / "offsets" / "2").read_text().split("\n")[1])
    covered = {0: (5, 7), 1: (4, 4), 2: (0, 1)}
    assert Checkpoint(spark, f"{scheme}{folder}", "raw").planned(2) == (metadata["batchTimestampMs"], covered)


def test_what_batch_0_covers(spark, folder):
    assert Checkpoint(spark, str(folder), "raw").planned(0)[1] == {0: (0, 2), 1: (3, 4)}


def test_a_planned_batch_that_cannot_be_read_is_named(spark, folder):
    write(folder, "offsets/1", "")
    with pytest.raises(ConfigurationError, match="offsets/1 is empty"):
        Checkpoint(spark, str(folder), "raw").planned(1)


def test_a_checkpoint_moved_away_is_whole_and_leaves_the_owner_behind(spark, inspect, folder):
    (folder / "_control").mkdir()
    state = inspect(folder)
    moved = Checkpoint(spark, f"{folder}/", "raw").move_away()
    assert moved.startswith(f"{folder}.replaced-")
    assert inspect(moved) == state
    assert [left.name for left in folder.iterdir()] == ["_control"]


def test_a_place_that_no_file_system_knows_is_one_line(spark):
    with pytest.raises(ConfigurationError, match="CHECKPOINT_URI=gopher://x/y cannot be used"):
        Checkpoint(spark, "gopher://x/y", "raw").inspect()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("/a b/c", "mv '/a b/c' '/a b/c.damaged'"),
        ("file:/a", "mv /a /a.damaged"),
        ("file:///a", "mv /a /a.damaged"),
        ("hdfs://name/a", "hadoop fs -mv hdfs://name/a hdfs://name/a.damaged"),
    ],
)
def test_repairs_are_commands_of_the_file_system(uri, said):
    assert command(uri, "mv", ["", ".damaged"]) == said
