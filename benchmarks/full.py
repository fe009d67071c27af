"""Everything that is measured, in order; each figure once, by a name in the journal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.comparison import cheapest, speed
from benchmarks.corpus import Corpus
from benchmarks.drain import on_cores
from benchmarks.ground import RAW
from benchmarks.growth import after_commits
from benchmarks.latency import latency
from benchmarks.recovery import recovery
from benchmarks.roofline import roofline
from benchmarks.rounds import Bench, corpus_of, run_rounds
from benchmarks.systems import INSTALLED_PEERS, System, all_systems, ours
from infra.places import PROJECT_ROOT
from pipelines.cli import RunFailed

PEERS = ("stock", "hand-loop", "flink")
FRAMEWORKS = ("pathway", "quix")
MIXED = ("stock", "hand-loop")  # what W2 to W4 compare with
LATENCY = ("stock", "flink")
RATE = 1_000
MOST_RATE = 8_000  # what one Python process can send on time beside everything else
SECTIONS = ("install", "W1", "W2", "W3", "W4", "latency", "growth", "recovery", "generator")


@dataclass(frozen=True)
class Amounts:
    """How much: events of W1, rounds of W1, rounds of the other workloads, events of the growth's small case."""

    count: int
    rounds: int
    other_rounds: int
    small: int


def run_full(bench: Bench, amounts: Amounts, sections: tuple[str, ...]) -> None:
    """All sections that are asked for."""
    doing: dict[str, Callable[[], None]] = {
        "install": lambda: install(bench),
        "W1": lambda: workload_1(bench, amounts),
        **{name: partial(workload, bench, name, amounts) for name in ("W2", "W3", "W4")},
        "latency": lambda: latencies(bench, amounts),
        "growth": lambda: growth(bench, amounts),
        "recovery": lambda: recoveries(bench),
        "generator": lambda: generator(bench),
    }
    for section in sections:
        doing[section]()


def install(bench: Bench) -> None:
    """The peers with environments of their own; one that cannot be installed is reported with its error."""
    for peer in INSTALLED_PEERS:

        def attempt(peer: str = peer) -> dict[str, Any]:
            command = [sys.executable, "-m", "benchmarks.peers.install", peer]
            done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
            lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no output"]
            return {"problem": lines[-1][:300]} if done.returncode else {"installed": True}

        bench.measure(f"install/{peer}", attempt)


def better_form(bench: Bench, name: str, workload: str, count: int) -> System | None:
    """Default or tuned, whichever costs less CPU per event in one run of each, the pilot; None if both fail."""
    found: dict[str, Any] = {}
    systems = {system.id: system for system in all_systems().values() if system.name == name}
    for id_, system in systems.items():
        drained = partial(bench.drain, system, corpus_of(workload, count), workload)
        measured = bench.measure(f"pilot-{workload}/{id_}", drained)
        if not measured.get("problem"):
            found[id_] = measured
    return systems[cheapest(found)] if found else None


def better_forms(bench: Bench, names: Sequence[str], workload: str, count: int) -> list[System]:
    """Of those that can do the workload; the report tells of the others' pilots."""
    found = [better_form(bench, name, workload, count) for name in names]
    return [system for system in found if system is not None]


def workload_1(bench: Bench, amounts: Amounts) -> None:
    """All peers in their better forms; the roofline in each round."""
    peers = better_forms(bench, PEERS, "W1", amounts.count)
    corpus = corpus_of("W1", amounts.count)
    for number in range(amounts.rounds):
        run_rounds(bench, "W1", [ours(False), ours(True), *peers], number + 1, amounts.count)

        def stages() -> dict[str, float]:
            loaded = bench.ground.load(corpus, bench.say)
            return roofline(bench.ground, corpus, loaded.topic, loaded.partitions, bench.cores)

        bench.measure(f"roofline/{number}", stages)


def workload(bench: Bench, name: str, amounts: Amounts) -> None:
    """W2 to W4: us, stock, the hand loop; in W2 the Python frameworks too. Forms as W1's pilot chose them."""
    count = amounts.count * 2 // 3
    peers = better_forms(bench, MIXED, "W1", amounts.count)
    if name == "W2":
        peers += better_forms(bench, FRAMEWORKS, "W2", count)
    run_rounds(bench, name, [ours(False), *peers], amounts.other_rounds, count)


def latencies(bench: Bench, amounts: Amounts) -> None:
    """At 1,000 events/s, and at half of what each does at most in W1; on both cores, as a stream would run."""
    for system in (ours(True), *better_forms(bench, LATENCY, "W1", amounts.count)):
        runs = [value for key, value in bench.journal.entries.items()
                if key.split("/")[1:2] == [system.id] and key.startswith(("W1/", "pilot-W1/"))]  # fmt: skip
        best = [speed(value) for value in runs if not value.get("problem")]
        half = min(int(max(best, default=0) / 2), MOST_RATE)
        for word, rate in (("steady", RATE), ("half", half)):
            if rate and (word == "steady" or abs(rate - RATE) > RATE / 4):  # else it was measured already
                wait = partial(latency, bench.ground, system, rate, bench.say, cores=bench.all_cores)
                bench.measure(f"latency/{system.id}/{word}", wait)


def growth(bench: Bench, amounts: Amounts) -> None:
    """Ours: 1 and 64 partitions, the backlog and ten times it, 100 and 5,000 earlier commits.

    In small batches, so that each run has a warm part.
    """
    small = amounts.small
    system = ours(True, batch=small // 2)
    for partitions in (1, 64):
        drained = partial(bench.drain, system, Corpus(2 * small), "W1", partitions)
        bench.measure(f"growth/partitions/{partitions}", drained)
    for times in (1, 10):
        bench.measure(f"growth/backlog/{times}", partial(bench.drain, system, Corpus(small * times), "W1"))
    bench.measure(
        "growth/commits",
        lambda: after_commits(
            bench.ground,
            system,
            2 * small,
            (100, 5_000),
            bench.say,
            cores=bench.cores,
            limit_seconds=bench.limit_seconds,
        ),
    )


def recoveries(bench: Bench) -> None:
    """kill -9 at 1,000 events/s."""
    bench.measure(
        "recovery/ours.dedup", lambda: recovery(bench.ground, ours(True), RATE, bench.say, cores=bench.all_cores)
    )


def generator(bench: Bench) -> None:
    """The generator beside the clients alone."""

    def figures() -> dict[str, Any]:
        bench.ground.create_topic("raw-generator", 6, RAW)
        command = [*on_cores(bench.all_cores), sys.executable, "-m", "benchmarks.generator",
                   "--bootstrap-servers", bench.ground.servers, "--raw-topic", "raw-generator",
                   "--rounds", "3"]  # fmt: skip
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunFailed((done.stderr.strip().splitlines() or ["no output"])[-1])
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    bench.measure("generator", figures)
