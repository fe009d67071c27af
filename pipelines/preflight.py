"""Before the first batch: is everything there that the job needs? Each problem is one line with the remedy."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kafka.errors

from pipelines.cli import ConfigurationError
from pipelines.clients import KafkaSettings, S3Settings, kafka_problem, split_s3_uri
from pipelines.kafka_problems import lacks
from pipelines.s3_problems import S3_ERRORS, s3_problem
from pipelines.settings import Topics

# Setting of a topic → what is to be done with it, in Kafka's words.
Needs = Mapping[str, str]
TO_ENRICH: Needs = {"RAW_TOPIC": "READ", "ENRICHED_TOPIC": "WRITE", "DEAD_LETTER_TOPIC": "WRITE"}
TO_VERIFY: Needs = dict.fromkeys(TO_ENRICH, "READ")
TO_LOOK: Needs = dict.fromkeys(TO_ENRICH, "DESCRIBE")
_TIMEOUT_MS = 15_000


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
    """Topic → what the broker tells about it. `named`: setting → topic; `needs`: setting → operation.

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
        elif allowed is not None and needs[setting] not in allowed:
            lacking.append(f"{needs[setting]} on {setting}={name}")
    if missing:
        raise ConfigurationError(f"Missing topic: {', '.join(missing)} at {where}. Create the topics: make topics")
    if lacking:
        raise ConfigurationError(f"At {where} {lacks(kafka_settings.for_python(), lacking)}")
    return described


def check_lake(uri: str, s3: S3Settings, *, writing: bool = False) -> None:
    """The lake's bucket answers with these credentials, or its folder can be written.

    With `writing` an empty object is put there and deleted again.
    """
    place = split_s3_uri(uri)
    if place is None:
        return _check_folder(uri, "LAKE_URI")
    bucket, prefix = place
    action = "list"
    try:
        client = s3.client()
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        if writing:
            probe = f"{prefix}/{_probe_name()}".lstrip("/")
            action = "write"
            client.put_object(Bucket=bucket, Key=probe, Body=b"")
            action = "delete"
            client.delete_object(Bucket=bucket, Key=probe)
    except S3_ERRORS as error:
        raise s3_problem(error, uri, bucket, s3.endpoint, action) from error
    return None


def check_checkpoint(uri: str, s3: S3Settings) -> None:
    """The checkpoint's place can be written."""
    if split_s3_uri(uri) is not None:
        raise ConfigurationError(
            f"CHECKPOINT_URI={uri}: a checkpoint on S3 is not supported: name a folder that all nodes share."
        )
    _check_folder(uri, "CHECKPOINT_URI")


def _check_folder(uri: str, setting: str) -> None:
    scheme, separator, rest = uri.partition("://")
    if separator and scheme != "file":
        return  # another file system, which Spark checks
    folder = Path(rest if separator else uri)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / _probe_name()
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"{setting}={uri} cannot be written ({error.strerror or type(error).__name__}): "
            "give permission or name another place."
        ) from error


def _probe_name() -> str:
    return f".probe-{os.getpid()}-{uuid.uuid4().hex[:8]}"
