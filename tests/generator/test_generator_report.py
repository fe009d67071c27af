"""The report of a finished run."""

from __future__ import annotations

import json

import pytest

from generator.__main__ import main as generate
from generator.report import main
from generator.report_figures import read_figures


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(events, manifest) of a run with faults."""
    folder = tmp_path_factory.mktemp("report")
    events, manifest = folder / "events.jsonl", folder / "manifest.jsonl"
    window = ["--start-time", "2026-03-01T00:00:00Z", "--end-time", "2026-03-02T00:00:00Z", "--seed", "2"]
    arguments = ["--sink", "file", "--output", str(events), "--manifest", str(manifest), "--count", "5000"]
    assert generate([*arguments, *window, "--profile", "engaged", "--faults", "everything", "--no-summary"]) == 0
    return events, manifest


def test_the_figures_are_what_the_lines_say(finished):
    events, manifest = finished
    figures = read_figures(events, manifest)
    names, visits = {}, set()
    for line in events.read_bytes().split(b"\n")[:-1]:
        try:
            event = json.loads(line)
            name = event["event_name"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(name, str):
            names[name] = names.get(name, 0) + 1
            visits.add(json.dumps(event.get("session_id")))
    # NaN and what follows a document are no JSON for DuckDB; Python reads the former.
    assert abs(figures.events - sum(names.values())) <= 10
    assert {name: names[name] for name in ("view_item", "purchase")} == pytest.approx(
        {name: figures.by_name[name] for name in ("view_item", "purchase")}, rel=0.01
    )
    faults = [json.loads(row)["fault"] for row in manifest.read_text().splitlines()]
    assert figures.faults["late"] == faults.count("late")
    assert sum(figures.faults.values()) == 5_000
    assert figures.events + figures.unreadable == 5_000


def test_it_prints_figures_and_draws_a_picture(finished, tmp_path, capsys):
    picture = tmp_path / "run.png"
    assert main([str(finished[0]), "--manifest", str(finished[1]), "--picture", str(picture)]) == 0
    assert "add to cart per view" in capsys.readouterr().out
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert picture.stat().st_size > 30_000


@pytest.mark.parametrize("text", [None, "", "no json\n"])
def test_a_file_without_events_is_one_line(tmp_path, capsys, text):
    path = tmp_path / "events.jsonl"
    if text is not None:
        path.write_text(text)
    assert main([str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
