"""Rules on Dockerfiles: each gives the instructions that break it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from compose_rules import has_exact_tag, is_secret_name

_URL = re.compile(r"(https?|ftp|git)://|git@")


def instructions(source: str) -> Iterator[tuple[str, str]]:
    """(instruction, the rest of it) in order; continued lines are one, comments are left out."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()


def base_defaults(source: str) -> dict[str, str]:
    """Name and default of each ARG before the first FROM: what the images are built on."""
    found: dict[str, str] = {}
    for word, rest in instructions(source):
        if word == "FROM":
            break
        if word == "ARG":
            name, _, default = rest.partition("=")
            found[name] = default.strip("\"'")
    return found


def loose_bases(source: str) -> list[str]:
    """FROM something else than ``${NAME}`` with an exact default, or than a stage of this file."""
    defaults, stages, found = base_defaults(source), set(), []
    for word, rest in instructions(source):
        if word != "FROM":
            continue
        image, *alias = rest.split()
        name = re.fullmatch(r"\$\{(\w+)\}", image)
        if image not in stages and not (name and has_exact_tag(defaults.get(name[1], ""))):
            found.append(f"FROM {rest}")
        stages |= set(alias[1:])
    return found


def root_at_the_end(source: str) -> list[str]:
    """The last stage names no user, or root."""
    user = ""
    for word, rest in instructions(source):
        user = "" if word == "FROM" else rest if word == "USER" else user
    return [f"USER {user}"] if user.split(":")[0] in ("", "root", "0") else []


def downloads_unchecked(source: str) -> list[str]:
    """ADD, which fetches and unpacks without a checksum; COPY does not."""
    return [f"ADD {rest}" for word, rest in instructions(source) if word == "ADD" and _URL.search(rest)]


def baked_secrets(source: str) -> list[str]:
    """ARG and ENV that look like secrets: everybody with the image can read them."""
    found = []
    for word, rest in instructions(source):
        if word in ("ARG", "ENV"):
            names = re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==|\s|$)", rest if word == "ENV" else rest.partition("=")[0])
            found += [f"{word} {name}" for name in names if is_secret_name(name)]
    return found


DOCKERFILE_RULES: tuple[Callable[[str], list[str]], ...] = (
    loose_bases, root_at_the_end, downloads_unchecked, baked_secrets,
)  # fmt: skip
