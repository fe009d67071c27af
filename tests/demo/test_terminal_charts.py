"""Bars and columns are as long as their values say."""

from __future__ import annotations

import pytest

from pipelines.terminal import bar, columns, nice_ceiling, page


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(0, ""), (100, "████"), (50, "██"), (53.125, "██▏"), (0.01, "▏"), (25, "█")],
)
def test_a_bar_is_as_long_as_its_share_and_never_hides_a_value(value: float, drawn: str) -> None:
    assert bar(value, largest=100, width=4) == drawn


def test_a_bar_among_nothing_is_empty() -> None:
    assert bar(0, largest=0, width=4) == ""


def test_columns_stand_side_by_side_from_the_top_line_down() -> None:
    assert columns([16, 8, 12, 4, 0, 0.1], height=2) == [
        "█ ▄   ",
        "███▄ ▁",
    ]


def test_columns_of_nothing_are_blank() -> None:
    assert columns([0, 0], height=2) == ["  ", "  "]


@pytest.mark.parametrize(
    ("value", "end"), [(0, 1), (1, 1), (9.9, 10), (10, 10), (11, 15), (513, 600), (3000, 3000), (0.3, 0.3)]
)
def test_an_axis_ends_at_the_next_round_number(value: float, end: float) -> None:
    assert nice_ceiling(value) == pytest.approx(end)


def test_a_page_is_as_wide_in_a_pipe_as_on_a_wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert page().width == 100

    monkeypatch.setenv("COLUMNS", "72")
    assert page().width == 72
