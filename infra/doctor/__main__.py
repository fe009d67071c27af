"""``python3 -m infra.doctor``, or ``make doctor``: check this machine for Docker Compose.

Exit codes: 0 nothing is in the way, 1 something is, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import sys

from infra.doctor.checks import ERROR, Finding, findings
from infra.doctor.facts import gather
from infra.env_file import EnvFileError

_MARKS = {"ok": "✓", "warning": "!", "error": "✗", "note": "–"}
_PLAIN = {"✓": "ok", "!": "!", "✗": "X", "–": "-", "→": ">"}


def main(argv: list[str] | None = None) -> int:
    """Print a line per check. Changes nothing."""
    parser = argparse.ArgumentParser(
        prog="python3 -m infra.doctor",
        description="Check whether this machine can run infra/docker-compose.yml, and say what to do. Changes nothing.",
    )
    parser.add_argument("--secure", action="store_true", help="check for infra/docker-compose.secure.yml as well")
    parser.add_argument("--profile", action="append", default=[], choices=["ui"], help="check for this profile as well")
    parser.add_argument("--json", action="store_true", help="print the findings for machines")
    arguments = parser.parse_args(argv)
    try:
        found = findings(gather(arguments.secure), tuple(arguments.profile))
    except EnvFileError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    is_fine = all(each.status != ERROR for each in found)
    if arguments.json:
        print(json.dumps({"ok": is_fine, "checks": [vars(each) for each in found]}, indent=2))
    else:
        print(report(found, sys.stdout.encoding or "ascii"))
    return 0 if is_fine else 1


def report(found: list[Finding], encoding: str) -> str:
    """A line per finding, in characters that the terminal has."""
    text = "\n".join(f"{_MARKS[each.status]}  {each.check:<13} {each.text}" for each in found)
    if encoding.lower().replace("-", "") != "utf8":
        for sign, plain in _PLAIN.items():
            text = text.replace(sign, plain)
        text = text.encode("ascii", "replace").decode("ascii")
    return text


if __name__ == "__main__":
    sys.exit(main())
