"""The results of a full benchmark for people: Markdown, and what it is drawn from as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.comparison import (
    advantage,
    cost,
    rounds_of,
    speed_advantage,
    table,
)
from benchmarks.figures import bootstrap

Entries = Mapping[str, Any]
OURS = ("ours.plain", "ours.dedup")
NOTES = """\
CPU is that of all processes of the system under test, through /proc; broker, store and load generator are not in it.
Warm: once half of the events are in both sinks. A ratio above 1 is in our favour; in brackets 95 % of a bootstrap
over the rounds. Ours does its whole contract in every workload, and has no smaller mode for W2 and W3. The Flink peer
writes Parquet files without a table log, which is less work than Delta. The hand loop checks what the corpus contains
and no more.
"""


def write(entries: Entries, facts: Mapping[str, Any], folder: Path, date: str) -> Path:
    """`<date>.json` and `<date>.md`; the Markdown's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{date}.json").write_text(
        json.dumps({"facts": facts, "entries": entries}, indent=1) + "\n", encoding="utf-8"
    )
    path = folder / f"{date}.md"
    path.write_text(markdown(entries, facts, date), encoding="utf-8")
    return path


def markdown(entries: Entries, facts: Mapping[str, Any], date: str) -> str:
    """All tables."""
    machine = ", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, dict))
    versions = ", ".join(f"{name} {value}" for name, value in facts.get("versions", {}).items() if value)
    parts = [f"# Benchmark of {date}", f"{machine}. {versions}.", NOTES]
    for workload in ("W1", "W2", "W3", "W4"):
        systems = systems_of(entries, workload)
        if systems:
            parts += [f"## {workload}", table(entries, workload, systems), ratios(entries, workload, systems)]
    parts += [part for part in (pilot(entries), roofline(entries), latency(entries), growth(entries)) if part]
    parts += [part for part in (others(entries), failures(entries)) if part]
    return "\n\n".join(parts) + "\n"


def systems_of(entries: Entries, workload: str) -> list[str]:
    """Who ran a workload: ours first."""
    found = {name.split("/")[1] for name in entries if name.startswith(f"{workload}/")}
    return sorted(found, key=lambda name: (not name.startswith("ours"), name))


def ratios(entries: Entries, workload: str, systems: list[str]) -> str:
    """Ours over each peer: events per CPU second, events per second."""
    mine = [name for name in OURS if name in systems]
    head = " | ".join(f"{name}: per CPU second | {name}: per second" for name in mine)
    lines = [f"| ours over | {head} |", "|---|" + "---|---|" * len(mine)]
    for peer in systems:
        if peer not in OURS:
            cells = []
            for name in mine:
                for ratio in (advantage, speed_advantage):
                    cells.append(str(ratio(entries, workload, name, peer) or "–"))
            lines.append(f"| {peer} | {' | '.join(cells)} |")
    return "\n".join(lines)


def pilot(entries: Entries) -> str:
    """What chose the forms."""
    rows = {name: value for name, value in entries.items() if name.startswith("pilot-")}
    lines = ["## Pilot: default or tuned, CPU µs per event", "", "| | |", "|---|---:|"]
    for name, value in rows.items():
        shown = f"failed: {value['problem'][:160]}" if value.get("problem") else f"{cost(value):,.1f}"
        lines.append(f"| {name.removeprefix('pilot-')} | {shown} |")
    return "\n".join(lines) if rows else ""


def roofline(entries: Entries) -> str:
    """The stages, and which share of the roofline each system reaches."""
    found = [value for name, value in entries.items() if name.startswith("roofline/") and not value.get("problem")]
    if not found:
        return ""
    names = ("consume", "parse", "encode", "produce", "cpu_us")
    cells = [f"{bootstrap([value[name] for value in found]).median:.1f}" for name in names]
    lines = ["## Roofline, CPU µs per event", "", f"| {' | '.join(names[:-1])} | sum |", "|---:" * len(names) + "|"]
    lines += [f"| {' | '.join(cells)} |", "", "| fraction of the roofline, W1 | |", "|---|---|"]
    for system in systems_of(entries, "W1"):
        rounds = rounds_of(entries, "W1", system)
        tops = {n: entries[f"roofline/{n}"]["cpu_us"] for n in rounds if "cpu_us" in entries.get(f"roofline/{n}", {})}
        shares = [tops[number] / cost(rounds[number]) for number in tops]
        if shares:
            lines.append(f"| {system} | {bootstrap(shares)} |".replace("×", ""))
    return "\n".join(lines)


