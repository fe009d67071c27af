"""The job that a Structured Streaming tutorial teaches: from_json, three queries, to_json, Delta as it comes.

``spark-submit benchmarks/peers/stock_pyspark.py [--tuned]``. Tuned: one query, larger batches; each is parsed once,
cached, and written to its three sinks side by side; statistics on few columns.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

BATCH, TUNED_BATCH = 50_000, 200_000
MONEY = "decimal(12,2)"
ITEM = f"""item_id string, item_name string, item_brand string, item_category string, item_variant string,
  price {MONEY}, list_price {MONEY}, quantity int, discount {MONEY}, coupon string, index int"""
EVENT = f"""
  schema_version string, event_id string, event_name string, event_time string, sent_at string, anonymous_id string,
  session_id string, user_id string, session_number int, session_event_index int, platform string,
  page struct<url string, title string, referrer string>,
  device struct<category string, user_agent string, screen string, language string>, ip_address string,
  geo struct<country string, region string, city string>,
  traffic struct<source string, medium string, campaign string, term string, content string, click_id string>,
  ecommerce struct<transaction_id string, cart_id string, value {MONEY}, currency string, tax {MONEY},
    shipping {MONEY}, discount {MONEY}, coupon string, payment_type string, shipping_tier string, item_list_id string,
    search_term string, refund_reason string>,
  items array<struct<{ITEM}>>, _corrupt string
