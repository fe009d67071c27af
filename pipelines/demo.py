"""The whole pipeline once, on this machine: ``make demo`` (``python -m pipelines.demo``).

Every step is a command that people can run themselves, with the local stack's settings: start the servers,
create the topics, generate events with faults, enrich them, look at the result, prove that nothing was lost.
A second run generates nothing new: it drains what is left and shows the same figures.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.text import Text

from infra.local import Stack
from infra.local.__main__ import home_option
from infra.places import PROJECT_ROOT
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, RunFailed, debug_option, run
from pipelines.demo_steps import Steps
from pipelines.terminal import page

COUNT = 30_000
# Shorter than LATE_AFTER_SECONDS, an hour: the good events must not be late.
GENERATOR_OPTIONS = (
    *("--sink=kafka", f"--count={COUNT}", "--seed=2026", "--start-time=50m", "--end-time=now"),
    *("--malformed-rate=0.008", "--missing-field-rate=0.005", "--wrong-type-rate=0.005"),
    *("--bad-timestamp-rate=0.005", "--duplicate-rate=0.01", "--late-rate=0.01"),
)
# Three batches, so that one sees them pass.
ENRICH_OPTIONS = ("--available-now", f"--max-offsets-per-trigger={COUNT * 35 // 100}")
START_AFRESH = "`make clean`, then `make demo`, starts afresh"

# What of the caller's environment would lead a step elsewhere than to the local stack and default settings.
_FOREIGN_PREFIXES = ("AWS_", "KAFKA_", "GENERATOR_", "TOPIC_", "SPARK_", "PYSPARK_")
_FOREIGN_NAMES = {
    *("RAW_TOPIC", "ENRICHED_TOPIC", "DEAD_LETTER_TOPIC", "LAKE_URI", "CHECKPOINT_URI", "CATALOG_URI"),
    *("MAX_EVENT_BYTES", "MAX_EVENT_AGE_DAYS", "MAX_FUTURE_SECONDS", "MAX_OFFSETS_PER_TRIGGER"),
    *("LATE_AFTER_SECONDS", "DEDUP_HORIZON_SECONDS", "PSEUDONYM_KEY"),
}

_NEXT = {
    "Look further": {
        'eval "$(make -s local-env)"': "the settings of these servers, for this shell: then",
        "python -m pipelines.overview": "the figures above",
        "python -m pipelines.verify": "the proof",
        "python -m generator --sink kafka": "more events, until Ctrl-C (--help: rates and faults)",
        "spark-submit pipelines/enrich.py": "enrich them as they come, until Ctrl-C",
    },
    "Clean up": {
        "make down": "stop the servers; their data stays",
        "make clean": "stop them and delete their data",
    },
}


class Demo:
    """The steps in order, on the local stack in `home`."""

    def __init__(self, home: Path, console: Console) -> None:
        self._stack = Stack(home)
        self._folder = self._stack.home / "demo"
        self._manifest = self._folder / "manifest.jsonl"
        self._console = console
        self._steps = Steps(console, count=6)

    def run(self) -> None:
        """All steps. Raises a ClickException with the remedy where one fails."""
        began = time.monotonic()
        self._start_servers()
        with self._alone():
            self._steps.do("Create the topics", ["python", "-m", "pipelines.topics"])
            self._generate()
            self._enrich()
            self._steps.do("See what happened", ["python", "-m", "pipelines.overview"])
            self._prove()
        seconds = time.monotonic() - began
        self._say_what_next(f"The demo took {seconds // 60:.0f} min {seconds % 60:.0f} s.")

    def say_what_runs(self) -> None:
        """After an interruption: the servers may still be up."""
        try:
            running = [row.program for row in self._stack.status() if row.pid]
        except ConfigurationError:
            running = []
        if running:
            sent = sent_rows(self._manifest)
            go_on = START_AFRESH if sent is not None and sent < COUNT else "`make demo` goes on"
            self._console.print(f"{', '.join(running)} keep running: {go_on}, `make down` stops them.")

    def _start_servers(self) -> None:
        # This step alone sees the caller's environment: KAFKA_PORT, S3_SERVER and so on are for it.
        self._steps.environment = dict(os.environ)
        command = ["python", "-m", "infra.local", "up", "--home", str(self._stack.home)]
        self._steps.do("Start ZooKeeper, Kafka and an S3 server", command)
        self._steps.environment = environment_for(self._stack)

    def _generate(self) -> None:
        title = f"Generate {COUNT:,} events of the last 50 minutes, some of them faulty"
        sent = sent_rows(self._manifest)
        if sent is None:
            options = (*GENERATOR_OPTIONS, "--no-summary", "--manifest", str(self._manifest))
            self._steps.do(title, ["python", "-m", "generator", *options], remedy=START_AFRESH)
            sent = sent_rows(self._manifest) or 0
        else:
            self._steps.head(title)
            if sent >= COUNT:
                self._console.print(f"Done by an earlier run: {sent:,} events are in Kafka, none is sent.")
        if sent < COUNT:
            raise RunFailed(f"Generating was cut short: only {sent:,} of {COUNT:,} events were sent. {START_AFRESH}.")

    def _enrich(self) -> None:
        self._steps.do(
            "Enrich them with Spark, which takes a while to start",
            ["spark-submit", str(PROJECT_ROOT / "pipelines" / "enrich.py"), *ENRICH_OPTIONS],
            remedy="`make demo` goes on where it stopped",
            is_quiet=True,
        )

    def _prove(self) -> None:
        self._steps.do(
            "Prove that nothing was lost",
            ["python", "-m", "pipelines.verify", "--caught-up", "--manifest", str(self._manifest)],
            remedy="the list above says what is wrong",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One demo at a time. Its steps inherit the lock: one that outlives a killed demo keeps it."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunFailed(
                    f"Another `make demo`, or a step of one that was killed, is at work in {self._folder}: "
                    "wait until it is done."
                ) from error
            self._steps.inherited = (lock.fileno(),)
            yield

    def _say_what_next(self, last: str) -> None:
        for title, commands in _NEXT.items():
            self._console.print(Text(f"\n{title}", style="bold"))
            for command, meaning in commands.items():
                self._console.print(Text.assemble("  ", (f"{command:<36}", "cyan"), meaning))
        self._console.print(Text(f"\n{last}", style="bold"))


def environment_for(stack: Stack) -> dict[str, str]:
    """The caller's environment without settings of this project's programs, and the stack's instead."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name not in _FOREIGN_NAMES
    }
    return {**kept, **stack.environment()}


def sent_rows(manifest: Path) -> int | None:
    """Complete lines of the manifest, None where there is none."""
    try:
        with manifest.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return None


@click.command(context_settings=CONTEXT_SETTINGS)
@home_option
@debug_option
def main(home: Path, debug: bool) -> None:
    """Run the whole pipeline once on generated events, with local servers, and show what came of it.

    A second run sends nothing and shows the same figures. The servers' ports are set as for `make up`.
    """
    demo = Demo(home, page())
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        demo.run()
    except KeyboardInterrupt:
        demo.say_what_runs()
        raise


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(run(main))
