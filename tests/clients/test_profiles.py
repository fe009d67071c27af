"""--profile chooses the size of batches and the time between them, where nothing else is said."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from pipelines.settings import enrich_options, tasks_for


@click.command()
@enrich_options
def show(**options) -> None:
    """Print what a profile decides."""
    click.echo(f"{options['max_offsets_per_trigger']} every {options['trigger']}")


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        ([], {}, "50000 every 5 seconds"),
        (["--profile", "latency"], {}, "20000 every 500 milliseconds"),
        ([], {"ENRICH_PROFILE": "throughput"}, "200000 every 5 seconds"),
        (["--profile", "latency", "--max-offsets-per-trigger", "7"], {}, "7 every 500 milliseconds"),
        (["--trigger", "1 minute", "--profile", "throughput"], {"MAX_OFFSETS_PER_TRIGGER": "9"}, "9 every 1 minute"),
    ],
)
def test_a_profile_sets_what_neither_flags_nor_environment_say(monkeypatch, arguments, environment, told):
    for name in ("ENRICH_PROFILE", "MAX_OFFSETS_PER_TRIGGER"):
        monkeypatch.delenv(name, raising=False)
    assert CliRunner().invoke(show, arguments, env=environment).output.strip() == told


@pytest.mark.parametrize(
    ("max_tasks", "master", "tasks"), [(None, "local[2]", 4), (None, "spark://host:7077", 0), (7, "local[2]", 7)]
)
def test_a_local_master_reads_a_batch_in_few_tasks(max_tasks, master, tasks):
    assert tasks_for(SimpleNamespace(max_tasks=max_tasks), master, cores=2) == tasks


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.delenv("ENRICH_PROFILE", raising=False)
    result = CliRunner().invoke(show, ["--profile", "fast"])
    assert result.exit_code == 2
    assert "balanced" in result.output


@pytest.mark.parametrize("trigger", ["0 seconds", "1.5 seconds", "500 milliseconds", "2 minutes", "1 hour"])
def test_an_interval_as_spark_reads_them_is_taken(trigger):
    assert CliRunner().invoke(show, ["--trigger", trigger]).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--trigger", "0.5 minutes"],
        ["--trigger", "soon"],
        ["--trigger", "1.5 milliseconds"],
        ["--max-dead-ratio", "nan"],
        ["--max-dead-ratio", "1.1"],
        ["--max-future-seconds", "3000000000"],
        ["--late-after-seconds", "9223372036854775807"],
        ["--max-tasks", "2147483648"],
        ["--max-offsets-per-trigger", "99999999999999999999"],
        ["--retry-for-seconds", "-1"],
    ],
)
def test_a_setting_that_could_not_be_meant_is_refused(arguments):
    result = CliRunner().invoke(show, arguments)
    assert (result.exit_code, arguments[0] in result.output) == (2, True)
