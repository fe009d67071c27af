"""The project's bundled lists, in the order in which their rules apply, for peers without the project's packages."""

from __future__ import annotations

import csv

from benchmarks.peers.environments import ROOT

_REFERENCE = ROOT / "pipelines" / "reference"


def referrers() -> list[tuple[str, str]]:
    """(medium, regular expression over the host); e-mail first: mail.google.com is a search engine's, too."""
    rows = [(row["medium"], row["host_pattern"]) for row in _read("referrers.csv")]
    return sorted(rows, key=lambda row: row[0] != "email")


def device_classes() -> list[tuple[str, str]]:
    """(class, regular expression over the user agent); bots first."""
    rows = _read("user_agents.csv")
    return [
        ("bot" if wanted == "is_bot" else row["value"], row["pattern"])
        for wanted in ("is_bot", "device_class")
        for row in rows
        if row["column"] == wanted
    ]


def _read(name: str) -> list[dict[str, str]]:
    with (_REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
