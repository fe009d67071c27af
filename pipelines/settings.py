"""The settings of the enrichment job: one frozen object, read from flags, environment and defaults."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from pipelines.cli import (
    Command,
    ConfigurationError,
    debug_option,
    kafka_options,
    lake_options,
    setting,
    stack,
    topic_options,
)
from pipelines.clients import KafkaSettings, S3Settings
from pipelines.lake import Lake
from pipelines.transforms.vocabulary import DEFAULT_MAX_EVENT_BYTES

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DEFAULT_CHECKPOINT = PROJECT_ROOT / ".local" / "checkpoints" / "enrich"
# What --profile sets where nothing else is said. Each batch costs some seconds whatever its size (docs/performance.md).
PROFILES: dict[str, dict[str, Any]] = {
    "balanced": {"max_offsets_per_trigger": 50_000, "trigger": "5 seconds"},
    "throughput": {"max_offsets_per_trigger": 200_000, "trigger": "5 seconds"},
    "latency": {"max_offsets_per_trigger": 20_000, "trigger": "500 milliseconds"},
}
# As Spark's intervals: only seconds have a fraction.
_TRIGGER = re.compile(r"(\d{1,9}\s*(milliseconds?|minutes?|hours?)|\d{1,9}(\.\d{1,6})?\s*seconds?)\Z")
_MOST = 2_147_483_647


@dataclass(frozen=True)
class Topics:
    """The names of the three topics. Raises ConfigurationError where two are the same."""

    raw: str
    enriched: str
    dead_letter: str

    def __post_init__(self) -> None:
        if len({self.raw, self.enriched, self.dead_letter}) < 3:
            raise ConfigurationError(
                f"RAW_TOPIC={self.raw}, ENRICHED_TOPIC={self.enriched}, DEAD_LETTER_TOPIC={self.dead_letter}: must "
                "be three topics, or the job would read again what it writes, without end."
            )


@dataclass(frozen=True)
class EnrichSettings:
    """Everything the job is told. `checkpoint` is None where the default depends on the Spark master."""

    kafka: KafkaSettings
    s3: S3Settings
    topics: Topics
    lake: Lake
    checkpoint: str | None
    catalog: str | None
    max_event_bytes: int
    max_event_age_days: int
    max_future_seconds: int
    late_after_seconds: int
    dedup_horizon_seconds: int
    max_dead_ratio: float | None
    accept_data_loss: bool
    retry_for_seconds: int
    max_offsets_per_trigger: int
    max_tasks: int | None
    trigger: str
    available_now: bool
    pseudonym_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> EnrichSettings:
        """From the values that click collected; secrets from the environment."""
        key = os.environ.get("PSEUDONYM_KEY") or None
        return cls(
            kafka=KafkaSettings.load(options["bootstrap_servers"], options["kafka_config"]),
            s3=S3Settings(options["s3_endpoint"], options["s3_region"]),
            topics=Topics(options["raw_topic"], options["enriched_topic"], options["dead_letter_topic"]),
            lake=Lake(options["lake"]),
            pseudonym_key=key.encode() if key else None,
            **{name: options[name] for name in _OWN_OPTIONS},
        )


_OWN_OPTIONS = (
    "checkpoint",
    "catalog",
    "max_event_bytes",
    "max_event_age_days",
    "max_future_seconds",
    "late_after_seconds",
    "dedup_horizon_seconds",
    "max_dead_ratio",
    "accept_data_loss",
    "retry_for_seconds",
    "max_offsets_per_trigger",
    "max_tasks",
    "trigger",
    "available_now",
)


def _valid_trigger(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not _TRIGGER.match(value.strip()):
        raise click.BadParameter(f"{value!r} is no interval like '5 seconds'.")
    return value.strip()


def _valid_ratio(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no share.")
    return value


def _with_profile(context: click.Context, parameter: click.Parameter, value: str) -> str:
    context.default_map = {**(context.default_map or {}), **PROFILES[value]}
    return value


enrich_options: Callable[[Command], Command] = stack(
    kafka_options,
    topic_options,
    lake_options,
    setting(
        "--checkpoint",
        "CHECKPOINT_URI",
        None,
        "Folder or URI of the stream's progress; for local masters .local/checkpoints/enrich of the project.",
    ),
    setting("--catalog", "CATALOG_URI", None, "Product catalogue, JSON Lines; bundled by default."),
    setting(
        "--max-event-bytes",
        "MAX_EVENT_BYTES",
        DEFAULT_MAX_EVENT_BYTES,
        "Larger raw values are dead letters. Bytes.",
        type=click.IntRange(1_000, 64_000_000),
    ),
    setting(
        "--max-event-age-days",
        "MAX_EVENT_AGE_DAYS",
        3650,
        "Older events are dead letters; 0 is no limit. Days.",
        type=click.IntRange(0, 100_000),
    ),
    setting(
        "--max-future-seconds",
        "MAX_FUTURE_SECONDS",
        600,
        "Events further ahead of their arrival are dead letters. Seconds.",
        type=click.IntRange(0, _MOST),
    ),
    setting(
        "--late-after-seconds",
        "LATE_AFTER_SECONDS",
        3600,
        "Events that arrive later than this are flagged is_late. Seconds.",
        type=click.IntRange(0, _MOST),
    ),
    setting(
        "--dedup-horizon-seconds",
        "DEDUP_HORIZON_SECONDS",
        3600,
        "An event that was accepted this long ago or less is a duplicate when it is sent again; 0 is off. Seconds.",
        type=click.IntRange(0, 7 * 86_400),
    ),
    setting(
        "--max-dead-ratio",
        "MAX_DEAD_RATIO",
        None,
        "Stop (exit code 3) before writing a batch of which more than this share is dead, 0 to 1; no limit by default.",
        type=click.FloatRange(0, 1),
        callback=_valid_ratio,
    ),
    setting(
        "--retry-for-seconds",
        "RETRY_FOR_SECONDS",
        300,
        "Go on trying while Kafka or S3 is away, at most this long; 0 is not at all. Seconds.",
        type=click.IntRange(0, _MOST),
    ),
    setting(
        "--profile",
        "ENRICH_PROFILE",
        "balanced",
        "What batches are tuned for: throughput (large ones: a backlog costs least), latency (small ones, one after "
        "the other) or balanced. Sets the two defaults below.",
        type=click.Choice(list(PROFILES)),
        is_eager=True,
        expose_value=False,
        callback=_with_profile,
    ),
    setting(
        "--max-offsets-per-trigger",
        "MAX_OFFSETS_PER_TRIGGER",
        PROFILES["balanced"]["max_offsets_per_trigger"],
        f"The most records in one batch; {PROFILES['throughput']['max_offsets_per_trigger']} with throughput, "
        f"{PROFILES['latency']['max_offsets_per_trigger']} with latency.",
        type=click.IntRange(1, _MOST),
    ),
    setting(
        "--max-tasks",
        "MAX_TASKS",
        None,
        "The most tasks that read one batch, 0 is one per partition; by default twice the cores of a local master, "
        "and one per partition on a cluster.",
        type=click.IntRange(0, _MOST),
    ),
    click.option(
        "--trigger",
        default=PROFILES["balanced"]["trigger"],
        show_default=True,
        callback=_valid_trigger,
        help="Time between batches; 500 milliseconds with latency.",
    ),
    click.option("--available-now", is_flag=True, help="Process what is there, then stop."),
    click.option(
        "--accept-data-loss",
        is_flag=True,
        help="Go on although raw records are gone that were never processed; batch_audit notes which.",
    ),
    debug_option,
)


def tasks_for(settings: EnrichSettings, master: str, cores: int) -> int:
    """The most tasks that read one batch, 0 for one per partition. How many cores a cluster will have, nobody knows."""
    if settings.max_tasks is not None:
        return settings.max_tasks
    return 2 * cores if master.startswith("local") else 0


def checkpoint_for(settings: EnrichSettings, master: str) -> str:
    """The checkpoint's place. Executors of a cluster need a shared one, so there it has no default."""
    if settings.checkpoint:
        return settings.checkpoint
    if master.startswith("local"):
        return str(DEFAULT_CHECKPOINT)
    raise ConfigurationError(
        f"CHECKPOINT_URI (--checkpoint) must name a place that all nodes share: the master is {master}."
    )
