"""Before the first batch: settings of the topics that would fail batches for ever or let records vanish."""

from __future__ import annotations

from typing import Any

import kafka.errors
from kafka.admin import ConfigResource, ConfigResourceType

from pipelines.cli import ConfigurationError
from pipelines.clients import KafkaSettings, kafka_problem
from pipelines.settings import Topics
from pipelines.transforms.vocabulary import sink_record_bytes

_TIMEOUT_MS = 15_000
_HOUR_MS = 3_600_000
_ASKED = ("cleanup.policy", "max.message.bytes", "message.timestamp.type", "retention.ms")


def check_topic_settings(kafka_settings: KafkaSettings, topics: Topics, max_event_bytes: int) -> list[str]:
    """Look at the settings of topics that exist; returns warnings, a line each.

    Who lacks DESCRIBE_CONFIGS on a topic is told nothing about it. Raises ConfigurationError.
    """
    settings = _described(kafka_settings, (topics.raw, topics.enriched, topics.dead_letter))
    for topic, of_topic in settings.items():
        if "compact" in of_topic.get("cleanup.policy", ""):
            harm = "events vanish from it unread" if topic == topics.raw else "it takes no record without a key"
            raise ConfigurationError(
                f"{topic} has cleanup.policy={of_topic['cleanup.policy']}, so {harm}: set cleanup.policy=delete on it."
            )
    needed = sink_record_bytes(max_event_bytes)
    for topic in (topics.enriched, topics.dead_letter):
        most = settings[topic].get("max.message.bytes")
        if most is not None and int(most) < needed:
            raise ConfigurationError(
                f"{topic} takes records of {most} bytes, and MAX_EVENT_BYTES={max_event_bytes} needs {needed}: a large "
                f"event would fail its batch for ever. Raise max.message.bytes: MAX_EVENT_BYTES={max_event_bytes} "
                "make topics"
            )
    return _warnings(topics.raw, settings[topics.raw])


def _warnings(raw: str, settings: dict[str, str]) -> list[str]:
    lines = []
    if settings.get("message.timestamp.type", "LogAppendTime") != "LogAppendTime":
        lines.append(
            f"{raw} keeps the producers' time (message.timestamp.type={settings['message.timestamp.type']}): lateness "
            "and retention go by their clocks. For the broker's: make topics"
        )
    kept_ms = int(settings.get("retention.ms", -1))
    if 0 <= kept_ms < _HOUR_MS:
        lines.append(
            f"{raw} keeps records for {kept_ms / 60_000:,.0f} minutes only (retention.ms={kept_ms}): what is not "
            "processed by then is lost. For 7 days: make topics"
        )
    return lines


def _described(kafka_settings: KafkaSettings, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Topic → its settings; none where the broker does not tell, which kafka-python does not raise."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(_ASKED)) for name in names]
    try:
        admin = kafka_settings.admin(bootstrap_timeout_ms=_TIMEOUT_MS, request_timeout_ms=_TIMEOUT_MS)
        try:
            described: dict[str, Any] = admin.describe_configs(asked, config_filter="all")
        finally:
            admin.close()
    except kafka.errors.AuthorizationError:
        described = {}
    except (kafka.errors.KafkaError, OSError, ValueError) as error:
        raise kafka_problem(error, kafka_settings) from error
    told = {name: values for of_type in described.values() for name, values in of_type.items()}
    return {name: {setting: str(data["value"]) for setting, data in told.get(name, {}).items()} for name in names}
