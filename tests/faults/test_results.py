"""The results table: a part of the suite replaces its own lines, and nothing looks better than it was."""

from __future__ import annotations

from pathlib import Path

from results import ROWS, Line, load, render, store


def rows(page: str) -> list[list[str]]:
    """The table's cells, without its head."""
    table = [line for line in page.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]


def test_a_run_of_a_part_replaces_its_own_lines_only(tmp_path: Path) -> None:
    store(tmp_path, Line(4, "broker killed", records=100, lost=0))
    store(tmp_path, Line(9, "store killed", records=200, lost=0))
    store(tmp_path, Line(4, "broker killed", records=300, lost=1))
    assert [(line.row, line.records, line.lost) for line in load(tmp_path)] == [(4, 300, 1), (9, 200, 0)]
    assert (tmp_path / "faults.md").read_text() == render(load(tmp_path))


def test_every_row_without_a_result_is_said_to_be_not_run() -> None:
    shown = rows(render([]))
    assert [int(cells[0]) for cells in shown] == list(ROWS)
    assert {cells[2] for cells in shown} == {"not run"}


def test_a_failure_and_a_reason_are_shown() -> None:
    shown = rows(
        render([Line(11, "disk full", result="failed"), Line(24, "lease", result="not run", reason="no MinIO")])
    )
    found = {cells[1]: (cells[2], cells[10]) for cells in shown}
    assert found["disk full"] == ("**failed**", "")
    assert found["lease"] == ("**not run**", "no MinIO")


def test_zero_is_shown_and_unknown_is_not() -> None:
    (cells,) = [cells for cells in rows(render([Line(3, "killed", records=0)])) if cells[1] == "killed"]
    assert cells[3:10] == ["1", "0", "", "", "", "", ""]
