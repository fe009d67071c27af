"""Simulate a shop and send its raw events.

Reads:      the product catalogue.
Writes:     raw events to the console, a file, Kafka or nowhere; a manifest of what was acknowledged.
Guarantees: every record in the manifest was acknowledged; each faulty record has exactly one fault.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import click

from generator.clock import SystemClock
from generator.options import GroupedCommand, generator_options
from generator.records import Record
from generator.resuming import NOTHING, refuse_other_options, resumed
from generator.run import generate, preview
from generator.settings import Settings
from pipelines.cli import CONTEXT_SETTINGS, RunFailed, run

_SHOWN, _SHOWN_BYTES = 3, 2_000


@click.command("generator", cls=GroupedCommand, context_settings=CONTEXT_SETTINGS)
@generator_options
@click.version_option(package_name="ecommerce-streaming", prog_name="generator")
def command(debug: bool, **options: Any) -> None:
    """Simulate shoppers who browse, fill carts, buy and refund, and send their raw events.

    Some records can be spoilt on purpose; the manifest says which. SIGTERM and Ctrl-C end the run in good
    order.
    """
    clock = SystemClock()
    delivered = NOTHING
    if options["resume"]:
        refuse_other_options(click.get_current_context())
        settings, delivered = resumed(Path(options["resume"]), options)
    else:
        settings = Settings.from_options(options, clock.now_ms(), random_seed=secrets.randbelow(1_000_000))
    if options["dry_run"]:
        _show(*preview(settings, clock))
        return
    summary = generate(settings, clock, delivered)
    if settings.summary:
        _print_json(summary, to_stderr=settings.sink == "console")
    missing = summary["sent"] - summary["acknowledged"]
    if summary["ended_by"] == "failure" or (missing and summary["ended_by"] != "closed pipe"):
        raise RunFailed(f"{missing} of {summary['sent']} records were not acknowledged: {summary['error']}")


def _show(told: dict[str, Any], sample: list[Record]) -> None:
    """The summary that there would be as JSON on stdout; the first events on stderr."""
    for record in sample[:_SHOWN]:
        print((record.value or b"")[:_SHOWN_BYTES].decode(errors="replace"), file=sys.stderr)
    _print_json(told, to_stderr=False)


def _print_json(summary: dict[str, Any], to_stderr: bool) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(summary), file=sys.stderr if to_stderr else sys.stdout, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the generator and return its exit code."""
    try:
        return run(command, argv)
    finally:
        _let_go_of_stdout()


def _let_go_of_stdout() -> None:
    """Keep Python's own last flush of a closed pipe from complaining."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
