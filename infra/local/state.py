"""What a stack remembers between commands: ports, S3 server, credentials. One JSON file, mode 0600."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

from infra.places import PROJECT_ROOT
from pipelines.cli import ConfigurationError

FILE_NAME = "stack.json"
LOCK_NAME = ".lock"
DEFAULT_HOME = PROJECT_ROOT / ".local"
_FORMAT = "ecommerce-streaming local stack, version 1"


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1."""

    zookeeper: int = 2181
    kafka: int = 9092
    s3: int = 9000


@dataclass(frozen=True)
class State:
    """One stack: recorded at its first `up`, kept until `clean`."""

    ports: Ports
    s3_server: str
    access_key: str = dataclasses.field(repr=False)
    secret_key: str = dataclasses.field(repr=False)
    pseudonym_key: str = dataclasses.field(repr=False)


def new_state(ports: Ports, s3_server: str) -> State:
    """A state with credentials drawn at random; there are no default ones."""
    letters = string.ascii_uppercase + string.digits
    return State(
        ports=ports,
        s3_server=s3_server,
        access_key="".join(secrets.choice(letters) for _ in range(20)),
        secret_key=secrets.token_hex(20),
        pseudonym_key=secrets.token_hex(32),
    )


def read_state(home: Path) -> State | None:
    """The recorded state, or None where there was never an `up`."""
    path = home / FILE_NAME
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.pop("format") != _FORMAT:
            raise ValueError("another format")
        return State(**{**stored, "ports": Ports(**stored["ports"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"restore it, or stop the servers and delete {home}."
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__}): {remedy}") from error


def write_state(home: Path, state: State) -> None:
    """Replace the file as a whole; nobody else may read it."""
    fresh = home / f".{FILE_NAME}"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump({"format": _FORMAT, **dataclasses.asdict(state)}, handle, indent=2)
        handle.write("\n")
    fresh.replace(home / FILE_NAME)
