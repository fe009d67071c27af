"""enrich: everything the pipeline adds to an accepted event, one small file per kind of knowledge."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.reference_data import ReferenceData
from pipelines.transforms.enrichment.agent import with_agent
from pipelines.transforms.enrichment.privacy import with_ip_prefix, with_pseudonym, without_private_fields
from pipelines.transforms.enrichment.remarks import with_rescued_data, with_warnings
from pipelines.transforms.enrichment.shop import with_cart_value, with_catalog_items, with_fingerprint
from pipelines.transforms.enrichment.web import with_campaign, with_page, with_referrer_medium


@dataclass(frozen=True)
class EnrichmentRules:
    """What the enrichment is given: lookup data, the lateness bound and, optionally, the pseudonym key."""

    reference: ReferenceData
    late_after_seconds: int = 3600
    pseudonym_key: bytes | None = field(default=None, repr=False)


def enrich(records: DataFrame, rules: EnrichmentRules) -> DataFrame:
    """Add the columns of `schemas.ENRICHMENT`; take the private fields out of `event`.

    Dead records have no event any more (`failures.set_aside`) and get nulls. What needs only the event comes first:
    Spark does it in one projection, and what builds on that in another.
    """
    steps = (
        partial(with_lateness, late_after_seconds=rules.late_after_seconds),
        with_page,
        partial(with_agent, rules=rules.reference.user_agents),
        partial(with_catalog_items, catalog_json=rules.reference.catalog_json),
        with_cart_value,
        with_fingerprint,
        with_ip_prefix,
        partial(with_pseudonym, key=rules.pseudonym_key),
        with_rescued_data,
        with_campaign,
        partial(with_referrer_medium, referrers=rules.reference.referrers),
        with_warnings,
        partial(without_private_fields, has_key=rules.pseudonym_key is not None),
    )
    for step in steps:
        records = step(records)
    return records.drop("notes", "clock_unknown")


def with_lateness(records: DataFrame, late_after_seconds: int) -> DataFrame:
    """Add load_date, event_date, lateness_ms = received_at − derived_at, is_late (> `late_after_seconds`)."""
    lateness = F.expr("(unix_micros(received_at) - unix_micros(derived_at)) div 1000")
    return records.withColumns(
        {
            "load_date": F.to_date("received_at"),
            "event_date": F.to_date("derived_at"),
            "lateness_ms": lateness,
            "is_late": lateness > late_after_seconds * 1000,
        }
    )
