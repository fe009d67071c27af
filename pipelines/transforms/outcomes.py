"""Raw Kafka records → outcomes, each accepted or dead, never both, never neither.

One function on the JVM judges a record, `ecommerce.judge`: its Java sources are in ``pipelines/jvm``. As Spark's own
expressions the same rules were some 6,000 of them, and cost more than twice as much (docs/performance.md).
Rules, settings and the schemas stay here, and are handed over with each call.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.reference_data import ReferenceData
from pipelines.transforms import vocabulary
from pipelines.transforms.records import LINEAGE

# Spark's catalogue that holds the function: spark.sql.catalog.ecommerce names its class.
JUDGE = "ecommerce.judge"
_NO_TIME = -(2**63)
_BLOCK_BYTES = 64
_PADS = {"inner_key": 0x36, "outer_key": 0x5C}
_LINEAGE = (*LINEAGE, "kafka_timestamp_type")


@dataclass(frozen=True)
class Limits:
    """Bounds on the event's time, against the broker's append time; an age of 0 days is no bound."""

    max_event_age_days: int = 3650
    max_future_seconds: int = 600


@dataclass(frozen=True)
class EnrichmentRules:
    """What the enrichment is given: lookup data, the lateness bound and, optionally, the pseudonym key."""

    reference: ReferenceData
    late_after_seconds: int = 3600
    pseudonym_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Rules:
    """What decides a record's outcome."""

    enrichment: EnrichmentRules
    limits: Limits = field(default_factory=Limits)
    max_event_bytes: int = vocabulary.DEFAULT_MAX_EVENT_BYTES


def judge(records: DataFrame, rules: Rules) -> DataFrame:
    """One row per raw record (`schemas.RAW_RECORD`), in its order: its coordinates and `judged` (`schemas.JUDGED`).

    One column, so that Spark copies it as one block of bytes; `unpacked` takes it apart.
    """
    # Rules go by a null whose type has them as metadata: Spark's pages and event log show arguments, and keep each
    # batch's; what they show has neither the pseudonym's key nor the catalogue.
    given = T.StructType([T.StructField("judged", schemas.JUDGED, metadata=_metadata(rules))])
    judged = F.call_function(
        JUDGE,
        "key",
        "value",
        "headers",
        F.coalesce(F.unix_micros("kafka_timestamp"), F.lit(_NO_TIME)),
        F.lit(None).cast(given),
    )
    return records.select(*_LINEAGE, judged.alias("judged"))


def unpacked(judged: DataFrame) -> DataFrame:
    """What `judge` returned as outcomes: the coordinates, `judged`, and a column for each field of it."""
    return judged.select(*_LINEAGE, "judged", "judged.*")


def to_outcomes(records: DataFrame, rules: Rules) -> DataFrame:
    """One outcome per raw record, in the same order: `judge` and `unpacked`, with nothing kept in between."""
    return unpacked(judge(records, rules))


def _as_data(rules: Rules) -> dict[str, Any]:
    """The rules as `Contract.java` reads them."""
    reference = rules.enrichment.reference
    return {
        "event": schemas.EVENT.jsonValue(),
        "model": vocabulary.MODEL,
        "revision": vocabulary.REVISION,
        "event_names": vocabulary.EVENT_NAMES,
        "needs_items": vocabulary.NEEDS_ITEMS,
        "needs_transaction": vocabulary.NEEDS_TRANSACTION,
        "currencies": vocabulary.CURRENCIES,
        "platforms": vocabulary.PLATFORMS,
        "required": vocabulary.REQUIRED,
        "critical": sorted(vocabulary.CRITICAL),
        "private": sorted(vocabulary.PRIVATE),
        "failure_types": vocabulary.FAILURE_TYPES,
        "max_items": vocabulary.MAX_ITEMS,
        "max_event_age_days": rules.limits.max_event_age_days,
        "max_future_seconds": rules.limits.max_future_seconds,
        "late_after_seconds": rules.enrichment.late_after_seconds,
        "max_event_bytes": rules.max_event_bytes,
        "max_record_bytes": vocabulary.sink_record_bytes(rules.max_event_bytes),
        "reference": {
            "catalog": json.loads(reference.catalog_json),
            "referrers": reference.referrers,
            "user_agents": reference.user_agents,
        },
    }


def _metadata(rules: Rules) -> dict[str, str]:
    """What `Judge.java` takes: the rules, and with a key HMAC-SHA-256's two first blocks (RFC 2104) in hexadecimal."""
    given = {"rules": json.dumps(_as_data(rules), ensure_ascii=False)}
    key = rules.enrichment.pseudonym_key
    if key is not None:
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
        given |= {name: bytes(b ^ pad for b in block).hex() for name, pad in _PADS.items()}
    return given
