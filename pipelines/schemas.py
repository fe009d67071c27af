"""The shapes of the data, in flow order: raw record → event → outcome → tables.

Column order is the order in which people read a row. Money is ``DECIMAL(12,2)``, instants are UTC timestamps.
"""

from __future__ import annotations

from pyspark.sql import types as T

MONEY = T.DecimalType(12, 2)
TEXT = T.StringType()
INT = T.IntegerType()
LONG = T.LongType()
TIMESTAMP = T.TimestampType()


def _struct(**fields: T.DataType) -> T.StructType:
    return T.StructType([T.StructField(name, data_type) for name, data_type in fields.items()])


HEADERS = T.ArrayType(_struct(key=TEXT, value=T.BinaryType()))

# One row per Kafka record, as `sources.read_raw` hands it over.
RAW_RECORD = _struct(
    key=T.BinaryType(),
    value=T.BinaryType(),
    headers=HEADERS,
    kafka_topic=TEXT,
    kafka_topic_id=TEXT,
    kafka_partition=INT,
    kafka_offset=LONG,
    kafka_timestamp=TIMESTAMP,
    kafka_timestamp_type=INT,
)

PAGE = _struct(url=TEXT, title=TEXT, referrer=TEXT)
DEVICE = _struct(category=TEXT, user_agent=TEXT, screen=TEXT, language=TEXT)
GEO = _struct(country=TEXT, region=TEXT, city=TEXT)
TRAFFIC = _struct(source=TEXT, medium=TEXT, campaign=TEXT, term=TEXT, content=TEXT, click_id=TEXT)
ECOMMERCE = _struct(
    transaction_id=TEXT,
    cart_id=TEXT,
    value=MONEY,
    currency=TEXT,
    tax=MONEY,
    shipping=MONEY,
    discount=MONEY,
    coupon=TEXT,
    payment_type=TEXT,
    shipping_tier=TEXT,
    item_list_id=TEXT,
    search_term=TEXT,
    refund_reason=TEXT,
)
ITEM = _struct(
    item_id=TEXT,
    item_name=TEXT,
    item_brand=TEXT,
    item_category=TEXT,
    item_variant=TEXT,
    price=MONEY,
    list_price=MONEY,
    quantity=INT,
    discount=MONEY,
    coupon=TEXT,
    index=INT,
)

# One row per JSON document: the declared fields of schema version 1-0-0. Times are still text here:
# the enriched record keeps them as the producer wrote them.
EVENT = _struct(
    schema_version=TEXT,
    event_id=TEXT,
    event_name=TEXT,
    event_time=TEXT,
    sent_at=TEXT,
    anonymous_id=TEXT,
    session_id=TEXT,
    user_id=TEXT,
    session_number=INT,
    session_event_index=INT,
    platform=TEXT,
    page=PAGE,
    device=DEVICE,
    ip_address=TEXT,
    geo=GEO,
    traffic=TRAFFIC,
    ecommerce=ECOMMERCE,
    items=T.ArrayType(ITEM),
)

# What is wrong with one field. `actual_type` is a JSON type name; a value never appears here.
ERROR = _struct(path=TEXT, keyword=TEXT, expected=TEXT, actual_type=TEXT, message=TEXT)
WARNING = _struct(path=TEXT, keyword=TEXT, message=TEXT)
FAILURE = _struct(type=TEXT, stage=TEXT, errors=T.ArrayType(ERROR))

CATALOG_ITEM = _struct(item_id=TEXT, name=TEXT, brand=TEXT, category=TEXT, price=MONEY)

_LINEAGE = {
    "kafka_topic": TEXT,
    "kafka_topic_id": TEXT,
    "kafka_partition": INT,
    "kafka_offset": LONG,
    "kafka_timestamp": TIMESTAMP,
}
_RELEASE = {"batch_id": LONG, "pipeline_version": TEXT, "ruleset": TEXT}

# What the pipeline adds to an accepted event, besides the batch's own facts.
ENRICHMENT = _struct(
    received_at=TIMESTAMP,
    derived_at=TIMESTAMP,
    load_date=T.DateType(),
    event_date=T.DateType(),
    lateness_ms=LONG,
    is_late=T.BooleanType(),
    page_host=TEXT,
    page_path=TEXT,
    page_query=TEXT,
    utm_source=TEXT,
    utm_medium=TEXT,
    utm_campaign=TEXT,
    utm_term=TEXT,
    utm_content=TEXT,
    referrer_host=TEXT,
    referrer_medium=TEXT,
    browser=TEXT,
    os=TEXT,
    device_class=TEXT,
    is_bot=T.BooleanType(),
    catalog_items=T.ArrayType(CATALOG_ITEM),
    cart_value=T.DecimalType(28, 2),
    event_fingerprint=LONG,
    ip_prefix=TEXT,
    user_pseudonym=TEXT,
    warnings=T.ArrayType(WARNING),
    rescued_data=TEXT,
)

