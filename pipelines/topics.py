"""The topics: declared once here, created and grown by ``python -m pipelines.topics`` (or ``make topics``).

Idempotent; what exists only ever grows. Sinks grow before raw: a sink with fewer partitions than raw would fail every
batch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import click
import kafka.errors
from kafka.admin import ConfigResource, ConfigResourceType

from pipelines.cli import (
    CONTEXT_SETTINGS,
    ConfigurationError,
    debug_option,
    kafka_options,
    run,
    setting,
    topic_options,
)
from pipelines.clients import KafkaSettings, kafka_problem
from pipelines.settings import Topics
from pipelines.transforms.vocabulary import DEFAULT_MAX_EVENT_BYTES, sink_record_bytes

DAY_MS = 24 * 3600 * 1000
DEFAULT_PARTITIONS = 6
_TIMEOUT_MS = 20_000
_DELETION_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class TopicSpec:
    """One topic as it should be. `configs` are Kafka's topic settings."""

    name: str
    partitions: int
    configs: dict[str, str]


def declared(topics: Topics, partitions: int, max_event_bytes: int) -> tuple[TopicSpec, ...]:
    """The three topics, sinks first."""
    sink_bytes = str(sink_record_bytes(max_event_bytes))
    return (
        TopicSpec(topics.enriched, partitions, {"retention.ms": str(7 * DAY_MS), "max.message.bytes": sink_bytes}),
        TopicSpec(
            topics.dead_letter,
            partitions,
            {"retention.ms": str(30 * DAY_MS), "max.message.bytes": sink_bytes},
        ),
        TopicSpec(
            topics.raw,
            partitions,
            {
                "retention.ms": str(7 * DAY_MS),
                # Retention and lateness go by arrival, not by the producer's clock.
                "message.timestamp.type": "LogAppendTime",
                # Kafka's own default, counted compressed: larger values do arrive.
                "max.message.bytes": "1048588",
            },
        ),
    )


def ensure(kafka_settings: KafkaSettings, specs: tuple[TopicSpec, ...], replication: int) -> list[str]:
    """Create what is missing, grow and reconfigure what differs; returns what was done, a line per topic.

    Raises ConfigurationError where that is not possible.
    """
    try:
        admin = kafka_settings.admin(request_timeout_ms=_TIMEOUT_MS, bootstrap_timeout_ms=_TIMEOUT_MS)
    except (kafka.errors.KafkaError, OSError, ValueError) as error:
        raise kafka_problem(error, kafka_settings) from error
    try:
        existing = {t["name"]: t for t in admin.describe_topics() if t["name"] in {spec.name for spec in specs}}
        # No topic may have fewer partitions than raw, the last one: the sinks grow first, and with it.
        raw = existing.get(specs[-1].name)
        least = len(raw["partitions"]) if raw else 0
        wanted = [replace(spec, partitions=max(spec.partitions, least)) for spec in specs]
        return [_ensure_one(admin, spec, existing.get(spec.name), replication) for spec in wanted]
    except kafka.errors.AuthorizationError as error:
        user = kafka_settings.for_python().get("sasl_plain_username", "ANONYMOUS")
        raise ConfigurationError(
            f"User {user} lacks CREATE, ALTER, DESCRIBE_CONFIGS or ALTER_CONFIGS on the topics at "
            f"KAFKA_BOOTSTRAP_SERVERS={kafka_settings.bootstrap_servers}: run this as the administrator "
            "(KAFKA_SASL_USERNAME), or grant it."
        ) from error
    except kafka.errors.KafkaError as error:
        raise ConfigurationError(f"The topics could not be prepared: {type(error).__name__}: {error}") from error
    finally:
        admin.close()


