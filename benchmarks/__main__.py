"""``python -m benchmarks quick`` and ``full``: the pipeline beside what people would take instead, on this machine.

Linux only: what a system uses is read from /proc.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from benchmarks import comparison, report
from benchmarks.full import SECTIONS, Amounts, run_full
from benchmarks.ground import ground
from benchmarks.journal import Journal, machine
from benchmarks.places import RESULTS
from benchmarks.plot import draw
from benchmarks.report import systems_of
from benchmarks.rounds import Bench, run_rounds
from benchmarks.systems import all_systems
from pipelines.cli import CONTEXT_SETTINGS, Command, ConfigurationError, debug_option, run, stack

QUICK = ("ours.plain", "stock.default")

common_options: Callable[[Command], Command] = stack(
    click.option("--fresh", is_flag=True, help="Forget what an interrupted benchmark has measured."),
    click.option("--pin/--no-pin", default=True, help="The system on one core, servers on the others."),
    debug_option,
)


@click.group(context_settings=CONTEXT_SETTINGS)
def main() -> None:
    """The pipeline beside what people would take instead, on this machine, in one run.

    Starts its own servers on free ports and stops them, however it ends. Ratios count; absolute figures are this
    machine's. What is measured and how: benchmarks/WORKLOADS.md.
    """


@main.command()
@click.option("--count", default=400_000, help="Events.")
@click.option("--rounds", default=1, help="Rounds.")
@click.option("--system", "names", multiple=True, default=QUICK, help="Which systems.")
@common_options
def quick(count: int, rounds: int, names: tuple[str, ...], fresh: bool, pin: bool, debug: bool) -> int:
    """Workload W1 for the pipeline and stock PySpark; the last line compares them. About 10 minutes.

    Writes benchmarks/results/<date>-quick.md and .json.
    """
    systems = chosen(names)
    settings = {"count": count, "rounds": rounds, "pin": pin}
    with prepared("quick", settings, fresh, pin) as bench:
        run_rounds(bench, "W1", systems, rounds, count)
        entries = bench.journal.entries
        path = report.write(entries, {**machine(), **settings}, RESULTS, time.strftime("%Y-%m-%d-quick"))
        bench.journal.close()
    say(f"Results: {path}")
    say(comparison.table(entries, "W1", [system.id for system in systems]))
    line, is_complete = comparison.closing_line(entries)
    say(line)
    return 0 if is_complete else 1


@main.command()
@click.option("--count", default=400_000, help="Events of W1; W2 and W3 have two thirds of it, W4 two ninths.")
@click.option("--rounds", default=5, help="Rounds of W1.")
@click.option("--other-rounds", default=3, help="Rounds of W2 to W4.")
@click.option("--small", default=40_000, help="Events of the growth's small case; the large one has ten times as many.")
@click.option(
    "--only", multiple=True, type=click.Choice(SECTIONS), help="Only these; the others as far as they are there."
)
@common_options
def full(
    count: int, rounds: int, other_rounds: int, small: int, only: tuple[str, ...], fresh: bool, pin: bool, debug: bool
) -> None:
    """All peers, workloads and figures; some hours.

    An interrupted one goes on where it was, also with more --rounds. Writes benchmarks/results/<date>.md, .json, .png.
    """
    settings = {"count": count, "small": small, "pin": pin}
    with prepared("full", settings, fresh, pin) as bench:
        try:
            run_full(bench, Amounts(count, rounds, other_rounds, small), only or SECTIONS)
        finally:
            date, facts = time.strftime("%Y-%m-%d"), {**machine(), **settings}
            path = report.write(bench.journal.entries, facts, RESULTS, date)
            draw(bench.journal.entries, path.with_suffix(".png"), date)
            say(f"Results: {path}")
        if not only:
            bench.journal.close()
    say(comparison.closing_line(bench.journal.entries, form_of(bench.journal.entries, "stock"))[0])


def form_of(entries: Mapping[str, Any], name: str) -> str:
    """The form in which a peer ran W1."""
    return next((system for system in systems_of(entries, "W1") if system.startswith(f"{name}.")), f"{name}.default")


def chosen(names: tuple[str, ...]) -> list[Any]:
    """Systems by id; a name without variant means all of its variants."""
    known = all_systems()
    found = []
    for name in names:
        matching = [system for id_, system in known.items() if name in (id_, system.name)]
        if not matching:
            raise ConfigurationError(f"There is no system {name}: choose from {', '.join(known)}.")
        found += matching
    return found


@contextmanager
def prepared(kind: str, settings: dict[str, Any], fresh: bool, pin: bool) -> Iterator[Bench]:
    """Servers and journal for a `with` block, this process and the servers off the core of the system under test."""
    cores = sorted(os.sched_getaffinity(0))
    is_pinned = pin and len(cores) > 1
    if is_pinned:
        os.sched_setaffinity(0, cores[1:])
    journal = Journal.open(kind, settings, fresh=fresh)
    if journal.entries:
        say(f"Going on with the benchmark in {journal.path}: {len(journal.entries)} figures are there (--fresh: anew).")
    with ground(say) as servers:
        yield Bench(servers, journal, say, cores[:1] if is_pinned else cores, cores)


def say(text: str) -> None:
    """A line of progress with the time."""
    click.echo(f"{time.strftime('%H:%M:%S')} {text}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(main))
