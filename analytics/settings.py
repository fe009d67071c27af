"""Which lake the models are built on, and the environment that dbt finds it by."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analytics.places import DBT_PROJECT
from infra.local import Stack
from infra.local.state import DEFAULT_HOME
from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings, split_s3_uri
from pipelines.lake import Lake

# Settings of another account that would be used together with the local stack's keys.
_FOREIGN = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_ATHENA = ("ATHENA_RESULTS_URI", "ANALYTICS_URI", "AWS_REGION")


@dataclass(frozen=True)
class LakeSettings:
    """A lake and how to reach it; keys are in the environment."""

    lake: Lake
    s3: S3Settings

    @classmethod
    def load(cls, uri: str | None, endpoint: str | None, region: str) -> LakeSettings:
        """The lake at `uri`, or, where that is None, the local stack's, whose settings then go into os.environ.

        Raises ConfigurationError where there is neither.
        """
        if uri is None:
            stack = Stack(Path(os.environ.get("STACK_HOME", DEFAULT_HOME)))
            os.environ.update(stack.environment())
            for name in _FOREIGN:
                os.environ.pop(name, None)
            uri, endpoint, region = (os.environ[name] for name in ("LAKE_URI", "AWS_ENDPOINT_URL", "AWS_REGION"))
        return cls(Lake(uri), S3Settings(endpoint, region))

    def dbt_environment(self, database: Path) -> dict[str, str]:
        """What the target `local` is told; delta-rs reads the AWS_… ones."""
        is_on_s3 = split_s3_uri(self.lake.uri) is not None
        path = self.lake.delta_rs_path("") if is_on_s3 else str(Path(self.lake.uri.removeprefix("file://")).resolve())
        settings = {"LAKE_PATH": path.rstrip("/"), "ANALYTICS_DATABASE": str(database.resolve())}
        if is_on_s3:
            settings |= self.s3.for_deltalake()
        if "AWS_CA_BUNDLE" in os.environ:
            settings["SSL_CERT_FILE"] = os.environ["AWS_CA_BUNDLE"]
        return settings

    def __str__(self) -> str:
        return f"{self.lake.uri} at {self.s3.endpoint}" if self.s3.endpoint else self.lake.uri


def dbt_folders(folder: Path) -> dict[str, str]:
    """Where dbt finds its project, and that it leaves its files in `folder`."""
    return {
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_TARGET_PATH": str((folder / "target").resolve()),
        "DBT_LOG_PATH": str((folder / "logs").resolve()),
    }


def check_athena(environment: Mapping[str, str] = os.environ) -> None:
    """Raises ConfigurationError unless all is set that the target `athena` cannot do without."""
    missing = [name for name in _ATHENA if not environment.get(name)]
    if missing:
        raise ConfigurationError(f"The target athena needs {', '.join(missing)}: see docs/analytics.md.")
    if endpoint := environment.get("AWS_ENDPOINT_URL"):
        raise ConfigurationError(
            f"AWS_ENDPOINT_URL={endpoint}: Athena is on AWS only: use a shell without it, and AWS's keys."
        )
