"""Before the first batch: is everything there that the job needs? Each problem is one line with the remedy."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import botocore.exceptions
import kafka.errors

from pipelines.cli import ConfigurationError
from pipelines.clients import KafkaSettings, S3Settings, kafka_problem, split_s3_uri
from pipelines.settings import Topics

_TIMEOUT_MS = 15_000
_CREDENTIAL_ERRORS = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}
_MISSING_ERRORS = {"404", "NoSuchBucket", "NotFound"}


def check_topics(kafka_settings: KafkaSettings, topics: Topics) -> str:
    """All topics exist and the sinks have at least raw's partitions. Returns the raw topic's id."""
    try:
        admin = kafka_settings.admin(bootstrap_timeout_ms=_TIMEOUT_MS, request_timeout_ms=_TIMEOUT_MS)
        try:
            described = {topic["name"]: topic for topic in admin.describe_topics()}
        finally:
            admin.close()
    except (kafka.errors.KafkaError, OSError, ValueError) as error:
        raise kafka_problem(error, kafka_settings) from error
    named = {
        "RAW_TOPIC": topics.raw,
        "ENRICHED_TOPIC": topics.enriched,
        "DEAD_LETTER_TOPIC": topics.dead_letter,
    }
    missing = [f"{setting}={name}" for setting, name in named.items() if name not in described]
    if missing:
        raise ConfigurationError(f"Missing topic: {', '.join(missing)}. Create the topics: make topics")
    partitions = {name: len(described[name]["partitions"]) for name in named.values()}
    small = [name for name in (topics.enriched, topics.dead_letter) if partitions[name] < partitions[topics.raw]]
    if small:
        raise ConfigurationError(
            f"{', '.join(small)}: fewer partitions than {topics.raw} ({partitions[topics.raw]}). Grow them: make topics"
        )
    return str(described[topics.raw]["topic_id"])


def check_lake(uri: str, s3: S3Settings) -> None:
    """The lake's bucket answers with these credentials, or its folder can be written."""
    place = split_s3_uri(uri)
    if place is None:
        return _check_folder(uri, "LAKE_URI")
    bucket, prefix = place
    endpoint = f"AWS_ENDPOINT_URL={s3.endpoint}" if s3.endpoint else "AWS (AWS_ENDPOINT_URL is not set)"
    try:
        s3.client().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except botocore.exceptions.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING_ERRORS:
            message = f"LAKE_URI={uri}: there is no bucket {bucket} at {endpoint}: create it or correct the setting."
        elif code in _CREDENTIAL_ERRORS:
            message = (
                f"{endpoint} refused the credentials for bucket {bucket} ({code}): "
                "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        else:
            message = f"LAKE_URI={uri}: {endpoint} answered {code or type(error).__name__}."
        raise ConfigurationError(message) from error
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError) as error:
        raise ConfigurationError("No S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.") from error
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"No S3 server answers at {endpoint} ({type(error).__name__}): start it or correct the setting."
        ) from error
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
        probe = folder / f".probe-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"{setting}={uri} cannot be written ({error.strerror or type(error).__name__}): "
            "give permission or name another place."
        ) from error
