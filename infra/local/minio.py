"""The MinIO binary: found, or built from source with Go (upstream publishes no binaries any more)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import click

from infra.places import cache_folder
from pipelines.cli import ConfigurationError, RunFailed

# Upstream's last state; its release tags do not resolve as Go modules.
MODULE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
OLDEST_GO = (1, 24)
_REPORT_SECONDS = 15


def find_minio() -> Path | None:
    """MINIO_BINARY, else `minio` on PATH, else the one that `make minio` built; None without any."""
    chosen = os.environ.get("MINIO_BINARY")
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise ConfigurationError(f"MINIO_BINARY={chosen} is not an executable file: correct it or unset it.")
        return Path(found)
    on_path = shutil.which("minio")
    if on_path:
        return Path(on_path)
    built = built_minio()
    return built if os.access(built, os.X_OK) else None


def built_minio() -> Path:
    """Where `make minio` puts the binary: one per version, shared by all checkouts."""
    return cache_folder() / "minio" / VERSION / "minio"


def build_minio() -> Path:
    """Build MinIO unless it was built already; about 4 minutes on two cores and 1 GB in Go's own cache."""
    target = built_minio()
    if os.access(target, os.X_OK):
        return target
    go = _find_go()
    target.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"Building MinIO {VERSION} with {go} (once, 3-5 minutes; kept in {target.parent}) …", err=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as staging:
        environment = {**os.environ, "GOBIN": staging, "CGO_ENABLED": "0"}
        for cross_build in ("GOOS", "GOARCH"):  # `go install` refuses GOBIN when cross-building
            environment.pop(cross_build, None)
        log = target.parent / "build.log"
        if _run([go, "install", "-v", f"{MODULE}@{VERSION}"], environment, log) != 0:
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            reason = lines[-1][:200] if lines else "no output"
            raise RunFailed(f"MinIO could not be built ({reason}). Log: {log}. Without it S3Proxy serves the store.")
        (Path(staging) / "minio").replace(target)
    return target


def _find_go() -> str:
    need = f"Building MinIO needs Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or newer"
    remedy = "install it from https://go.dev/dl, set MINIO_BINARY, or do without: S3Proxy then serves the store."
    go = shutil.which("go")
    if go is None:
        raise ConfigurationError(f"{need}, and no `go` is on PATH: {remedy}")
    answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"go(\d+)\.(\d+)", answer)
    if found is None or (int(found.group(1)), int(found.group(2))) < OLDEST_GO:
        raise ConfigurationError(f"{need}, {go} is {found.group(0) if found else 'something else'}: {remedy}")
    return go


def _run(command: list[str], environment: dict[str, str], log: Path) -> int:
    """Run the build with a line of progress every few seconds; its output goes to `log`."""
    started = reported = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    try:
        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                packages = len(log.read_text(errors="replace").splitlines())
                click.echo(f"  {packages} modules and packages done ({reported - started:.0f} s)", err=True)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode
