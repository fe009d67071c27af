"""Before the first batch: is everything there that the job needs? Each problem is one line with the remedy.

What stops the job is raised as ConfigurationError; what a person should only know is returned, a line each.
Topics' settings are in `preflight_topics`, Spark's jars in `preflight_spark`.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kafka.errors
from botocore.exceptions import ClientError

from pipelines.cli import ConfigurationError, RunFailed
from pipelines.clients import KafkaSettings, S3Settings, kafka_problem, split_s3_uri
from pipelines.kafka_problems import lacks
from pipelines.lake import TABLES, Lake
from pipelines.s3_problems import S3_ERRORS, s3_problem
from pipelines.settings import Topics

# Setting of a topic → what is to be done with it, in Kafka's words. After a crash the job reads its sinks, too.
Needs = Mapping[str, tuple[str, ...]]
_SINK = ("READ", "WRITE")
TO_ENRICH: Needs = {"RAW_TOPIC": ("READ",), "ENRICHED_TOPIC": _SINK, "DEAD_LETTER_TOPIC": _SINK}
TO_VERIFY: Needs = dict.fromkeys(TO_ENRICH, ("READ",))
TO_LOOK: Needs = dict.fromkeys(TO_ENRICH, ("DESCRIBE",))
_TIMEOUT_MS = 15_000
_MAX_SKEW_SECONDS = 60
_MIN_FREE_BYTES = 100_000_000


def check_topics(kafka_settings: KafkaSettings, topics: Topics, needs: Needs = TO_LOOK) -> str:
    """All topics exist, may be used as `needs` says, and the sinks have at least raw's partitions.

    Returns the raw topic's id.
    """
    named = {"RAW_TOPIC": topics.raw, "ENRICHED_TOPIC": topics.enriched, "DEAD_LETTER_TOPIC": topics.dead_letter}
    described = require_topics(kafka_settings, named, needs)
    partitions = {name: len(described[name]["partitions"]) for name in named.values()}
    small = [name for name in (topics.enriched, topics.dead_letter) if partitions[name] < partitions[topics.raw]]
    if small:
        raise ConfigurationError(
            f"{', '.join(small)}: fewer partitions than {topics.raw} ({partitions[topics.raw]}). Grow them: make topics"
        )
    return str(described[topics.raw]["topic_id"])


def require_topics(kafka_settings: KafkaSettings, named: Mapping[str, str], needs: Needs) -> dict[str, Any]:
    """Topic → what the broker tells about it. `named`: setting → topic; `needs`: setting → operations.

    Raises ConfigurationError for topics that are missing or may not be used.
    """
    try:
        admin = kafka_settings.admin(bootstrap_timeout_ms=_TIMEOUT_MS, request_timeout_ms=_TIMEOUT_MS)
        try:
            # By name: what we may not even see is then told apart from what is not there.
            described = {topic["name"]: topic for topic in admin.describe_topics(sorted(set(named.values())))}
        finally:
            admin.close()
    except (kafka.errors.KafkaError, OSError, ValueError) as error:
        raise kafka_problem(error, kafka_settings) from error
    where = f"KAFKA_BOOTSTRAP_SERVERS={kafka_settings.bootstrap_servers}"
    missing, lacking = [], []
    for setting, name in named.items():
        allowed = described[name].get("authorized_operations")  # an old broker does not tell
        if described[name]["error_code"] == kafka.errors.TopicAuthorizationFailedError.errno:
            lacking.append(f"DESCRIBE on {setting}={name} (or it is missing: Kafka does not say)")
        elif described[name]["error_code"] != 0:
            missing.append(f"{setting}={name}")
        elif allowed is not None:
            lacking += [f"{operation} on {setting}={name}" for operation in needs[setting] if operation not in allowed]
    if missing:
        raise ConfigurationError(f"Missing topic: {', '.join(missing)} at {where}. Create the topics: make topics")
    if lacking:
        raise ConfigurationError(f"At {where} {lacks(kafka_settings.for_python(), lacking)}")
    return described


def check_lake(uri: str, s3: S3Settings, *, writing: bool = False) -> list[str]:
    """The lake's bucket answers with these credentials, or its folder can be written; returns warnings.

    With `writing` an empty object is put there and deleted again.
    """
    place = split_s3_uri(uri)
    if place is None:
        return _check_folder(uri, "LAKE_URI")
    bucket, prefix = place
    action = "list"
    try:
        client = s3.client()
        answer = client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/_delta_log/".lstrip("/"), MaxKeys=1)
        if writing:
            probe = f"{prefix}/{_probe_name()}".lstrip("/")
            action = "write"
            client.put_object(Bucket=bucket, Key=probe, Body=b"")
            action = "delete"
            client.delete_object(Bucket=bucket, Key=probe)
    except S3_ERRORS as error:
        if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "RequestTimeTooSkewed":
            said = _clock(error.response) or "S3 refused this machine's clock: set it (timedatectl set-ntp true)."
            raise ConfigurationError(said) from error
        raise s3_problem(error, uri, bucket, s3.endpoint, action) from error
    if answer.get("Contents"):
        raise ConfigurationError(f"LAKE_URI={uri} is a Delta table: name the place above it, or another.")
    warning = _clock(answer)
    return [warning] if warning else []


def clock_skew_seconds(answer: Mapping[str, Any]) -> float | None:
    """How far this machine's clock is ahead of the server that gave boto3 this answer just now, if that tells."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return (datetime.now(timezone.utc) - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return None


