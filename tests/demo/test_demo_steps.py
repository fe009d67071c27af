"""The demo's steps run in the stack's environment, and a failing one names the remedy."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import click
import pytest
from rich.console import Console

from analytics.places import REPORT as WHERE_THE_REPORT_IS
from infra.local import Stack
from infra.local.state import Ports, new_state, write_state
from pipelines.cli import ConfigurationError, RunFailed, StoppedByPolicy
from pipelines.demo import REPORT, environment_for, sent_rows
from pipelines.demo_steps import Steps


@pytest.fixture
def printed() -> StringIO:
    return StringIO()


@pytest.fixture
def steps(printed: StringIO) -> Steps:
    steps = Steps(Console(file=printed, width=100), count=2)
    steps.environment = dict(os.environ)
    return steps


def test_no_setting_of_the_caller_reaches_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "KAFKA_SASL_PASSWORD", "GENERATOR_RATE", "SPARK_HOME", "RAW_TOPIC")
    for name in (*foreign, "LAKE_URI", "MAX_OFFSETS_PER_TRIGGER"):
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("JAVA_HOME", "/java")
    write_state(tmp_path, new_state(Ports(kafka=1234), "s3proxy"))

    environment = environment_for(Stack(tmp_path))

    assert "foreign" not in environment.values()
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:1234"
    assert environment["JAVA_HOME"] == "/java"


@pytest.mark.parametrize("is_quiet", [False, True])
@pytest.mark.parametrize(
    ("code", "error"), [(1, RunFailed), (2, ConfigurationError), (3, StoppedByPolicy), (77, RunFailed)]
)
def test_a_step_that_fails_names_the_remedy(
    steps: Steps, code: int, error: type[click.ClickException], is_quiet: bool
) -> None:
    with pytest.raises(error, match=f"Step 1 .*exit code {code}.*: start afresh") as problem:
        steps.do("Fail", ["python", "-c", f"raise SystemExit({code})"], remedy="start afresh", is_quiet=is_quiet)
    assert "\n" not in problem.value.message


def test_a_step_that_is_only_attempted_says_what_failed_and_lets_the_demo_go_on(
    steps: Steps, printed: StringIO, tmp_path: Path
) -> None:
    failing = ["python", "-c", "raise SystemExit(1)"]
    assert not steps.attempt("Draw", failing, remedy="`make report` tries again")
    assert "exit code 1): `make report` tries again. Nothing else depends on it." in " ".join(
        printed.getvalue().split()
    )
    writing = ["python", "-c", "open('here', 'w').close()"]
    assert steps.attempt("Draw", writing, remedy="", folder=tmp_path)
    assert (tmp_path / "here").exists()


def test_the_demo_names_the_page_where_make_report_leaves_it() -> None:
    assert REPORT == WHERE_THE_REPORT_IS


def test_a_quiet_step_passes_on_what_the_command_says(steps: Steps, printed: StringIO) -> None:
    steps.do("Talk", ["python", "-c", "import sys; print('out'); print('[b]err', file=sys.stderr)"], is_quiet=True)

    assert {"out", "[b]err"} <= set(printed.getvalue().splitlines())
    assert "1/2  Talk" in printed.getvalue()


def test_a_step_sees_only_the_given_environment(steps: Steps, printed: StringIO) -> None:
    steps.environment = {"PATH": "/nowhere"}

    steps.do("Look", ["python", "-c", "import os; print(sorted(os.environ))"], is_quiet=True)

    assert "HOME" not in printed.getvalue()


def test_a_missing_program_is_one_line(steps: Steps) -> None:
    steps.environment = {"PATH": "/nowhere"}

    with pytest.raises(ConfigurationError, match="There is no spark-submit on PATH"):
        steps.do("Enrich", ["spark-submit"])


def test_only_complete_lines_of_a_manifest_count(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    assert sent_rows(manifest) is None

    manifest.write_text('{"line":1}\n{"line":2}\n{"li')
    assert sent_rows(manifest) == 2
