"""What every program of this project shares on the command line: settings, errors, exit codes.

A setting is a flag, else an environment variable, else a default; ``--help`` shows all three. Secrets have no
flag: they come from the environment or from the file that ``--kafka-config`` names.

Exit codes: 0 done; 1 the run failed; 2 usage or configuration; 3 stopped by a policy (a data-loss gap, say).
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BOOTSTRAP_SERVERS = "localhost:9092"
DEFAULT_LAKE_URI = "s3a://ecommerce-lake"
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True}


class ConfigurationError(click.ClickException):
    """A setting is wrong: one line that names it and says what to do. Exit code 2."""

    exit_code = 2


class RunFailed(click.ClickException):
    """The run could not finish: one line that says why. Exit code 1."""

    exit_code = 1


class StoppedByPolicy(click.ClickException):
    """The run stopped itself before harm was done: one line with the remedy. Exit code 3."""

    exit_code = 3


def setting(flag: str, env: str, default: Any, help: str, **extra: Any) -> Callable[[Command], Command]:
    """A click option that also reads the environment variable `env` and shows it in the help."""
    return click.option(flag, envvar=env, show_envvar=True, default=default, help=help, **extra)


def stack(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several option decorators as one."""

    def apply(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


kafka_options = stack(
    setting(
        "--bootstrap-servers",
        "KAFKA_BOOTSTRAP_SERVERS",
        DEFAULT_BOOTSTRAP_SERVERS,
        "Kafka brokers, host:port.",
    ),
    setting(
        "--kafka-config",
        "KAFKA_CONFIG",
        None,
        "Properties file with further client settings under their Java names (security.protocol, …).",
        type=click.Path(exists=True, dir_okay=False),
    ),
)
topic_options = stack(
    setting("--raw-topic", "RAW_TOPIC", "ecommerce_events_raw", "Topic with the raw events."),
    setting("--enriched-topic", "ENRICHED_TOPIC", "ecommerce_events_enriched", "Topic for enriched events."),
    setting("--dead-letter-topic", "DEAD_LETTER_TOPIC", "dead_letter_queue", "Topic for dead letters."),
)
lake_options = stack(
    setting("--lake", "LAKE_URI", DEFAULT_LAKE_URI, "Where the Delta tables live: s3a://bucket[/path] or a path."),
    setting("--s3-endpoint", "AWS_ENDPOINT_URL", None, "S3 endpoint when it is not AWS, e.g. MinIO's URL."),
    setting("--s3-region", "AWS_REGION", "us-east-1", "S3 region."),
)
debug_option = click.option("--debug", is_flag=True, help="Show the traceback of an error.")


def run(command: click.Command, argv: list[str] | None = None, *, unread: int = 1) -> int:
    """Run `command` as a program and return its exit code; errors for people, one line each.

    `unread`: the exit code where the reader of its output has gone, as `| head` does: 0 for what only shows something.
    """
    arguments = sys.argv[1:] if argv is None else argv
    _write_what_can_be_written()
    stdout = sys.stdout
    try:
        return int(command.main(args=arguments, standalone_mode=False) or 0)
    except click.exceptions.Exit as exit_request:
        return int(exit_request.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.ClickException as error:
        if "--debug" in arguments and not isinstance(error, click.UsageError):
            traceback.print_exc()
        error.show()
        return error.exit_code
    except (BrokenPipeError, SystemExit) as error:
        # The reader has gone. rich leaves with 1 then; click, too, and puts another stream in stdout's place.
        if (
            isinstance(error, SystemExit)
            and sys.stdout is stdout
            and not isinstance(error.__context__, BrokenPipeError)
        ):
            raise
        # Nothing to say, and Python's own last flush shall not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        return unread
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        else:
            click.echo(f"Error: {one_line(error)} (--debug shows the traceback)", err=True)
        return 1


def _write_what_can_be_written() -> None:
    """A ✓ is no reason to fail where the encoding of a terminal or a log has none."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def one_line(error: BaseException, limit: int = 300) -> str:
    """The first line of an error's text, or its type where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return (f"{type(error).__name__}: {text}" if text else type(error).__name__)[:limit]
