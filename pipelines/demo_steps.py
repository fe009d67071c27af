"""The steps of the demo: commands that people can run themselves, with a heading, a time and a remedy each."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text

from infra.places import PROJECT_ROOT
from pipelines.cli import ConfigurationError, RunFailed, StoppedByPolicy

# Longer than a batch takes: enrich finishes the one in hand.
_STOP_SECONDS = 120.0
_HEARTBEAT_SECONDS = 20.0


class Steps:
    """Runs commands one after another. `environment` is all that they see; they inherit the `inherited` files."""

    def __init__(self, console: Console, count: int) -> None:
        self._console = console
        self._count = count
        self._number = 0
        self.environment: Mapping[str, str] = {}
        self.inherited: tuple[int, ...] = ()

    def head(self, title: str) -> None:
        """A new step's heading."""
        self._number += 1
        self._console.print()
        heading = Text(f"{self._number}/{self._count}  {title}", style="bold")
        self._console.rule(heading, align="left", style="cyan")

    def do(
        self,
        title: str,
        command: Sequence[str],
        *,
        remedy: str = "",
        is_quiet: bool = False,
        folder: Path | None = None,
    ) -> None:
        """Run one step's command to its end, in `folder`. What it prints goes where this program's output goes.

        `is_quiet`: it says nothing for minutes, so this program shows that time passes.
        Raises a ClickException that names the step and the remedy where the command fails.
        """
        self.head(title)
        self._console.print(Text(_readable(command), style="dim"), soft_wrap=True)
        started = time.monotonic()
        code = self._run_quiet(command) if is_quiet else self._run(command, folder)
        if code:
            kind = {2: ConfigurationError, 3: StoppedByPolicy}.get(code, RunFailed)
            raise kind(
                f"Step {self._number} of the demo failed ({command[0]}, exit code {code}): "
                f"{remedy or 'see the line above'}."
            )
        self._console.print(Text(f"{time.monotonic() - started:.0f} s", style="dim"))

    def attempt(self, title: str, command: Sequence[str], *, remedy: str, folder: Path | None = None) -> bool:
        """As `do`, for a step that nothing depends on: False where it fails, and a line that says so."""
        try:
            self.do(title, command, remedy=remedy, folder=folder)
        except click.ClickException as problem:
            self._console.print(Text(f"{problem.message} Nothing else depends on it."), soft_wrap=True)
            return False
        return True

    def _run(self, command: Sequence[str], folder: Path | None) -> int:
        with self._started(command, cwd=folder) as child:
            return child.wait()

    def _run_quiet(self, command: Sequence[str]) -> int:
        """On a terminal a spinner counts the seconds below the command's lines; else a line does at times."""
        started = heard = time.monotonic()

        def pass_on(lines: IO[str]) -> None:
            nonlocal heard
            for line in lines:
                heard = time.monotonic()
                self._console.print(Text(line.rstrip("\n")), soft_wrap=True)

        with (
            self._started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child,
            self._console.status("") as status,
        ):
            reader = threading.Thread(target=pass_on, args=(child.stdout,), daemon=True)
            reader.start()
            while reader.is_alive():
                reader.join(1)
                now = time.monotonic()
                status.update(f"working, {now - started:.0f} s")
                if not self._console.is_terminal and now - heard > _HEARTBEAT_SECONDS:
                    heard = now
                    self._console.print(f"… working, {now - started:.0f} s")
            return child.wait()

    @contextmanager
    def _started(self, command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
        """The running command. When this program is interrupted, the command ends first, in good order."""
        # The interpreter of this program: the one that has the project installed.
        program = sys.executable if command[0] == "python" else self._find(command[0])
        child = subprocess.Popen(  # noqa: S603 — our own programs
            [program, *command[1:]], env=self.environment, pass_fds=self.inherited, **options
        )
        try:
            yield child
        except KeyboardInterrupt:
            self._end(child)
            raise

    def _end(self, child: subprocess.Popen[str]) -> None:
        """Let the command end in good order; a second Ctrl-C, or too long a wait, kills it."""
        self._console.print("\nStopping …")
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            child.kill()
            child.wait()

    def _find(self, program: str) -> str:
        found = shutil.which(program, path=self.environment.get("PATH"))
        if found is None:
            raise ConfigurationError(f"There is no {program} on PATH: run `make install`.")
        return found


def _readable(command: Sequence[str]) -> str:
    """The command as people type it in the project's folder."""
    line = " ".join(shlex.quote(part.removeprefix(f"{PROJECT_ROOT}{os.sep}")) for part in command)
    lines = textwrap.wrap(f"$ {line}", width=96, break_long_words=False, break_on_hyphens=False)
    return " \\\n      ".join(lines)
