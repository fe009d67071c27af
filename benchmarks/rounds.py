"""Drains in rounds: each system once per round, in shuffled order, until a round is complete."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.corpus import Corpus
from benchmarks.drain import drain, fresh_place
from benchmarks.ground import Ground
from benchmarks.journal import Journal
from benchmarks.stopping import is_stopping
from benchmarks.storage import bytes_per_event
from benchmarks.systems import System


@dataclass
class Bench:
    """What all measurements need.

    `cores`: the processors of the system under test in drains; `all_cores`: in streams, which nobody would pin.
    """

    ground: Ground
    journal: Journal
    say: Callable[[str], None]
    cores: Sequence[int]
    all_cores: Sequence[int]
    limit_seconds: float = 600

    def measure(self, name: str, what: Callable[[], Any]) -> Any:
        """Do it unless the journal has it already; a failure is noted as one and does not stop the benchmark."""
        if name not in self.journal:
            self.say(name)
            try:
                value = what()
            except Exception as error:
                if is_stopping():
                    raise KeyboardInterrupt from error
                value = {"problem": f"{type(error).__name__}: {error}"[:500]}
            self.journal.note(name, value)
            self.say(f"  {tell(value)}")
        return self.journal.entries[name]

    def drain(self, system: System, corpus: Corpus, workload: str, partitions: int = 6) -> dict[str, Any]:
        """One run, as the journal keeps it, with the size of its lake if that is a Delta table."""
        loaded = self.ground.load(corpus, self.say, partitions)
        with fresh_place(self.ground, loaded, system, workload) as place:
            run = drain(system, place, self.say, cores=self.cores, limit_seconds=self.limit_seconds)
            if run.figures is None:
                return {"problem": run.problem, "log": str(run.log)}
            is_weighed = workload == "W1" and place.is_delta
            return run.figures.as_json() | ({"storage": bytes_per_event(self.ground, place)} if is_weighed else {})


def corpus_of(workload: str, count: int) -> Corpus:
    """The corpus that a workload asks for; W4's events are five times as large, so there are fewer."""
    return Corpus(count // 3, invalid=0.3, ugly=True) if workload == "W4" else Corpus(count)


def run_rounds(bench: Bench, workload: str, systems: Sequence[System], rounds: int, count: int) -> None:
    """All systems, `rounds` times."""
    for number in range(rounds):
        order = list(systems)
        random.Random(f"{workload}{number}").shuffle(order)  # noqa: S311 - the same order when it is resumed
        for system in order:
            name = f"{workload}/{system.id}/{number}"
            bench.measure(name, partial(bench.drain, system, corpus_of(workload, count), workload))


def tell(value: Any) -> str:
    """A figure for the progress line."""
    if not isinstance(value, dict):
        return str(value)
    if value.get("problem"):
        return f"FAILED: {value['problem']}"
    if "whole_cpu_us" in value:
        warm = (
            f"{value['cpu_us']:.0f} µs of CPU per event, {value['per_second']:,.0f} events/s warm; "
            if value["cpu_us"]
            else ""
        )
        peak = value["peak_bytes"] / 2**20
        return (
            f"{warm}{value['whole_cpu_us']:.0f} µs with the start, {value['first_seconds']:.0f} s to the first event, "
            f"{value['seconds']:.0f} s in all, {peak:,.0f} MiB"
        )
    return "; ".join(
        f"{name}: {tell(part)}" if isinstance(part, dict) else f"{name} {shown(part)}" for name, part in value.items()
    )


def shown(value: Any) -> str:
    """A number in few digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
