"""The manifest and the file sink: one row per acknowledged record, true to the file."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from generator.__main__ import main

FAULTS = [
    f"--{fault}-rate=0.05"
    for fault in ("malformed", "missing-field", "wrong-type", "bad-timestamp", "duplicate", "late")
]


def run(*arguments: object) -> int:
    return main(["--sink", "file", "--seed", "7", *map(str, arguments)])


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"


def test_each_line_of_the_file_has_its_row(output, manifest):
    assert run("--output", output, "--manifest", manifest, "--count", 2_000, *FAULTS) == 0
    lines, rows = output.read_bytes().split(b"\n")[:-1], rows_of(manifest)
    assert [row["line"] for row in rows] == list(range(1, 2_001))
    for line, row in zip(lines, rows, strict=True):
        assert set(row) == {"line", "record", "event_id", "sha256", "fault", "variant"}
        assert row["record"] == row["line"] - 1
        assert row["sha256"] == sha256(line).hexdigest()
        if row["fault"] in (None, "duplicate", "late"):
            assert json.loads(line)["event_id"] == row["event_id"]
            assert row["variant"] is None


def test_an_existing_manifest_is_refused_and_left_alone(output, manifest, capsys):
    manifest.write_text("proof\n")
    assert run("--output", output, "--manifest", manifest, "--count", 10) == 2
    assert manifest.read_text() == "proof\n"
    assert not output.exists()
    assert capsys.readouterr().err.count("\n") == 1


def test_an_existing_output_is_refused_and_leaves_no_manifest(output, manifest):
    output.write_text("an event\n")
    assert run("--output", output, "--manifest", manifest, "--count", 10) == 2
    assert not manifest.exists()


def test_append_goes_on_where_the_file_ended_and_drops_a_torn_row(output, manifest):
    arguments = ["--output", output, "--manifest", manifest]
    run(*arguments, "--count", 10)
    with manifest.open("a") as file:
        file.write('{"line":11,"eve')
    assert run(*arguments, "--count", 5, "--append") == 0
    assert [row["line"] for row in rows_of(manifest)] == list(range(1, 16))
    assert len(output.read_bytes().splitlines()) == 15


def test_a_missing_folder_is_one_line_that_names_the_flag(output, tmp_path, capsys):
    assert run("--output", output, "--count", 1, "--manifest", tmp_path / "no" / "m.jsonl") == 2
    assert "--manifest: " in capsys.readouterr().err


def test_the_summary_counts_what_the_manifest_lists(output, manifest, capsys):
    run("--output", output, "--manifest", manifest, "--count", 1_000, *FAULTS)
    summary = json.loads(capsys.readouterr().out)
    rows = rows_of(manifest)
    assert summary["sent"] == summary["acknowledged"] == len(rows) == 1_000
    assert summary["failed"] == summary["unknown"] == 0
    for fault, number in summary["faults"].items():
        assert number == sum(row["fault"] == fault for row in rows)
    assert sum(summary["events"].values()) == 1_000
    assert (summary["seed"], summary["manifest"]) == (7, str(manifest))