def _clock(answer: Mapping[str, Any]) -> str | None:
    skew = clock_skew_seconds(answer)
    if skew is None or abs(skew) <= _MAX_SKEW_SECONDS:
        return None
    side = "ahead of" if skew > 0 else "behind"
    return f"This machine's clock is {abs(skew):,.0f} s {side} the S3 server's: set it (timedatectl set-ntp true)."


def check_checkpoint(uri: str, s3: S3Settings) -> list[str]:
    """The checkpoint's place can be written; returns warnings."""
    if split_s3_uri(uri) is not None:
        raise ConfigurationError(
            f"CHECKPOINT_URI={uri}: a checkpoint on S3 is not supported: name a folder that all nodes share."
        )
    return _check_folder(uri, "CHECKPOINT_URI")


def check_places(lake: Lake, checkpoint: str) -> None:
    """Lake and checkpoint are apart: neither is where the other, or a table, has its files."""
    named = {"CHECKPOINT_URI": checkpoint, "LAKE_URI": lake.uri}
    own, lakes = _normal(checkpoint), _normal(lake.uri)
    if _is_within(lakes, own):
        raise ConfigurationError(f"CHECKPOINT_URI={checkpoint} contains LAKE_URI={lake.uri}: name a folder of its own.")
    for table in TABLES:
        if _is_within(own, _normal(lake.path(table))):
            raise ConfigurationError(f"CHECKPOINT_URI={checkpoint} is in the table {table}: name a folder of its own.")
    for setting, uri in named.items():
        folder = _local(uri)
        for place in [folder, *folder.parents] if folder else []:
            if (place / "_delta_log").exists():
                raise ConfigurationError(f"{setting}={uri} is in a Delta table ({place}): name another place.")


def _check_folder(uri: str, setting: str) -> list[str]:
    folder = _local(uri)
    if folder is None:
        return []  # another file system, which Spark checks
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / _probe_name()
        probe.write_bytes(b"")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise RunFailed(f"{setting}={uri}: no space left on that disk. Make room and start again.") from error
        raise ConfigurationError(
            f"{setting}={uri} cannot be written ({error.strerror or type(error).__name__}): "
            "give permission or name another place."
        ) from error
    return [f"{setting}={uri}: only {free // 1_000_000} MB free on that disk."] if free < _MIN_FREE_BYTES else []


def _local(uri: str) -> Path | None:
    """The folder that a path or a file: URI names, links followed; None for other file systems."""
    scheme = urlsplit(uri).scheme
    if scheme not in {"", "file"}:
        return None
    return Path(uri.removeprefix("file:")).resolve()


def _normal(uri: str) -> str:
    return str(_local(uri) or uri).rstrip("/") + "/"


def _is_within(place: str, folder: str) -> bool:
    return place.startswith(folder)


def _probe_name() -> str:
    return f".probe-{os.getpid()}-{uuid.uuid4().hex[:8]}"