def _ensure_one(admin: Any, spec: TopicSpec, existing: dict[str, Any] | None, replication: int) -> str:
    if existing is None:
        options = {
            "num_partitions": spec.partitions, "replication_factor": replication, "configs": spec.configs
        }  # fmt: skip
        if not _create(admin, spec.name, options):
            return f"{spec.name}: created by someone else just now"
        admin.wait_for_topics([spec.name], timeout_ms=_TIMEOUT_MS)
        return f"{spec.name}: created with {spec.partitions} partitions"
    done = []
    partitions = len(existing["partitions"])
    if partitions < spec.partitions:
        admin.create_partitions({spec.name: spec.partitions}, timeout_ms=_TIMEOUT_MS)
        admin.wait_for_topics([spec.name], timeout_ms=_TIMEOUT_MS)
        done.append(f"grown from {partitions} to {spec.partitions} partitions")
    _require(existing, "DESCRIBE_CONFIGS")
    changed, kept = _differing(admin, spec)
    if kept:
        done.append("keeps its " + ", ".join(f"{name}={value}" for name, value in sorted(kept.items())))
    if changed:
        _require(existing, "ALTER_CONFIGS")
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, spec.name, changed)])
        done.append("set " + ", ".join(f"{name}={value}" for name, value in sorted(changed.items())))
    return f"{spec.name}: " + (", ".join(done) or f"fine as it is ({partitions} partitions)")


def _create(admin: Any, name: str, options: dict[str, Any]) -> bool:
    """Create a topic, False if someone else did; a topic of that name that is still being deleted is waited for."""
    deadline = time.monotonic() + _TIMEOUT_MS / 1000
    while True:
        try:
            admin.create_topics({name: options}, timeout_ms=_TIMEOUT_MS)
            return True
        except kafka.errors.TopicAlreadyExistsError:
            if any(topic["error_code"] == 0 for topic in admin.describe_topics([name])):
                return False
            if time.monotonic() > deadline:
                raise
        time.sleep(_DELETION_LOOK_SECONDS)


def _require(topic: dict[str, Any], operation: str) -> None:
    """kafka-python does not raise what the broker answers to requests about configs."""
    allowed = topic.get("authorized_operations")  # an old broker does not tell
    if allowed is not None and operation not in allowed:
        raise kafka.errors.TopicAuthorizationFailedError([topic["name"]])


def _differing(admin: Any, spec: TopicSpec) -> tuple[dict[str, str], dict[str, str]]:
    """What is to be set, and what is larger than declared and stays: a shorter retention would delete records."""
    wanted = ConfigResource(ConfigResourceType.TOPIC, spec.name, spec.configs)
    described = admin.describe_configs([wanted], config_filter="all")
    found = next(iter(next(iter(described.values())).values()))
    current = {name: str(found.get(name, {}).get("value")) for name in spec.configs}
    other = {name: value for name, value in spec.configs.items() if current[name] != value}
    kept = {name: current[name] for name, value in other.items() if _is_more(current[name], value)}
    return {name: value for name, value in other.items() if name not in kept}, kept


def _is_more(current: str, wanted: str) -> bool:
    """Whether a setting is a larger number; -1 is no limit."""
    try:
        return int(current) == -1 or int(current) > int(wanted)
    except ValueError:
        return False


@click.command(context_settings=CONTEXT_SETTINGS)
@kafka_options
@topic_options
@setting(
    "--partitions",
    "TOPIC_PARTITIONS",
    DEFAULT_PARTITIONS,
    "Partitions per topic; topics only ever grow.",
    type=click.IntRange(1, 10_000),
)
@setting(
    "--replication",
    "TOPIC_REPLICATION",
    -1,
    "Replicas per partition; -1 is the broker's default.",
    type=click.IntRange(-1, 100),
)
@setting(
    "--max-event-bytes",
    "MAX_EVENT_BYTES",
    DEFAULT_MAX_EVENT_BYTES,
    "The job's setting; decides the sinks' record size.",
    type=click.IntRange(1_000, 64_000_000),
)
@debug_option
def main(
    bootstrap_servers: str,
    kafka_config: str | None,
    raw_topic: str,
    enriched_topic: str,
    dead_letter_topic: str,
    partitions: int,
    replication: int,
    max_event_bytes: int,
    debug: bool,
) -> None:
    """Create the pipeline's topics, or bring existing ones up to date. Safe to repeat."""
    settings = KafkaSettings.load(bootstrap_servers, kafka_config)
    topics = Topics(raw_topic, enriched_topic, dead_letter_topic)
    for line in ensure(settings, declared(topics, partitions, max_event_bytes), replication):
        click.echo(line)


if __name__ == "__main__":
    raise SystemExit(run(main))
