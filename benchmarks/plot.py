"""The picture of a full benchmark: what an event costs, and how long it takes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt  # after the choice of a backend without a window

from benchmarks.comparison import cost, rounds_of
from benchmarks.report import systems_of

OURS, PEERS = "#1b6ca8", "#9aa5b1"


def draw(entries: Mapping[str, Any], path: Path, date: str) -> None:
    """Bars of CPU per event for each workload, one dot per round, and of latencies where they were measured."""
    workloads = [name for name in ("W1", "W2", "W3", "W4") if systems_of(entries, name)]
    lags = {name: value for name, value in entries.items() if name.startswith("latency/") and "lake_p99" in value}
    panels = len(workloads) + bool(lags)
    if not panels:
        return
    figure, axes = plt.subplots(panels, 1, figsize=(9, 1.1 + 2.1 * panels), squeeze=False, layout="constrained")
    for axis, workload in zip(axes[:, 0], workloads, strict=False):
        _costs(axis, entries, workload)
    if lags:
        _latencies(axes[-1, 0], lags)
    figure.suptitle(f"Benchmark of {date}", fontsize=12, x=0.01, ha="left")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _costs(axis: Any, entries: Mapping[str, Any], workload: str) -> None:
    systems = [name for name in systems_of(entries, workload) if rounds_of(entries, workload, name)][::-1]
    for at, system in enumerate(systems):
        rounds = rounds_of(entries, workload, system).values()
        costs = sorted(cost(value) for value in rounds)
        never_warm = ", with the start: never warm" if any(value["cpu_us"] is None for value in rounds) else ""
        middle = statistics.median(costs)
        axis.barh(at, middle, color=OURS if system.startswith("ours") else PEERS, height=0.6)
        axis.plot(costs, [at] * len(costs), "o", color="black", markersize=3, alpha=0.6)
        axis.annotate(
            f" {middle:,.0f}{never_warm}", (max(costs), at), va="center", fontsize=9, xytext=(4, 0),
            textcoords="offset points",
        )  # fmt: skip
    axis.set_yticks(range(len(systems)), systems)
    axis.margins(x=0.22)
    axis.set_title(f"{workload}: CPU µs per event, warm (less is better; dots: rounds)", loc="left", fontsize=10)
    _quiet(axis)


def _latencies(axis: Any, lags: Mapping[str, Any]) -> None:
    names = list(lags)[::-1]
    for at, name in enumerate(names):
        value = lags[name]
        for offset, sink, colour in ((0.17, "topic", PEERS), (-0.17, "lake", OURS)):
            axis.barh(at + offset, value[f"{sink}_p99"], color=colour, height=0.3)
            axis.plot(value[f"{sink}_p50"], at + offset, "|", color="black", markersize=9)
            axis.annotate(f"{value[f'{sink}_p99']:.1f}", (value[f"{sink}_p99"], at + offset), va="center", fontsize=8,
                          xytext=(4, 0), textcoords="offset points")  # fmt: skip
    labels = [f"{name.split('/')[1]}, {lags[name]['rate']:,}/s" for name in names]
    axis.set_yticks(range(len(names)), labels)
    axis.margins(x=0.1)
    axis.set_title("Latency p99, seconds (grey: enriched topic, blue: lake; bar: p50)", loc="left", fontsize=10)
    _quiet(axis)


def _quiet(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=9)
