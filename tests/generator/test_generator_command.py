"""The generator as a program: what it prints where, its exit codes, its signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "generator"]
# Settings of the machine that runs the tests must not change them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("GENERATOR_", "KAFKA_"))}


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def start(*arguments: object, **streams: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *map(str, arguments)], env=ENVIRONMENT, **streams)


def until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_the_console_gets_json_lines_and_nothing_else():
    result = run("--count", 50, "--rate", 0)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(events) == 50
    assert json.loads(result.stderr.splitlines()[-1])["sent"] == 50
    assert result.returncode == 0


def test_a_reader_that_goes_away_ends_the_run_quietly():
    with start(stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["schema_version"] == "1-0-0"
        process.stdout.close()
        stderr = process.stderr.read().decode()
        assert process.wait(20) == 0
    assert "Traceback" not in stderr
    assert "Exception" not in stderr
    assert json.loads(stderr.splitlines()[-1])["ended_by"] == "closed pipe"


def test_a_summary_that_nobody_reads_is_no_error():
    with start("--sink", "null", "--count", 10, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        stderr = process.stderr.read().decode()
        assert process.wait(20) == 0
    assert "BrokenPipe" not in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_the_run_in_good_order(tmp_path: Path, number: int):
    output, manifest = tmp_path / "events.jsonl", tmp_path / "manifest.jsonl"
    arguments = ["--sink", "file", "--rate", 500, "--output", output, "--manifest", manifest]
    with start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        until(lambda: manifest.exists() and manifest.stat().st_size > 10_000)
        process.send_signal(number)
        summary = json.loads(process.stdout.read())
        assert process.wait(20) == 0
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    lines = output.read_bytes().splitlines()
    assert summary["ended_by"] == "stopped"
    assert summary["acknowledged"] == len(rows) == len(lines)
    assert [row["sha256"] for row in rows] == [sha256(line).hexdigest() for line in lines]


def test_sigterm_on_the_console_loses_no_line():
    with start("--rate", 200, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.terminate()
        rest = process.stdout.read().splitlines()
        summary = json.loads(process.stderr.read().splitlines()[-1])
        assert process.wait(20) == 0
    assert all(json.loads(line) for line in rest)
    assert summary["sent"] == 1 + len(rest)


def test_kill_9_leaves_a_manifest_that_claims_no_more_than_the_file_has(tmp_path: Path):
    output, manifest = tmp_path / "events.jsonl", tmp_path / "manifest.jsonl"
    arguments = ["--sink", "file", "--output", output, "--manifest", manifest]
    with start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: manifest.exists() and manifest.stat().st_size > 1_000_000)
        process.kill()
    rows, lines = manifest.read_bytes().split(b"\n")[:-1], output.read_bytes().split(b"\n")[:-1]
    assert 0 < len(rows) <= len(lines)
    for row, line in zip(map(json.loads, rows), lines, strict=False):
        assert row["sha256"] == sha256(line).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--sink", "file"], "--output"),
        (["--output", "x"], "--sink file"),
        (["--append"], "--append"),
        (["--late-rate", "0.6", "--duplicate-rate", "0.6"], "fault rates"),
        (["--late-rate", "1.5"], "--late-rate"),
        (["--count", "0"], "--count"),
        (["--end-time", "now"], "--start-time"),
        (["--speedup", "2"], "--start-time"),
        (["--start-time", "2026-01-01"], "--start-time"),
        (["--start-time", "2999-01-01T00:00:00Z"], "future"),
        (["--start-time", "1h", "--end-time", "2h"], "--end-time"),
        (["--start-time", "4000d"], "MAX_EVENT_AGE_DAYS"),
        (["--start-time", "1h", "--end-time", "now", "--count", "5", "--speedup", "2"], "--speedup"),
        (["--catalog", "/no/such/file"], "--catalog"),
        (["--catalog", "s3a://bucket/catalog.jsonl"], "local files only"),
        (["--sink", "carrier-pigeon"], "--sink"),
    ],
)
def test_what_does_not_fit_together_is_exit_code_2_with_the_reason(arguments, named):
    result = run(*arguments)
    assert result.returncode == 2
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_flag_beats_the_environment():
    summary = json.loads(run("--sink", "null", GENERATOR_COUNT="20", GENERATOR_SEED="5").stdout)
    assert (summary["sent"], summary["seed"]) == (20, 5)
    summary = json.loads(run("--sink", "null", "--count", 30, GENERATOR_COUNT="20").stdout)
    assert summary["sent"] == 30


def test_the_rate_is_kept():
    summary = json.loads(run("--sink", "null", "--rate", 200, "--duration", 2).stdout)
    assert summary["ended_by"] == "duration"
    assert 380 <= summary["sent"] <= 405


def test_help_shows_defaults_and_variables_and_imports_no_spark():
    result = run("--help")
    assert "KAFKA_BOOTSTRAP_SERVERS" in result.stdout
    assert "localhost:9092" in result.stdout
    code = "import sys, generator.__main__, generator.kafka_sink; print('pyspark' in sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert imported.stdout.strip() == "False"


def test_a_broker_that_does_not_answer_is_one_line_and_exit_code_2():
    begun = time.monotonic()
    result = run("--sink", "kafka", "--count", 1, "--bootstrap-servers", "localhost:1")
    assert result.returncode == 2
    assert "KAFKA_BOOTSTRAP_SERVERS=localhost:1" in result.stderr
    assert result.stderr.count("\n") == 1
    assert time.monotonic() - begun < 30
