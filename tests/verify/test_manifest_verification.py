"""verify finds what the generator injected and the pipeline got wrong."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from rich.console import Console
from verified_rows import LATE, TOPIC_ID, dead_letter_row, manifest_row, raw_record, value_of
from verified_world import World, broken, examples

from pipelines.cli import ConfigurationError
from pipelines.verification.facts import Facts
from pipelines.verification.manifest import read_manifest
from pipelines.verification.progress import Progress


def test_recall_is_counted_per_fault(world: World) -> None:
    world.dead_letter(0, 1)["failure_type"] = "NOT_UTF8"

    account = world.account(with_manifest=True)

    assert account.recall == [
        {"fault": None, "injected": 25, "found": 25},
        {"fault": "late", "injected": 1, "found": 1},
        {"fault": "malformed", "injected": 2, "found": 1},
        {"fault": "missing_field", "injected": 1, "found": 1},
        {"fault": "wrong_type", "injected": 1, "found": 1},
    ]


def test_a_fault_that_got_through_is_named(world: World) -> None:
    world.sent(1, 3).update({"fault": "malformed", "variant": "array"})

    account = world.account(with_manifest=True)

    assert broken(account) == {"faults_found"}
    assert examples(account, "faults_found") == [
        "partition 1 offset 3: manifest line 14: malformed array should be dead NOT_OBJECT, is accepted"
    ]


def test_a_fault_found_for_another_reason_is_named(world: World) -> None:
    world.sent(1, 2).update({"fault": "bad_timestamp", "variant": "future"})

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 2: manifest line 13: bad_timestamp future should be dead TIMESTAMP_FUTURE, is TYPE_MISMATCH"
    ]


def test_a_good_record_that_was_rejected_is_named(world: World) -> None:
    world.sent(1, 2).update({"fault": None, "variant": None})

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 2: manifest line 13: good record should be accepted, is dead TYPE_MISMATCH"
    ]


def test_a_late_event_that_is_not_flagged_is_named(world: World) -> None:
    world.event(*LATE)["is_late"] = False

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 4: manifest line 15: late should be accepted late, is not late"
    ]


def test_an_event_accepted_under_another_id_is_named(world: World) -> None:
    world.sent(1, 3)["event_id"] = "event-1-4"

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 3: manifest line 14: good record should be accepted, is accepted under another event_id"
    ]


def test_event_ids_are_the_same_in_any_case(world: World) -> None:
    world.sent(1, 3)["event_id"] = "EVENT-1-3"

    assert broken(world.account(with_manifest=True)) == set()


def test_a_duplicate_is_found_where_it_is_suppressed(world: World) -> None:
    world.suppress(1, 5, first=(1, 0))

    account = world.account(with_manifest=True)

    assert broken(account) == set()
    assert {"fault": "duplicate", "injected": 1, "found": 1} in account.recall


def test_a_duplicate_that_was_accepted_again_is_named(world: World) -> None:
    world.send_again(1, 5, first=(1, 0))

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 5: manifest line 16: duplicate should be duplicate, is accepted again within 3,600 s"
    ]


@pytest.mark.parametrize("horizon_seconds", [0, 4], ids=["no deduplication", "a horizon that is over"])
@pytest.mark.parametrize("suppressed", [False, True])
def test_beyond_the_horizon_a_duplicate_may_be_accepted(world: World, horizon_seconds: int, suppressed: bool) -> None:
    (world.suppress if suppressed else world.send_again)(1, 5, first=(1, 0))

    account = world.account(with_manifest=True, horizon_seconds=horizon_seconds)

    assert broken(account) <= {"duplicates_in_horizon"}


def test_a_duplicate_whose_first_copy_never_arrived_may_be_accepted(world: World) -> None:
    world.sent(1, 5)["fault"] = "duplicate"

    assert broken(world.account(with_manifest=True)) == set()


def test_a_duplicate_accepted_under_another_id_is_named(world: World) -> None:
    world.sent(1, 5).update({"fault": "duplicate", "event_id": "another"})

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 5: manifest line 16: duplicate should be duplicate, is accepted under another event_id"
    ]


def test_a_duplicate_must_not_be_dead(world: World) -> None:
    world.sent(1, 3)["fault"] = "duplicate"
    world.events.remove(world.event(1, 3))
    world.dead_letters.append(dead_letter_row(1, 3, "NOT_JSON"))

    assert examples(world.account(with_manifest=True), "faults_found") == [
        "partition 1 offset 3: manifest line 14: duplicate should be duplicate, is dead NOT_JSON"
    ]


def test_what_a_second_run_of_one_seed_sends_may_be_suppressed(world: World) -> None:
    world.suppress(1, 5, first=(1, 0))
    world.sent(1, 5)["fault"] = None

    assert broken(world.account(with_manifest=True)) == set()


def test_a_good_record_of_other_bytes_must_not_be_suppressed(world: World) -> None:
    world.suppress(1, 5, first=(1, 0))
    world.in_raw(1, 5).value = again = value_of(1, 0) + b" "
    world.sent(1, 5).update({"fault": None, "sha256": sha256(again).hexdigest()})

    account = world.account(with_manifest=True)

    assert broken(account) == {"faults_found"}
    assert examples(account, "faults_found") == [
        "partition 1 offset 5: manifest line 16: good record should be accepted, is duplicate"
    ]


def test_a_record_that_kafka_lost_is_named(world: World) -> None:
    world.manifest.append(manifest_row(1, 500))

    account = world.account(with_manifest=True)

    assert broken(account) == {"manifest_in_kafka", "faults_found"}
    assert examples(account, "manifest_in_kafka") == ["partition 1 offset 500: manifest line 31: not in Kafka"]


def test_a_record_with_other_bytes_is_named(world: World) -> None:
    world.sent(1, 3)["sha256"] = sha256(b"other").hexdigest()

    account = world.account(with_manifest=True)

    assert broken(account) == {"manifest_in_kafka"}
    assert examples(account, "manifest_in_kafka") == [
        "partition 1 offset 3: manifest line 14: Kafka has other bytes there"
    ]


def test_a_record_that_waits_is_not_proven(world: World) -> None:
    world.raw.append(raw_record(1, 10))
    world.manifest.append(manifest_row(1, 10))

    account = world.account(with_manifest=True)

    assert broken(account) == {"faults_found"}
    assert examples(account, "faults_found") == [
        "partition 1 offset 10: manifest line 31: good record should be accepted, not processed yet"
    ]


def read(tmp_path: Path, content: str) -> tuple[int, str | None]:
    """(rows, remark) of a manifest with that text."""
    path = tmp_path / "manifest.jsonl"
    path.write_text(content, encoding="utf-8")
    with Facts(tmp_path, TOPIC_ID) as facts:
        remark = read_manifest(path, "raw-events", facts, Progress(Console(quiet=True)))
        return facts.number("select count(*) from manifest"), remark


def test_a_last_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    line = json.dumps(manifest_row(1, 3))

    assert read(tmp_path, f"{line}\n{line[:40]}") == (1, "The manifest's last line, 2, is cut short: left out.")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("{}", "line 2 of .* is not a row about a Kafka record"),
        ("nonsense", "line 2 of .* is not a row about a Kafka record"),
        (json.dumps({"line": 3, "event_id": "e", "sha256": "00", "fault": None, "variant": None}), "line 2"),
        (json.dumps(manifest_row(1, 3) | {"topic": "other"}), r"is about topic other \(line 2\), not RAW_TOPIC"),
        (json.dumps(manifest_row(1, 3) | {"fault": "gremlins"}), "has a fault 'gremlins'"),
    ],
    ids=["no fields", "no JSON", "of a file", "of another topic", "of another release"],
)  # fmt: skip
def test_another_kind_of_manifest_is_refused_in_one_line(tmp_path: Path, damage: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as problem:
        read(tmp_path, f"{json.dumps(manifest_row(1, 3))}\n{damage}\n")
    assert "\n" not in problem.value.message
