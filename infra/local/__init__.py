"""The same services as a cluster's, as plain local processes: no Docker, no root, loopback only."""

from infra.local.stack import ServerStatus, Stack
from infra.local.state import DEFAULT_HOME

__all__ = ["DEFAULT_HOME", "ServerStatus", "Stack"]
