"""Compose files as text: parsed as they stand, laid over each other, and what their variables are.

Each rule gives the lines or names that break it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import jsonschema
import yaml

Model = Mapping[str, Any]

VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([^{}]*))?\}")
_BARE_VARIABLE = re.compile(r"(?<!\$)\$[A-Za-z_]")
_REPLACED = {"command", "entrypoint", "test"}


def parse(source: str) -> Model:
    """A Compose file as it stands."""
    model: Model = yaml.safe_load(source)
    return model


def repeated_keys(source: str) -> list[str]:
    """Keys that stand twice in one mapping: YAML's loader takes the last one, Compose refuses them."""
    found, nodes = set(), [yaml.compose(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = Counter(key.value for key, _ in node.value)
            lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
            found |= {f"{lines[key]}: {key}" for key, count in keys.items() if count > 1}
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return sorted(found)


def merged(base: Any, over: Any) -> Any:
    """Two files as Compose lays the second over the first: mappings merge, lists grow, commands are replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        both = {
            key: over[key] if key in _REPLACED else merged(base[key], over[key]) for key in base.keys() & over.keys()
        }
        return {**base, **over, **both}
    return [*base, *over] if isinstance(base, list) and isinstance(over, list) else over


def interpolated(source: str) -> str:
    """The text with each variable's default, or a number where it has none."""
    return VARIABLE.sub(lambda match: match[3] if (match[2] or "").endswith("-") else "1", source)


def variables(source: str) -> set[str]:
    """Names of all variables in a file, comments apart."""
    code = "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in source.splitlines())
    return {match[1] for match in VARIABLE.finditer(code)}


def schema_errors(source: str, schema: Mapping[str, Any]) -> list[str]:
    """What the Compose Specification does not know or does not allow."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = validator.iter_errors(yaml.safe_load(interpolated(source)))
    return [f"{'.'.join(map(str, error.path))}: {error.message[:100]}" for error in errors]


def optional_secrets(source: str, secrets: set[str]) -> list[str]:
    """Secrets that may be empty or have a default."""
    return [f"{match[0]}" for match in VARIABLE.finditer(source) if match[1] in secrets and match[2] != ":?"]


def undocumented_variables(sources: list[str], names: set[str]) -> list[str]:
    """Variables of the Compose files that the template does not have, and the other way round."""
    used = {name for source in sources for name in variables(source)}
    return [f"{name} is not in the template" for name in sorted(used - names)] + [
        f"{name} is in the template only" for name in sorted(names - used)
    ]


def other_defaults(sources: list[str], defaults: Mapping[str, str]) -> list[str]:
    """Variables whose default in a file is not that of the template, or not the same everywhere."""
    return sorted({
        f"{match[1]} is {match[3]} here and {defaults[match[1]]} in the template"
        for source in sources
        for match in VARIABLE.finditer(source)
        if match[1] in defaults and (match[2] or "").endswith("-") and match[3] != defaults[match[1]]
    })  # fmt: skip


def unbraced_variables(source: str) -> list[str]:
    """``$NAME``: a dollar that is meant for the container is written ``$$``."""
    lines = [re.sub(r"(^|\s)#.*", "", line) for line in source.splitlines()]
    return [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if _BARE_VARIABLE.search(line)]
