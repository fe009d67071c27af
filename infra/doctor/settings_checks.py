"""Findings about infra/.env and the ports that it names: (status, text) pairs for `checks`."""

from __future__ import annotations

import re
from collections import Counter

from infra.doctor.facts import Facts, Settings
from infra.env_file import beaten

# Published with a profile only.
PROFILE_PORTS = {"KAFKA_UI_PORT": "ui"}
# What Docker Compose itself reads from the file.
_COMPOSE_OWN = re.compile(r"(COMPOSE|DOCKER|BUILDKIT)_[A-Z_]+")
_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def environment_file(facts: Facts) -> list[tuple[str, str]]:
    """infra/.env is there, private and complete, and the shell does not overrule it unnoticed."""
    settings = facts.settings
    if settings.error:
        return [("error", settings.error)]
    if settings.file is None:
        if facts.volumes:
            return [("error", "infra/.env is missing, and volumes made with its secrets exist: restore it, or "
                              "`make compose-clean` (deletes them), then `make env`.")]  # fmt: skip
        return [("note", "infra/.env is not there yet: `make compose-up` makes it, or `make env`.")]
    empty = sorted(name for name in settings.required if not settings.value(name))
    if empty:
        return [("error", f"infra/.env gives no value for {', '.join(empty)}: `make env` adds them.")]
    found = [*_warnings(settings)]
    project = settings.value("COMPOSE_PROJECT_NAME")
    if not _PROJECT_NAME.fullmatch(project):
        found.append(
            ("error", f"COMPOSE_PROJECT_NAME={project} is no name for a project: lower-case letters, digits, - _.")
        )
    return found or [("ok", "infra/.env is complete and private")]


def ports(facts: Facts, profiles: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each port is free, or taken by these very containers; one line for all that is well."""
    names = [
        setting.name
        for setting in facts.settings.template
        if setting.name.endswith("_PORT") and PROFILE_PORTS.get(setting.name) in (None, *profiles)
    ]
    values = {name: facts.settings.value(name) for name in names}
    doubled = {value for value, count in Counter(values.values()).items() if count > 1}
    project = facts.settings.value("COMPOSE_PROJECT_NAME")
    own = {port for each in facts.containers if each.project == project for port in each.ports}
    found, free, up = [], [], []
    for name, value in values.items():
        if not value.isdigit() or not 1 <= int(value) <= 65535:
            found.append(("error", f"{name}={value} is no port: choose 1 to 65535 in infra/.env."))
        elif value in doubled:
            same = ", ".join(other for other in values if values[other] == value)
            found.append(("error", f"{same} are all {value}: each needs a port of its own in infra/.env."))
            doubled.discard(value)
        elif int(value) in own:
            up.append(value)
        elif int(value) in facts.taken:
            found.append(("error", _taken(facts, name, int(value))))
        elif all(values[other] != value for other in values if other != name):
            free.append(value)
    well = [f"free: {', '.join(free)}"] if free else []
    well += [f"in use by these containers, which are up: {', '.join(up)}"] if up else []
    return [("ok", "; ".join(well)), *found] if well else found


def _taken(facts: Facts, name: str, port: int) -> str:
    container = next((each.name for each in facts.containers if port in each.ports), None)
    who = f"the container {container}" if container else facts.taken[port] or "a program of another user"
    stop = "`make down`" if "make up" in who else "stop it"
    return f"Port {port} is in use by {who}: {stop}, or choose another {name} in infra/.env."


def _warnings(settings: Settings) -> list[tuple[str, str]]:
    found = []
    values = settings.file or {}
    if not settings.is_private:
        found.append(("warning", "infra/.env holds secrets and others can read it: `chmod 600 infra/.env`."))
    known = {setting.name for setting in settings.template}
    strange = sorted(name for name in values if name not in known and not _COMPOSE_OWN.fullmatch(name))
    if strange:
        found.append(("warning", f"infra/.env sets what nothing reads: {', '.join(strange)}. A typing error?"))
    if others := beaten(values, {name: value for name, value in settings.shell.items() if value}):
        found.append(("warning", f"This shell's {', '.join(others)} beats infra/.env: `unset {' '.join(others)}`."))
    return found
