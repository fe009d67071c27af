"""The pipeline as a list of verbs: raw Kafka records → outcomes, each accepted or dead, never both, never neither."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from pipelines import schemas
from pipelines.transforms.decoding import decode
from pipelines.transforms.enrichment import EnrichmentRules, enrich
from pipelines.transforms.failures import set_aside
from pipelines.transforms.parsing import parse
from pipelines.transforms.records import LINEAGE
from pipelines.transforms.sizing import bounded, with_payload, with_size_checked
from pipelines.transforms.times import with_times
from pipelines.transforms.validation import Limits, validate
from pipelines.transforms.vocabulary import DEFAULT_MAX_EVENT_BYTES


@dataclass(frozen=True)
class Rules:
    """What decides a record's outcome. `nonce` is a random hex string drawn once per start (see `shape`)."""

    nonce: str
    enrichment: EnrichmentRules
    limits: Limits = field(default_factory=Limits)
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES


def to_outcomes(records: DataFrame, rules: Rules) -> DataFrame:
    """One outcome per raw record (`schemas.RAW_RECORD`), in the same order.

    `failure` is null for an accepted record, which has `event` (private fields taken out), `event_at`, `sent_at`
    and the columns of `schemas.ENRICHMENT`. A dead one has `failure`, `salvaged`, `payload_*`, and the original
    value, key and headers.
    """
    decoded = decode(bounded(records, rules.max_event_bytes), rules.max_event_bytes)
    parsed = parse(decoded, rules.nonce)
    validated = validate(with_times(parsed), rules.limits)
    enriched = enrich(set_aside(validated), rules.enrichment)
    sized = with_payload(with_size_checked(enriched, rules.max_event_bytes), rules.max_event_bytes)
    return sized.select(
        *LINEAGE,
        "kafka_timestamp_type",
        "key",
        "value",
        "headers",
        "failure",
        "salvaged",
        "payload_sha256",
        "payload_bytes",
        "payload_truncated",
        "event",
        "event_at",
        "sent_at",
        *schemas.ENRICHMENT.names,
    )
