"""Settings from flags, environment, files and scenarios, and a dry run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_generator_command import run

from generator import faults
from generator.config import read_scenario, scenarios


def test_a_flag_beats_the_environment_and_that_beats_the_file(tmp_path: Path):
    config = tmp_path / "generator.toml"
    config.write_text('sink = "null"\ncount = 5\nseed = 1\nmalformed-rate = 1.0\n')
    arguments = ["--config", config]
    assert seed_of(run(*arguments)) == 1
    assert seed_of(run(*arguments, GENERATOR_SEED="2")) == 2
    assert seed_of(run(*arguments, "--seed", 3, GENERATOR_SEED="2")) == 3
    assert json.loads(run(*arguments).stdout)["faults"] == {"malformed": 5}


def seed_of(result) -> int:
    return json.loads(result.stdout)["seed"]


@pytest.mark.parametrize(
    ("text", "named"),
    [("cuont = 5", "cuont"), ("count = [", "not TOML"), (None, "cannot be read")],
)
def test_a_wrong_config_file_is_one_line(tmp_path: Path, text: str | None, named: str):
    config = tmp_path / "generator.toml"
    if text is not None:
        config.write_text(text)
    result = run("--config", config)
    assert result.returncode == 2
    assert named in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", sorted(scenarios()))
def test_each_scenario_that_comes_along_can_be_read(name: str):
    scenario = read_scenario(name)
    assert scenario.rates or scenario.drifts


def test_the_scenario_everything_has_every_fault():
    assert set(read_scenario("everything").rates) == set(faults.FAULTS)
    assert {drift.variant for drift in read_scenario("everything").drifts} == set(faults.DRIFT_VARIANTS)


@pytest.mark.parametrize(
    "text",
    ["[rates]\nmalformde = 0.1", "[rates]\nlate = 2", "[[drift]]\nkind = 'x'", "[[drift]]\nkind = 'new_field'\nat = -1",
     "[other]\na = 1"],
)  # fmt: skip
def test_a_wrong_scenario_is_one_line(tmp_path: Path, text: str):
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    result = run("--faults", file, "--count", 1)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


def test_an_unknown_scenario_names_those_there_are():
    result = run("--faults", "nosuch", "--count", 1)
    assert result.returncode == 2
    assert "poison" in result.stderr


def test_a_rates_flag_beats_the_scenarios(tmp_path: Path):
    result = run("--sink", "null", "--count", 2_000, "--rate", 0, "--faults", "retries", "--duplicate-rate", 0)
    assert "duplicate" not in json.loads(result.stdout)["faults"]
    assert "out_of_order" in json.loads(result.stdout)["faults"]


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(tmp_path: Path):
    output = tmp_path / "events.jsonl"
    result = run("--sink", "file", "--output", output, "--count", 500, "--faults", "poison", "--dry-run")
    told = json.loads(result.stdout)
    assert result.returncode == 0
    assert (told["ended_by"], told["sent"], told["records"], told["sample"]) == ("dry run", 0, 500, 500)
    assert sum(told["events"].values()) == 500
    assert json.loads(result.stderr.splitlines()[0])["schema_version"] == "1-0-0"
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--drift", "new_field"], "--drift"),
        (["--drift", "nothing@5"], "--drift"),
        (["--duplicate-rate", "0.95"], "uplicates"),
        (["--profile", "sunday"], "--profile"),
        (["--workers", "2", "--sink", "console"], "--workers"),
    ],
)
def test_settings_that_do_not_fit_are_named(arguments: list[str], named: str):
    result = run(*arguments, "--count", 1)
    assert result.returncode == 2
    assert named in result.stderr