# The declared fields that are passed on: no ip address, no user agent; the URLs in `page` without their queries.
_PUBLIC_DEVICE = T.StructType([f for f in DEVICE if f.name != "user_agent"])
PASSED_ON = T.StructType(
    [
        T.StructField(f.name, _PUBLIC_DEVICE if f.name == "device" else f.dataType)
        for f in EVENT
        if f.name != "ip_address"
    ]
)

# What `ecommerce.judge` makes of one raw record. `failure` is null for an accepted record, which has the event, its
# times and ENRICHMENT; a dead one has what comes before (`salvaged`, `payload_*`: see DEAD_LETTERS) and `received_at`.
JUDGED = T.StructType(
    [
        *_struct(
            key=T.BinaryType(),
            value=T.BinaryType(),
            headers=HEADERS,
            failure=FAILURE,
            salvaged=_struct(event_id=TEXT, event_name=TEXT, event_time=TIMESTAMP),
            payload_sha256=TEXT,
            payload_bytes=LONG,
            payload_truncated=T.BooleanType(),
            event=PASSED_ON,
            event_at=TIMESTAMP,
            sent_at=TIMESTAMP,
        ),
        *ENRICHMENT,
    ]
)

# One row per accepted record. No ip address, no user agent, no URL query.
EVENTS = T.StructType(
    [
        T.StructField(f.name, TIMESTAMP if f.name in {"event_time", "sent_at"} else f.dataType)
        for f in EVENT
        if f.name not in {"ip_address", "device"}
    ]
    + [T.StructField("device", _PUBLIC_DEVICE)]
    + list(ENRICHMENT)
    + [T.StructField("processed_at", TIMESTAMP)]
    + list(_struct(**_LINEAGE, **_RELEASE))
)

# One row per dead record, with the original bytes.
DEAD_LETTERS = _struct(
    dlq_id=TEXT,
    dlq_schema=TEXT,
    failure_type=TEXT,
    failure_stage=TEXT,
    failure_errors=T.ArrayType(ERROR),
    failure_fields=T.ArrayType(TEXT),
    failed_at=TIMESTAMP,
    first_failed_at=TIMESTAMP,
    attempts=INT,
    original_timestamp=TIMESTAMP,
    original_timestamp_type=TEXT,
    event_id=TEXT,
    event_name=TEXT,
    event_time=TIMESTAMP,
    payload_sha256=TEXT,
    payload_bytes=LONG,
    payload_truncated=T.BooleanType(),
    key=T.BinaryType(),
    value=T.BinaryType(),
    value_text=TEXT,
    headers=HEADERS,
    processor=TEXT,
    **_LINEAGE,
    batch_id=LONG,
    ruleset=TEXT,
    dlq_date=T.DateType(),
)

# One row per suppressed re-send of an accepted event.
DUPLICATES = _struct(
    **_LINEAGE,
    event_id=TEXT,
    event_fingerprint=LONG,
    first_partition=INT,
    first_offset=LONG,
    batch_id=LONG,
)

OFFSET_RANGE = _struct(partition=INT, start_offset=LONG, end_offset=LONG)

# One row per batch (`kind` is "batch", or null in rows of older releases). `end_offset` is exclusive; seconds are
# wall-clock. A row of kind "gap" says which offsets an operator gave up with --accept-data-loss: its batch_id is
# null, its counts are 0, `reason` tells why, and an end_offset of null means "all beyond, nobody knows how many".
BATCH_AUDIT = _struct(
    generation=TEXT,
    batch_id=LONG,
    processed_at=TIMESTAMP,
    kafka_topic=TEXT,
    kafka_topic_id=TEXT,
    offsets=T.ArrayType(OFFSET_RANGE),
    records_in=LONG,
    accepted=LONG,
    dead=LONG,
    duplicate=LONG,
    late=LONG,
    failures=T.MapType(TEXT, LONG),
    seconds=T.MapType(TEXT, T.DoubleType()),
    table_versions=T.MapType(TEXT, LONG),
    pipeline_version=TEXT,
    ruleset=TEXT,
    kind=TEXT,
    reason=TEXT,
)
