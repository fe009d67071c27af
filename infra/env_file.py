"""Make infra/.env, the settings and secrets of Docker Compose: ``python3 -m infra.env_file``, or ``make env``.

The template infra/.env.example documents each variable in the comment above it. A comment that starts with
``Secret, 40 characters:`` marks one that is drawn at random; ``#NAME=value`` is a setting that may be left out.
A file that is there keeps what it says: only missing names are added.

Standard library only, and nothing of this project that needs more: with Docker, the machine needs `make` and
`python3` and no installation. Hence no click here; errors and exit codes are those of `pipelines.cli`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import string
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ENV_FILE = Path(__file__).resolve().parent / ".env"
TEMPLATE = Path(__file__).resolve().parent / ".env.example"
_REMEDY = "Correct the line, or delete it and run `make env`."

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_QUOTED = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)")\s*(?:\s#.*)?""")
_END_COMMENT = re.compile(r"\s#.*")
_OPTIONAL = re.compile(r"#([A-Z_][A-Z0-9_]*)=(.+)")
_SECRET = re.compile(r"# Secret, (\d+) characters: .")


class EnvFileError(Exception):
    """The file or the template is not usable: one line that says what to do. Exit code 2."""


@dataclass(frozen=True)
class Setting:
    """One variable of the template; `length` is the number of characters of a secret and None for anything else."""

    name: str
    default: str
    comment: tuple[str, ...]
    length: int | None
    is_optional: bool = False

    def lines(self) -> list[str]:
        """The setting as it stands in the template."""
        return [*self.comment, f"{self.name}={self.default}"]


def draw(length: int) -> str:
    """A random secret: letters and digits, a letter first, so that YAML takes none for a number."""
    rest = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length - 1))
    return secrets.choice(string.ascii_letters) + rest


def parse_env(text: str, where: str) -> dict[str, str]:
    """Names and values as Docker Compose reads them; of two lines with one name the last counts.

    An EnvFileError names the line, never what it says: that may be a secret.
    """
    return {name: value for _, name, value in _assignments(text, where)}


def beaten(values: Mapping[str, str], shell: Mapping[str, str]) -> list[str]:
    """The names of the file that a shell says otherwise, and Docker Compose with it."""
    return sorted(name for name, value in values.items() if shell.get(name, value) != value)


def parse_template(text: str, where: str = TEMPLATE.name) -> list[Setting]:
    """The template's variables in order, each with the comment right above it."""
    settings: list[Setting] = []
    comment: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        optional = _OPTIONAL.fullmatch(line)
        if line.startswith("#") and not optional:
            comment.append(line)
            continue
        if line.strip():
            name, value = (optional[1], optional[2]) if optional else _assignment(line, f"{where} line {number}")
            marks = [match for each in comment if (match := _SECRET.match(each))]
            if bool(marks) == bool(value):
                raise EnvFileError(
                    f"{where} line {number}: {name} needs a value, or a comment `Secret, … characters:`."
                )
            length = int(marks[-1][1]) if marks else None
            settings.append(Setting(name, value, tuple(comment), length, bool(optional)))
        comment = []
    return settings


