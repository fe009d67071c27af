"""The columns of the Flink peer's tables, and the expressions that the bundled lists become."""

from __future__ import annotations

from benchmarks.peers.reference_lists import device_classes, referrers

EVENT = """
schema_version STRING, event_id STRING, event_name STRING, sent_at STRING, anonymous_id STRING, session_id STRING,
user_id STRING, session_number INT, session_event_index INT, platform STRING,
page ROW<url STRING, title STRING, referrer STRING>,
device ROW<category STRING, user_agent STRING, screen STRING, `language` STRING>, ip_address STRING,
geo ROW<country STRING, region STRING, city STRING>,
traffic ROW<source STRING, medium STRING, campaign STRING, term STRING, content STRING, click_id STRING>,
ecommerce ROW<transaction_id STRING, cart_id STRING, `value` DECIMAL(12, 2), currency STRING, tax DECIMAL(12, 2),
shipping DECIMAL(12, 2), discount DECIMAL(12, 2), coupon STRING, payment_type STRING, shipping_tier STRING,
item_list_id STRING, search_term STRING, refund_reason STRING>,
items ARRAY<ROW<item_id STRING, item_name STRING, item_brand STRING, item_category STRING, item_variant STRING,
price DECIMAL(12, 2), list_price DECIMAL(12, 2), quantity INT, discount DECIMAL(12, 2), coupon STRING, index INT>>
""".strip()
EVENT_COLUMNS = (
    *("schema_version", "event_id", "event_name", "sent_at", "anonymous_id", "session_id", "user_id"),
    *("session_number", "session_event_index", "platform", "page", "device", "ip_address", "geo", "traffic"),
    *("ecommerce", "items"),
)
# What a page's URL, its referrer and the device say.
VISIT = (
    *("page_host", "page_path", "utm_source", "utm_medium", "utm_campaign"),
    *("referrer_host", "referrer_medium", "device_class"),
)
ENRICHMENT = {
    **dict.fromkeys(VISIT, "STRING"),
    "event_date": "DATE",
    "lateness_ms": "BIGINT",
    "cart_value": "DECIMAL(28, 2)",
    "catalog_items": "ARRAY<ROW<item_id STRING, name STRING, brand STRING, category STRING>>",
}


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def device_class() -> str:
    """SQL: the first rule for bots, then the first one for classes, then what the device says."""
    cases = [
        f"WHEN REGEXP(device.user_agent, {literal(pattern)}) THEN {literal(name)}" for name, pattern in device_classes()
    ]
    declared = "WHEN LOWER(device.category) IN ('desktop', 'mobile', 'tablet') THEN LOWER(device.category)"
    return f"CASE {' '.join(cases)} {declared} END"


def referrer_medium() -> str:
    """SQL: what kind of page led here."""
    cases = [
        f"WHEN REGEXP(referrer_host, {literal(pattern)}) THEN {literal(medium)}" for medium, pattern in referrers()
    ]
    first = "WHEN referrer_host IS NULL THEN 'direct' WHEN referrer_host = page_host THEN 'internal'"
    return f"CASE {first} {' '.join(cases)} ELSE 'other' END"
