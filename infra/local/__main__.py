"""``python -m infra.local up|down|status|clean|env|minio``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from infra.local.choice import S3_SERVERS
from infra.local.minio import build_minio
from infra.local.stack import Stack
from infra.local.state import DEFAULT_HOME
from pipelines.cli import CONTEXT_SETTINGS, Command, debug_option, run, setting

home_option = setting(
    "--home",
    "STACK_HOME",
    DEFAULT_HOME,
    "Folder for state, logs and data.",
    type=click.Path(path_type=Path, file_okay=False),
    show_default=".local in the project",
)


def _port_option(name: str, title: str, default: int) -> Callable[[Command], Command]:
    return setting(
        f"--{name}-port",
        f"{name.upper()}_PORT",
        None,
        f"{title}'s port on 127.0.0.1.",
        type=click.IntRange(1, 65535),
        show_default=f"as recorded at the first up, else {default}",
    )


@click.group(context_settings=CONTEXT_SETTINGS)
def main() -> None:
    """ZooKeeper, Kafka and an S3 server on this machine, for development and tests. Loopback only."""


@main.command()
@home_option
@_port_option("zookeeper", "ZooKeeper", 2181)
@_port_option("kafka", "Kafka", 9092)
@_port_option("s3", "The S3 server", 9000)
@setting(
    "--s3-server",
    "S3_SERVER",
    None,
    "The S3 server of a new stack.",
    type=click.Choice(S3_SERVERS),
    show_default="minio where one is found, else s3proxy",
)
@debug_option
def up(home: Path, s3_server: str | None, debug: bool, **ports: Any) -> None:
    """Start the servers; wait until they answer.

    The first up draws credentials and creates the lake's bucket.
    """
    wished = {name.removesuffix("_port"): port for name, port in ports.items() if port is not None}
    stack = Stack(home, ports=wished, s3_server=s3_server, report=_say)
    if not stack.up():
        click.echo("The local stack is already up.")
    _show(stack)


@main.command()
@home_option
@debug_option
def down(home: Path, debug: bool) -> None:
    """Stop the servers; their data stays."""
    stopped = Stack(home, report=_say).down()
    click.echo(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


@main.command()
@home_option
@debug_option
def status(home: Path, debug: bool) -> int:
    """Show the servers. Exit code 0 when all answer, else 1."""
    return 0 if _show(Stack(home)) else 1


@main.command()
@home_option
@debug_option
def clean(home: Path, debug: bool) -> None:
    """Stop the servers and delete all their data.

    That is the whole folder: topics, lake, checkpoints, credentials.
    """
    stack = Stack(home, report=_say)
    click.echo(f"Deleted {stack.home}." if stack.clean() else f"Nothing to clean: {stack.home} does not exist.")


@main.command()
@home_option
@debug_option
def env(home: Path, debug: bool) -> None:
    """Print settings for eval "$(make -s local-env)"."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in Stack(home).environment().items()]
    # A session token or profile of another account would be used together with our keys.
    click.echo("\n".join(["unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE", *exports]))


@main.command()
@debug_option
def minio(debug: bool) -> None:
    """Build MinIO with Go into the shared cache, once."""
    click.echo(f"MinIO is at {build_minio()}; a new stack uses it.")


def _show(stack: Stack) -> bool:
    rows = stack.status()
    click.echo(f"{'server':<12}{'pid':>8}  {'address':<18}health")
    for row in rows:
        words = "up" if row.is_healthy else "down" if row.pid is None else "not answering"
        click.echo(f"{row.program:<12}{row.pid or '-':>8}  127.0.0.1:{row.port:<8}{words}")
    return all(row.is_healthy for row in rows)


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    sys.exit(run(main))
