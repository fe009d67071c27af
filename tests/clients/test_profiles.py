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
