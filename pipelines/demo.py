"""The whole pipeline once: ``make demo`` (``python -m pipelines.demo``), in containers ``make compose-demo``.

Every step is a command that people can run themselves: start the servers, create the topics, generate events with
faults, enrich them, look at the result, prove that nothing was lost, draw it. A second run generates nothing new: it
drains what is left and shows the same figures.

With ``--running`` the servers and the enrich job run already, and the environment says where: nothing is started.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
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
    *("--sink=kafka", f"--count={COUNT}", "--seed=2026", "--start-time=50m", "--end-time=now", "--profile=engaged"),
    *("--malformed-rate=0.008", "--missing-field-rate=0.005", "--wrong-type-rate=0.005"),
    *("--bad-timestamp-rate=0.005", "--duplicate-rate=0.01", "--late-rate=0.01"),
)
# Three batches, so that one sees them pass.
ENRICH_OPTIONS = ("--available-now", f"--max-offsets-per-trigger={COUNT * 35 // 100}")
# How long the running job may take for them.
PATIENCE_SECONDS = 900
# Where `make report` leaves its page.
REPORT = PROJECT_ROOT / ".analytics" / "report.html"
START_AFRESH = "`make clean`, then `make demo`, starts afresh"
COMPOSE_START_AFRESH = "`make compose-clean`, then `make compose-demo`, starts afresh"

# What of the caller's environment would lead a step elsewhere than to the local stack and default settings.
_FOREIGN_PREFIXES = ("AWS_", "KAFKA_", "GENERATOR_", "TOPIC_", "SPARK_", "PYSPARK_", "DBT_")
_FOREIGN_NAMES = {
    *("RAW_TOPIC", "ENRICHED_TOPIC", "DEAD_LETTER_TOPIC", "LAKE_URI", "CHECKPOINT_URI", "CATALOG_URI"),
    *("MAX_EVENT_BYTES", "MAX_EVENT_AGE_DAYS", "MAX_FUTURE_SECONDS", "MAX_OFFSETS_PER_TRIGGER"),
    "ENRICH_PROFILE",
    *("LATE_AFTER_SECONDS", "DEDUP_HORIZON_SECONDS", "PSEUDONYM_KEY", "ANALYTICS_DATABASE", "REPORT_FILE"),
}

_NEXT = {
    "Look further": {
        'eval "$(make -s local-env)"': "the settings of these servers, for this shell: then",
        "python -m pipelines.overview": "the figures above",
        "python -m pipelines.verify": "the proof",
        "make analytics": "the models behind the page, and their tests",
        "python -m generator --sink kafka": "more events, until Ctrl-C (--help: rates and faults)",
        "spark-submit pipelines/enrich.py": "enrich them as they come, until Ctrl-C",
    },
    "Clean up": {
        "make down": "stop the servers; their data stays",
        "make clean": "stop them and delete their data",
    },
}
_NEXT_IN_COMPOSE = {
    "Look further": {
        "make compose-status": "the containers and the addresses of their pages",
        "make compose-verify": "the proof again",
    },
    "Clean up": {
        "make compose-down": "stop the containers; their data stays",
        "make compose-clean": "stop them and delete their data",
    },
}


class Demo:
    """The steps in order; the manifest stays in `folder`. `stack` is None where everything runs already."""

    def __init__(self, folder: Path, console: Console, stack: Stack | None) -> None:
        self._stack = stack
        self._folder = folder
        self._manifest = self._folder / "manifest.jsonl"
        self._console = console
        self._steps = Steps(console, count=7 if stack else 4)
        self._steps.environment = dict(os.environ)
        self._start_afresh = START_AFRESH if stack else COMPOSE_START_AFRESH

    def run(self) -> None:
        """All steps. Raises a ClickException with the remedy where one fails."""
        began = time.monotonic()
        if self._stack:
            self._start_servers(self._stack)
        with self._alone():
            if self._stack:
                self._steps.do("Create the topics", ["python", "-m", "pipelines.topics"])
            self._generate()
            if self._stack:
                self._enrich()
            else:
                self._await_enrich()
            self._steps.do("See what happened", ["python", "-m", "pipelines.overview"])
            self._prove()
            is_drawn = self._stack is not None and self._draw()
        seconds = time.monotonic() - began
        took = f"The demo took {seconds // 60:.0f} min {seconds % 60:.0f} s."
        self._say_what_next(f"{took} Its figures as a page: {REPORT}" if is_drawn else took)

    def say_what_runs(self) -> None:
        """After an interruption: the servers may still be up."""
        if self._stack is None:
            return
        try:
            running = [row.program for row in self._stack.status() if row.pid]
        except ConfigurationError:
            running = []
        if running:
            sent = sent_rows(self._manifest)
            go_on = self._start_afresh if sent is not None and sent < COUNT else "`make demo` goes on"
            self._console.print(f"{', '.join(running)} keep running: {go_on}, `make down` stops them.")

    def _start_servers(self, stack: Stack) -> None:
        # This step alone sees the caller's environment: KAFKA_PORT, S3_SERVER and so on are for it.
        command = ["python", "-m", "infra.local", "up", "--home", str(stack.home)]
        self._steps.do("Start ZooKeeper, Kafka and an S3 server", command)
        self._steps.environment = environment_for(stack)

    def _generate(self) -> None:
        title = f"Generate {COUNT:,} events of the last 50 minutes, some of them faulty"
        sent = sent_rows(self._manifest)
        if sent is None:
            options = (*GENERATOR_OPTIONS, "--no-summary", "--manifest", str(self._manifest))
            reader = self._steps.environment
            self._steps.environment = as_generator(reader)
            self._steps.do(title, ["python", "-m", "generator", *options], remedy=self._start_afresh)
            self._steps.environment = reader
            sent = sent_rows(self._manifest) or 0
        else:
            self._steps.head(title)
            if sent >= COUNT:
                self._console.print(f"Done by an earlier run: {sent:,} events are in Kafka, none is sent.")
        if sent < COUNT:
            raise RunFailed(
                f"Generating was cut short: only {sent:,} of {COUNT:,} events were sent. {self._start_afresh}."
            )

    def _enrich(self) -> None:
        self._steps.do(
            "Enrich them with Spark, which takes a while to start",
            ["spark-submit", str(PROJECT_ROOT / "pipelines" / "enrich.py"), *ENRICH_OPTIONS],
            remedy="`make demo` goes on where it stopped",
            is_quiet=True,
        )

    def _await_enrich(self) -> None:
        self._steps.do(
            "Wait until the running enrich job has processed them",
            ["python", "-m", "pipelines.lag", "--wait", str(PATIENCE_SECONDS)],
            remedy="`docker compose logs enrich` in infra/ says why",
            is_quiet=True,
        )

    def _prove(self) -> None:
        # A running generator is always a little ahead of the job.
        caught_up = ["--caught-up"] if self._stack else []
        self._steps.do(
            "Prove that nothing was lost",
            ["python", "-m", "pipelines.verify", *caught_up, "--manifest", str(self._manifest)],
            remedy="the list above says what is wrong",
        )

    def _draw(self) -> bool:
        """The one step that the demo can do without: it may have to download dbt."""
        return self._steps.attempt(
            "Draw it, with dbt models (the first time installs dbt and a plotting library)",
            ["make", "-s", "report"],
            remedy="`make report` tries again",
            folder=PROJECT_ROOT,
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
        for title, commands in (_NEXT if self._stack else _NEXT_IN_COMPOSE).items():
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


def as_generator(environment: Mapping[str, str]) -> dict[str, str]:
    """On a broker with access rights events are sent by the principal that may: the generator's, if one is named."""
    names = {"KAFKA_SASL_USERNAME": "GENERATOR_KAFKA_USERNAME", "KAFKA_SASL_PASSWORD": "GENERATOR_KAFKA_PASSWORD"}
    return {**environment, **{name: environment[other] for name, other in names.items() if other in environment}}


def sent_rows(manifest: Path) -> int | None:
    """Complete lines of the manifest, None where there is none."""
    try:
        with manifest.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return None


@click.command(context_settings=CONTEXT_SETTINGS)
@home_option
@click.option(
    "--running",
    type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True),
    metavar="FOLDER",
    help="Start nothing: servers and enrich run, the environment says where. The manifest is kept in FOLDER.",
)
@debug_option
def main(home: Path, running: Path | None, debug: bool) -> None:
    """Run the whole pipeline once on generated events, with local servers, and show what came of it.

    A second run sends nothing and shows the same figures. The servers' ports are set as for `make up`.
    """
    if running:
        demo = Demo(running / "demo", page(), stack=None)
    else:
        stack = Stack(home)
        demo = Demo(stack.home / "demo", page(), stack)
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
