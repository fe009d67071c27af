"""The settings that make this project's programs use a stack, under the names they read anyway."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local.health import REGION
from infra.local.ports import HOST
from infra.local.servers import KAFKA, S3
from infra.local.state import DEFAULT_HOME, State
from pipelines.cli import DEFAULT_LAKE_URI

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def environment(home: Path, state: State, servers: Sequence[str]) -> dict[str, str]:
    """Environment variables for `servers` of the stack in `home`; the virtual environment leads PATH."""
    binaries = str(Path(sys.prefix) / "bin")
    others = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part and part != binaries]
    settings = {
        "PATH": os.pathsep.join([binaries, *others]),
        "SPARK_CONF_DIR": str(Path(sys.prefix) / "conf"),
        "SPARK_LOCAL_IP": HOST,
    }
    if any(os.environ.get(name) for name in _PROXIES):  # which would be asked for 127.0.0.1, too
        known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        settings |= dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(filter(None, [known, HOST, "localhost"])))
    if KAFKA in servers:
        settings["KAFKA_BOOTSTRAP_SERVERS"] = f"{HOST}:{state.ports.kafka}"
    if S3 in servers:
        settings |= {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{state.ports.s3}",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": state.access_key,
            "AWS_SECRET_ACCESS_KEY": state.secret_key,
            "LAKE_URI": DEFAULT_LAKE_URI,
            "PSEUDONYM_KEY": state.pseudonym_key,
        }
        if home != DEFAULT_HOME:
            settings["CHECKPOINT_URI"] = str(home / "checkpoint")
    return settings