def read_template(path: Path = TEMPLATE) -> str:
    """The template's text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise EnvFileError(f"{_shown(path)} cannot be read ({error.strerror}): it belongs to the project.") from error


def complete(text: str | None, template: str, where: str = ENV_FILE.name) -> tuple[str, list[str]]:
    """The file's text with all that the template asks for, and the names whose values are new.

    Without a text it is the template's. What has a value keeps it, byte for byte.
    """
    settings = parse_template(template)
    required = [setting for setting in settings if not setting.is_optional]
    before = {} if text is None else parse_env(text, where)
    if text is None:
        text = template
    elif missing := [setting for setting in required if setting.name not in before]:
        separator = "" if text.endswith("\n") or not text else "\n"
        text += separator + "\n" + "\n".join(line for setting in missing for line in setting.lines()) + "\n"
    lengths = {setting.name: setting.length for setting in required if setting.length}
    lines = text.splitlines(keepends=True)
    for index, name, value in list(_assignments(text, where)):
        if name in lengths and not value:
            ending = lines[index][len(lines[index].rstrip("\r\n")) :]
            lines[index] = f"{name}={draw(lengths[name] or 0)}{ending}"
    added = [s.name for s in required if s.name not in before or (s.length and not before[s.name])]
    return "".join(lines), added


def write_env(path: Path = ENV_FILE, template: Path = TEMPLATE) -> list[str]:
    """Make or complete the file, readable by its owner only, and return lines that say what was done."""
    shown, wanted = _shown(path), read_template(template)
    try:
        kept = path.read_text(encoding="utf-8") if path.exists() else None
        text, added = complete(kept, wanted, shown)
        report = _secured(path, shown) if kept is not None else []
        if text != kept:
            _replace(path.resolve(), text)
    except UnicodeDecodeError as error:
        raise EnvFileError(f"{shown} is not UTF-8 text: write it as such, or restore it.") from error
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise EnvFileError(f"{shown} cannot be read or written ({what}): look at its owner and mode.") from error
    if not added:
        return [*report, f"{shown} is complete: nothing to add."]
    drawn = {s.name for s in parse_template(wanted) if s.length}
    secret_names, names = [n for n in added if n in drawn], [n for n in added if n not in drawn]
    report.append(f"{shown}: {'made' if kept is None else 'added what was missing'}; only you can read it.")
    if names:
        report.append(f"  defaults: {', '.join(names)}")
    if secret_names:
        report.append(f"  random secrets: {', '.join(secret_names)}")
    return report


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may read or write the file."""
    return path.stat().st_mode & 0o077 == 0


def main(argv: list[str] | None = None) -> int:
    """Make or complete infra/.env. Exit codes: 0 done, 2 the file is not usable."""
    parser = argparse.ArgumentParser(
        prog="python3 -m infra.env_file",
        description="Make infra/.env from infra/.env.example with random secrets, or add what is missing to it.",
        epilog="To have new secrets: `make compose-clean` (deletes all data: the volumes were made with the old ones), "
        "delete infra/.env, run this again.",
    )
    parser.add_argument("--file", type=Path, default=ENV_FILE, help="another file to write (default: infra/.env)")
    arguments = parser.parse_args(argv)
    try:
        report = write_env(arguments.file)
    except EnvFileError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print("\n".join(report))
    return 0


def _assignments(text: str, where: str) -> Iterator[tuple[int, str, str]]:
    """(index of the line, name, value) of each assignment."""
    for index, line in enumerate(text.splitlines()):
        if line.strip() and not line.lstrip().startswith("#"):
            yield (index, *_assignment(line, f"{where} line {index + 1}"))


def _assignment(line: str, where: str) -> tuple[str, str]:
    match = _ASSIGNMENT.fullmatch(line)
    if match is None:
        raise EnvFileError(f"{where} is not NAME=value. {_REMEDY}")
    name, raw = match.groups()
    if not raw.lstrip().startswith(("'", '"')):
        return name, _END_COMMENT.sub("", raw).strip()
    quoted = _QUOTED.fullmatch(raw)
    if quoted is None:
        raise EnvFileError(f"{where}: the quotes of {name} do not close. {_REMEDY}")
    return name, quoted[1] or quoted[2] or ""


def _secured(path: Path, shown: str) -> list[str]:
    """Take the file from others' eyes, and say so."""
    if is_private(path):
        return []
    path.chmod(0o600)
    if not is_private(path):
        return [f"Warning: {shown} can be read by others, and this file system keeps no modes: move the project."]
    return [f"Warning: {shown} could be read by others; its mode is 0600 now."]


def _replace(path: Path, text: str) -> None:
    """Replace the file as a whole: a reader finds the old one or the new one; mkstemp makes it 0600."""
    descriptor, name = tempfile.mkstemp(prefix=".env.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
