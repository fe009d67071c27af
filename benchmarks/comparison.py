"""Ratios between systems of one benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.figures import Interval, bootstrap


def rounds_of(entries: Mapping[str, Any], workload: str, system: str) -> dict[int, dict[str, Any]]:
    """Round → figures, of the runs that did not fail."""
    prefix = f"{workload}/{system}/"
    found = {int(name[len(prefix) :]): value for name, value in entries.items() if name.startswith(prefix)}
    return {number: value for number, value in sorted(found.items()) if not value.get("problem")}


def problems_of(entries: Mapping[str, Any], workload: str, system: str) -> list[str]:
    """Why runs failed."""
    prefix = f"{workload}/{system}/"
    return [value["problem"] for name, value in entries.items() if name.startswith(prefix) and value.get("problem")]


def alike(figures: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """A figure of several runs, warm; with the start for all of them where one of them has nothing else."""
    is_warm = all(each[name] is not None for each in figures)
    return [float(each[name if is_warm else f"whole_{name}"]) for each in figures]


def cost(figures: Mapping[str, Any]) -> float:
    """CPU microseconds per event, warm; with the start where nothing else is known."""
    return alike([figures], "cpu_us")[0]


def speed(figures: Mapping[str, Any]) -> float:
    """Events per second, warm; with the start where nothing else is known."""
    return alike([figures], "per_second")[0]


def cheapest(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Whose events cost the least CPU."""
    costs = dict(zip(figures, alike(list(figures.values()), "cpu_us"), strict=True))
    return min(costs, key=costs.__getitem__)


def advantage(entries: Mapping[str, Any], workload: str, ours: str, peer: str) -> Interval | None:
    """How many times as many events per CPU second `ours` does as the peer: the median of the rounds' ratios."""
    pairs = _pairs(entries, workload, ours, peer, "cpu_us")
    return bootstrap([theirs / mine for mine, theirs in pairs]) if pairs else None


def speed_advantage(entries: Mapping[str, Any], workload: str, ours: str, peer: str) -> Interval | None:
    """The same by the clock."""
    pairs = _pairs(entries, workload, ours, peer, "per_second")
    return bootstrap([mine / theirs for mine, theirs in pairs]) if pairs else None


def _pairs(entries: Mapping[str, Any], workload: str, ours: str, peer: str, name: str) -> list[list[float]]:
    """[ours, the peer's] of each round that both have."""
    mine, theirs = rounds_of(entries, workload, ours), rounds_of(entries, workload, peer)
    return [alike([mine[number], theirs[number]], name) for number in sorted(mine.keys() & theirs.keys())]


def median(rounds: Mapping[int, Mapping[str, Any]], name: str) -> float | None:
    """Of one figure over the rounds."""
    values = [value[name] for value in rounds.values() if value.get(name) is not None]
    return statistics.median(values) if values else None


def table(entries: Mapping[str, Any], workload: str, systems: Sequence[str]) -> str:
    """Medians per system, as Markdown."""
    lines = [
        f"| {workload} | events per CPU second, warm | CPU µs per event, warm | with the start | events/s, warm | "
        "first event, s | peak MiB | rounds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for system in systems:
        rounds = rounds_of(entries, workload, system)
        if not rounds:
            why = (problems_of(entries, workload, system) or ["not run"])[0]
            lines.append(f"| {system} | **failed**: {why.replace('|', '/')[:160]} | | | | | | 0 |")
            continue
        cells = {name: median(rounds, name) for name in next(iter(rounds.values()))}
        warm, peak = cells["cpu_us"], cells["peak_bytes"] or 0
        per_cpu = f"{1e6 / warm:,.0f}" if warm else "–"
        lines.append(
            f"| {system} | {per_cpu} | {_cell(warm)} | {_cell(cells['whole_cpu_us'])} | {_cell(cells['per_second'])} "
            f"| {_cell(cells['first_seconds'])} | {peak / 2**20:,.0f} | {len(rounds)} |"
        )
    return "\n".join(lines)


def closing_line(entries: Mapping[str, Any], stock: str = "stock.default") -> tuple[str, bool]:
    """(ours against stock in this run, whether both could be compared)."""
    parts = []
    forms = {"ours.plain": "dedup off", "ours.dedup": "dedup on"}
    ran = [name for name in forms if any(entry.startswith(f"W1/{name}/") for entry in entries)]
    for name in ran or forms:
        found = advantage(entries, "W1", name, stock)
        if found is None:
            reasons = (
                problems_of(entries, "W1", name) or problems_of(entries, "W1", stock) or ["one of them did not run"]
            )
            return f"Events per CPU second, W1: no comparison with stock PySpark: {reasons[0]}", False
        parts.append(f"{found} with {forms[name]}")
    return f"Events per CPU second, W1, ours over stock PySpark: {', '.join(parts)}.", True


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
