"""The plots of a run: six panels, each with what the profile says behind what was found."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from generator.personas import EVENT_NAMES
from generator.profiles import Profile
from generator.report_figures import Figures
from generator.visits import GAP_MEDIAN_SECONDS, GAP_SIGMA
from pipelines.cli import ConfigurationError

_FOUND, _WANTED = "#2a6f97", "#e07a5f"
_FUNNEL = ("view_item", "add_to_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase")


def draw(figures: Figures, profile: Profile, path: Path) -> None:
    """Write the picture. Raises ConfigurationError where that cannot be."""
    with mpl.rc_context(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.titleweight": "bold"}
    ):
        figure = Figure(figsize=(13, 7.5), layout="constrained")
        panels = figure.subplots(2, 3)
        _traffic(panels[0, 0], figures, profile)
        _funnel(panels[0, 1], figures, profile)
        _gaps(panels[0, 2], figures)
        _visits(panels[1, 0], figures)
        _products(panels[1, 1], figures)
        _bars(panels[1, 2], figures)
        try:
            figure.savefig(path, dpi=110)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"--picture: {path} cannot be written: {error}.") from error


def _traffic(axes: Any, figures: Figures, profile: Profile) -> None:
    seconds = [second for second, _ in figures.per_hour]
    hours = [datetime.fromtimestamp(second, timezone.utc) for second in seconds]
    axes.plot(hours, [count for _, count in figures.per_hour], color=_FOUND, label="found")
    expected = np.array([profile.intensity(second) for second in seconds])
    if len(hours) > 1:
        axes.plot(hours, expected * figures.events / expected.sum(), color=_WANTED, ls="--", label="profile")
    axes.set(title="Events per hour (UTC)", ylim=(0, None))
    axes.legend(frameon=False)
    axes.tick_params(axis="x", rotation=30)


def _funnel(axes: Any, figures: Figures, profile: Profile) -> None:
    counts = [figures.by_name.get(name, 0) for name in _FUNNEL]
    axes.barh(_FUNNEL, counts, color=_FOUND)
    for row, count in enumerate(counts):
        axes.text(max(count, 1), row, f" {count:,}", va="center")
    views = counts[0]
    wanted = [
        (1, views * profile.figures.carts_per_view),
        (5, views * profile.figures.carts_per_view * profile.figures.purchases_per_cart),
    ]
    for number, (row, target) in enumerate(wanted):
        label = "profile" if not number else None
        axes.plot([target, target], [row - 0.45, row + 0.45], color=_WANTED, lw=2.5, label=label)
    axes.set(title="Funnel, events (log scale)", xscale="log", xlim=(1, views * 8))
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="lower right")


def _gaps(axes: Any, figures: Figures) -> None:
    lower = np.array([seconds for seconds, _ in figures.gaps])
    counts = np.array([count for _, count in figures.gaps], float)
    width = math.log(10) / 10
    axes.step(lower, counts / counts.sum() / width, where="post", color=_FOUND, label="found")
    at = np.geomspace(0.3, 500, 300)
    density = np.exp(-((np.log(at / GAP_MEDIAN_SECONDS) / GAP_SIGMA) ** 2) / 2) / (GAP_SIGMA * math.sqrt(2 * math.pi))
    axes.plot(at, density, color=_WANTED, ls="--", label="log-normal, median 11 s")
    axes.set(title="Seconds between two steps of a visit", xscale="log", xlim=(0.3, 500), ylim=(0, None))
    axes.legend(frameon=False)


def _visits(axes: Any, figures: Figures) -> None:
    axes.plot(*zip(*figures.visit_lengths, strict=True), "o-", ms=3, color=_FOUND)
    axes.set(title="Visits by number of events (log-log)", xscale="log", yscale="log")


def _products(axes: Any, figures: Figures) -> None:
    ranks = np.arange(1, len(figures.popularity) + 1)
    axes.plot(ranks, figures.popularity, "o", ms=3, color=_FOUND, label="found")
    if len(ranks):
        law = sum(figures.popularity) / (1 / ranks).sum() / ranks
        axes.plot(ranks, law, color=_WANTED, ls="--", label="Zipf, exponent 1")
    axes.set(title="Views by product, most wanted first (log-log)", xscale="log", yscale="log")
    axes.legend(frameon=False)


def _bars(axes: Any, figures: Figures) -> None:
    """Faults where a manifest told them; else the events by name."""
    faults = {name: count for name, count in figures.faults.items() if name != "none"}
    counts = faults or {name: figures.by_name.get(name, 0) for name in EVENT_NAMES}
    axes.barh(list(counts), list(counts.values()), color=_FOUND)
    for row, count in enumerate(counts.values()):
        axes.text(count, row, f" {count:,}", va="center")
    axes.set(title="Faulty records" if faults else "Events by name", xlim=(0, max(counts.values()) * 1.25))
    axes.invert_yaxis()
