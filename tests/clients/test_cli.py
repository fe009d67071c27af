"""How programs end: where nobody reads their output any more, and where the terminal has no sign for a character."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import click
from pipelines.cli import run
from pipelines.terminal import page

@click.command()
def main():
    {body}

sys.exit(run(main, unread=7))
"""
WRITERS = {
    "click": "for _ in range(100_000): click.echo('x' * 50)",
    "rich": "for _ in range(100_000): page().print('x' * 50)",
    "print": "for _ in range(100_000): print('x' * 50)",
}


def started(body: str, **environment: str) -> subprocess.Popen[bytes]:
    """A program of the project whose command is `body`."""
    command = [sys.executable, "-c", PROGRAM.format(body=body)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("writer", WRITERS)
def test_a_reader_that_has_gone_is_no_error(writer: str) -> None:
    program = started(WRITERS[writer])
    assert program.stdout
    assert program.stderr
    program.stdout.readline()
    program.stdout.close()
    assert (program.wait(60), program.stderr.read()) == (7, b"")
    program.stderr.close()


def test_a_program_that_wants_to_leave_with_a_code_does() -> None:
    program = started("sys.exit(5)")
    program.communicate(timeout=60)
    assert program.returncode == 5


def test_what_the_terminal_cannot_show_is_no_reason_to_fail() -> None:
    program = started("page().print('✓ proven'); print('✓', file=sys.stderr)", PYTHONIOENCODING="latin-1")
    assert program.communicate(timeout=60) == (b"? proven\n", b"\\u2713\n")
    assert program.returncode == 0