"""
REQUIRED = ("event_id", "event_name", "event_time", "anonymous_id", "session_id")
NAMES = """page_view search view_item_list select_item view_item add_to_wishlist add_to_cart remove_from_cart view_cart
  begin_checkout add_shipping_info add_payment_info purchase refund login sign_up""".split()
ADDED = ("page_host", "page_path", "utm_source", "utm_medium", "utm_campaign", "referrer_host", "referrer_medium",
         "device_class", "event_date", "lateness_ms", "cart_value", "catalog_items")  # fmt: skip
STATISTICS = "event_name,event_time,event_date"


def read_raw(spark: SparkSession, batch: int = BATCH) -> DataFrame:
    """The raw topic as a stream."""
    options = {
        "kafka.bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "subscribe": os.environ["RAW_TOPIC"],
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(batch),
    }
    return spark.readStream.format("kafka").options(**options).load().select("key", "value", "timestamp")


def parse(records: DataFrame) -> DataFrame:
    """key, value, timestamp, event, happened, reason (null: a good event)."""
    text = F.col("value").cast("string")
    parsed = records.withColumn("event", F.from_json(text, EVENT, {"columnNameOfCorruptRecord": "_corrupt"}))
    parsed = parsed.withColumn("happened", F.try_to_timestamp("event.event_time"))
    corrupt, event = F.col("event._corrupt").isNotNull(), "event"
    nothing = reduce(Column.__and__, [F.col(f"{event}.{name}").isNull() for name in REQUIRED])
    missing = reduce(Column.__or__, [F.coalesce(F.col(f"{event}.{name}"), F.lit("")) == "" for name in REQUIRED])
    return parsed.withColumn(
        "reason",
        F.when(F.col("event").isNull() | (corrupt & nothing), "NOT_JSON")
        .when(missing, "MISSING_REQUIRED")
        .when(corrupt, "TYPE_MISMATCH")
        .when(~F.col("event.event_name").isin(NAMES), "INVALID_VALUE")
        .when(F.col("happened").isNull(), "TIMESTAMP_INVALID"),
    )


def enrich(parsed: DataFrame) -> DataFrame:
    """The good events, with the twelve enrichments as columns."""
    events = parsed.where("reason is null")
    traffic = F.col("event.traffic")
    untold = F.coalesce(*[traffic[name] for name in ("source", "medium", "campaign", "term", "content")]).isNull()
    url = F.col("event.page.url")
    columns = {
        "page_host": F.lower(F.try_parse_url(url, F.lit("HOST"))),
        "page_path": F.nullif(F.try_parse_url(url, F.lit("PATH")), F.lit("")),
        "referrer_host": F.lower(F.try_parse_url("event.page.referrer", F.lit("HOST"))),
        **{
            f"utm_{name}": F.when(
                untold, F.try_url_decode(F.try_parse_url(url, F.lit("QUERY"), F.lit(f"utm_{name}")))
            ).otherwise(traffic[name])
            for name in ("source", "medium", "campaign")
        },
        "device_class": device_class(),
        "event_date": F.to_date("happened"),
        "lateness_ms": F.unix_millis("timestamp") - F.unix_millis("happened"),
        "cart_value": cart_value(),
        "catalog_items": catalog_items(),
    }
    return events.withColumns(columns).withColumn("referrer_medium", referrer_medium())


def rules(name: str) -> list[dict[str, str]]:
    """The rows of a bundled list."""
    with (Path(os.environ["CATALOG"]).parent / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def referrer_medium() -> Column:
    """By the host, e-mail first."""
    host = F.col("referrer_host")
    medium = F.when(host.isNull(), "direct").when(host == F.col("page_host"), "internal")
    for row in sorted(rules("referrers.csv"), key=lambda row: row["medium"] != "email"):
        medium = medium.when(host.rlike(row["host_pattern"]), row["medium"])
    return medium.otherwise("other")


def device_class() -> Column:
    """By the user agent, else as declared."""
    agent, category = F.col("event.device.user_agent"), F.lower("event.device.category")
    chosen: dict[str, list[dict[str, str]]] = {"is_bot": [], "device_class": []}
    for row in rules("user_agents.csv"):
        if row["column"] in chosen:
            chosen[row["column"]].append(row)
    found = F.when(F.lit(False), "")
    for row in chosen["is_bot"]:
        found = found.when(agent.rlike(row["pattern"]), "bot")
    for row in chosen["device_class"]:
        found = found.when(agent.rlike(row["pattern"]), row["value"])
    return found.when(category.isin("desktop", "mobile", "tablet"), category)


def cart_value() -> Column:
    """Σ price × quantity."""
    items = F.col("event.items")
    total = F.aggregate(
        items,
        F.lit(0).cast("decimal(28,2)"),
        lambda sum_, item: (sum_ + item["price"] * F.coalesce(item["quantity"], F.lit(1))).cast("decimal(28,2)"),
    )
    return F.when((F.size(items) > 0) & F.forall(items, lambda item: item["price"].isNotNull()), total)


def catalog_items() -> Column:
    """Per item what the catalogue knows: a map in the plan, as the catalogue is small."""
    lines = Path(os.environ["CATALOG"]).read_text(encoding="utf-8").splitlines()
    entries = {row["item_id"]: row for row in map(json.loads, lines)}
    kind = "map<string,struct<name:string,brand:string,category:string>>"
    catalog = F.from_json(F.lit(json.dumps(entries)), kind)
    return F.transform(
        "event.items",
        lambda item: F.struct(
            item["item_id"].alias("item_id"),
            *[F.try_element_at(catalog, item["item_id"])[name].alias(name) for name in ("name", "brand", "category")],
        ),
    )


def to_topic(events: DataFrame) -> DataFrame:
    """Records for the enriched topic."""
    fields = [F.col(f"event.{name}").alias(name) for name in events.select("event.*").columns if name[0] != "_"]
    value = F.to_json(F.struct(*fields, F.struct(*ADDED).alias("enrichment")))
    return events.select("key", value.alias("value"))


def to_dead_letters(parsed: DataFrame) -> DataFrame:
    """Records for the dead-letter topic."""
    header = F.struct(F.lit("reason").alias("key"), F.col("reason").cast("binary").alias("value"))
    return parsed.where("reason is not null").select("key", "value", F.array(header).alias("headers"))


def to_table(events: DataFrame) -> DataFrame:
    """Rows for the lake."""
    fields = [
        F.col("happened").alias(name) if name == "event_time" else F.col(f"event.{name}").alias(name)
        for name in events.select("event.*").columns
        if name[0] != "_"
    ]
    return events.select(*fields, *ADDED)


def kafka_options(topic: str) -> dict[str, str]:
    """Options of the Kafka sink: the same for all systems."""
    return {
        "kafka.bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "topic": os.environ[topic],
        "includeHeaders": "true", "kafka.acks": "all", "kafka.compression.type": "lz4", "kafka.linger.ms": "20",
        "kafka.batch.size": str(256 * 1024),
    }  # fmt: skip


def three_queries(spark: SparkSession, lake: str, trigger: dict[str, Any], workload: str) -> None:
    """Each sink has a query of its own, and each reads and parses for itself."""
    work = os.environ["WORK_DIR"]

    def start(rows: DataFrame, name: str, form: str, options: dict[str, str], path: str | None = None) -> None:
        options = {**options, "checkpointLocation": f"{work}/checkpoint-{name}"}
        rows.writeStream.format(form).options(**options).trigger(**trigger).outputMode("append").start(path)

    start(to_dead_letters(parse(read_raw(spark))), "dead", "kafka", kafka_options("DEAD_LETTER_TOPIC"))
    if workload != "W3":
        start(to_topic(enrich(parse(read_raw(spark)))), "topic", "kafka", kafka_options("ENRICHED_TOPIC"))
    if workload != "W2":
        start(to_table(enrich(parse(read_raw(spark)))), "table", "delta", {}, f"{lake}/events")
    for query in spark.streams.active:
        query.awaitTermination()


def one_query(spark: SparkSession, lake: str, trigger: dict[str, Any], workload: str) -> None:
    """One query; a batch is parsed once and its sinks are written side by side."""
    path = f"{lake}/events"
    if workload != "W2":
        columns = to_table(enrich(parse(spark.createDataFrame([], "key binary, value binary, timestamp timestamp"))))
        table = DeltaTable.createIfNotExists(spark).location(path).addColumns(columns.schema)
        table.property("delta.dataSkippingStatsColumns", STATISTICS).execute()

    def deliver(parsed: DataFrame, batch_id: int) -> None:
        parsed = parsed.persist()
        events = enrich(parsed)
        writes = [partial(write_topic, to_dead_letters(parsed), "DEAD_LETTER_TOPIC")]
        if workload != "W3":
            writes.append(partial(write_topic, to_topic(events), "ENRICHED_TOPIC"))
        if workload != "W2":
            writes.append(partial(write_table, to_table(events), path, batch_id))
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(write) for write in writes]:
                done.result()
        parsed.unpersist()

    checkpoint = f"{os.environ['WORK_DIR']}/checkpoint"
    stream = (
        parse(read_raw(spark, TUNED_BATCH)).writeStream.foreachBatch(deliver).option("checkpointLocation", checkpoint)
    )
    stream.trigger(**trigger).start().awaitTermination()


def write_topic(rows: DataFrame, topic: str) -> None:
    """Append a batch to a topic."""
    rows.write.format("kafka").options(**kafka_options(topic)).save()


def write_table(rows: DataFrame, path: str, batch_id: int) -> None:
    """Append a batch to the table, once."""
    options = {"txnAppId": "stock", "txnVersion": str(batch_id)}
    rows.write.format("delta").mode("append").options(**options).save(path)


def main() -> None:
    """Run until everything is read (--mode drain) or until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--mode", choices=("drain", "stream"), default="drain")
    arguments = parser.parse_args()
    builder = SparkSession.builder.appName("stock").config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.parquet.compression.codec", "zstd")
    builder = builder.config("spark.hadoop.fs.s3a.endpoint", os.environ["AWS_ENDPOINT_URL"])
    builder = builder.config("spark.hadoop.fs.s3a.endpoint.region", os.environ["AWS_REGION"])
    builder = builder.config("spark.hadoop.fs.s3a.path.style.access", "true")
    spark = builder.config("spark.hadoop.fs.s3a.connection.ssl.enabled", "false").getOrCreate()
    # A tutorial's stream has no trigger: the next batch begins when the last one ends.
    trigger: dict[str, Any] = {"availableNow": True} if arguments.mode == "drain" else {"processingTime": "0 seconds"}
    run = one_query if arguments.tuned else three_queries
    run(spark, os.environ["LAKE_URI"], trigger, os.environ.get("WORKLOAD", "W1"))


if __name__ == "__main__":
    main()