def latency(entries: Entries) -> str:
    """Percentiles."""
    rows = {name: value for name, value in entries.items() if name.startswith("latency/")}
    columns = [f"{sink}_{name}" for sink in ("topic", "lake") for name in ("p50", "p99", "p999", "max")]
    lines = [
        "## Latency, seconds from when an event was due",
        "",
        "| system | events/s | enriched topic: p50 | p99 | p99.9 | max | lake: p50 | p99 | p99.9 | max "
        "| silences over 1 s: topic | lake | start to first event | latest send |",
        "|---|" + "---:|" * 13,
    ]
    for name, value in rows.items():
        system = name.split("/")[1]
        if value.get("problem"):
            lines.append(f"| {system} | failed: {value['problem'][:160]} |" + " |" * 12)
            continue
        cells = [f"{value[column]:.2f}" for column in columns]
        silences = f"{value['topic_silences']} | {value['lake_silences']}"
        ends = f"{value['start_seconds']:.1f} | {value['sent_late']:.2f}"
        lines.append(f"| {system} | {value['rate']:,} | {' | '.join(cells)} | {silences} | {ends} |")
    return "\n".join(lines) if rows else ""


def growth(entries: Entries) -> str:
    """Cost at the large end over cost at the small one."""
    commits = entries.get("growth/commits", {})
    pairs = {
        "partitions, 64 over 1": _pair(entries, "growth/partitions/64", "growth/partitions/1"),
        "backlog, ten times": _pair(entries, "growth/backlog/10", "growth/backlog/1"),
        "earlier commits, 5,000 over 100": (commits["5000"], commits["100"]) if "5000" in commits else None,
    }
    lines = [
        "## Growth (ours, dedup on)",
        "",
        "| | CPU per event, warm | with the start | peak memory |",
        "|---|---:|---:|---:|",
    ]
    for name, pair in pairs.items():
        if pair is None:
            continue
        big, small = pair
        warm = _ratio(big["cpu_us"], small["cpu_us"])
        if name.startswith("backlog"):  # of one run: its last fifth over its second
            warm = _ratio(big["late_cpu_us"], big["early_cpu_us"])
        whole = _ratio(big["whole_cpu_us"], small["whole_cpu_us"])
        peak = f"{small['peak_bytes'] / 2**20:,.0f} → {big['peak_bytes'] / 2**20:,.0f} MiB"
        lines.append(f"| {name} | {warm} | {whole} | {peak} |")
    note = "The backlog's warm figure compares the last fifth of the large run with its second fifth."
    return "\n".join([*lines, "", note]) if len(lines) > 4 else ""


def _ratio(big: float | None, small: float | None) -> str:
    return f"{big / small:.2f}×" if big and small else "–"


def _pair(entries: Entries, big: str, small: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    found = entries.get(big, {"problem": "not run"}), entries.get(small, {"problem": "not run"})
    return None if any(value.get("problem") for value in found) else found


def others(entries: Entries) -> str:
    """Bytes, recovery, the generator."""
    lines = []
    for name, value in entries.items():
        section, _, system = name.partition("/")
        if name.startswith("W1/") and name.endswith("/0") and "storage" in value:
            stored = value["storage"]
            lines.append(
                f"- {system.removesuffix('/0')}: {stored['bytes']:.0f} bytes per event in the lake, "
                f"{stored['log_bytes']:.1f} in its log; delta-rs writes the same {stored['columns']} columns in "
                f"{stored['delta_rs_bytes']:.0f}: {stored['ratio']:.2f}×"
            )
        elif section not in ("recovery", "generator") or value.get("problem"):
            continue
        elif section == "recovery":
            lines.append(
                f"- {system}, kill -9 at {value['rate']:,} events/s: first event after {value['first_seconds']:.1f} s, "
                f"caught up after {value['caught_up_seconds']:.1f} s, {value['after_start_up']:.1f} s later"
            )
        else:
            for sink, told in value.items():
                if isinstance(told, dict):
                    rate, per_cpu = told["per_second"], told["per_cpu_second"]
                    lines.append(f"- generator, {sink}: {rate:,} events/s, {per_cpu:,} per CPU second")
    return "\n".join(["## Bytes, recovery, generator", "", *lines]) if lines else ""


def failures(entries: Entries) -> str:
    """What could not be installed or measured, with the errors."""
    lines = [f"- {name}: {value['problem']}" for name, value in entries.items() if value.get("problem")]
    return "\n".join(["## What failed", "", *lines]) if lines else ""
