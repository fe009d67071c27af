"""One Python process: confluent-kafka in, orjson and a few caches between, confluent-kafka and delta-rs out.

``python benchmarks/peers/hand_loop.py [--tuned]``. By default a batch goes through polars as dictionaries and each
event is written out anew. Tuned: the enrichment is spliced into the original bytes, pyarrow parses the result into the
table's columns, and Python's garbage collector is off (there are no cycles, and it took a third of the time). At least
once in Kafka; once in the table: a commit names its offsets, and a start goes on from there.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import signal
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.json as pj
from confluent_kafka import Consumer, Producer, TopicPartition
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError

from benchmarks.peers.python_events import sum_of_cents
from benchmarks.peers.reference_lists import device_classes, referrers
from pipelines.transforms.vocabulary import EVENT_NAMES, REQUIRED

BATCH = 50_000
NAMES = frozenset(EVENT_NAMES)
TEXT, NUMBER, INTEGER = pl.String, pl.Float64, pl.Int32
MONEY = dict.fromkeys(("value", "tax", "shipping", "discount"), NUMBER)
EVENT: dict[str, Any] = {
    **dict.fromkeys(("schema_version", "event_id", "event_name", "event_time", "sent_at"), TEXT),
    **dict.fromkeys(("anonymous_id", "session_id", "user_id"), TEXT),
    "session_number": INTEGER,
    "session_event_index": INTEGER,
    "platform": TEXT,
    "page": pl.Struct(dict.fromkeys(("url", "title", "referrer"), TEXT)),
    "device": pl.Struct(dict.fromkeys(("category", "user_agent", "screen", "language"), TEXT)),
    "ip_address": TEXT,
    "geo": pl.Struct(dict.fromkeys(("country", "region", "city"), TEXT)),
    "traffic": pl.Struct(dict.fromkeys(("source", "medium", "campaign", "term", "content", "click_id"), TEXT)),
    "ecommerce": pl.Struct(
        {
            "transaction_id": TEXT, "cart_id": TEXT, **MONEY, "currency": TEXT, "coupon": TEXT, "payment_type": TEXT,
            "shipping_tier": TEXT, "item_list_id": TEXT, "search_term": TEXT, "refund_reason": TEXT,
        }
    ),
    "items": pl.List(
        pl.Struct(
            {
                **dict.fromkeys(("item_id", "item_name", "item_brand", "item_category", "item_variant"), TEXT),
                "price": NUMBER, "list_price": NUMBER, "quantity": INTEGER, "discount": NUMBER, "coupon": TEXT,
                "index": INTEGER,
            }
        )
    ),
}  # fmt: skip
ADDED: dict[str, Any] = {
    **dict.fromkeys(("page_host", "page_path", "utm_source", "utm_medium", "utm_campaign", "referrer_host"), TEXT),
    "referrer_medium": TEXT,
    "device_class": TEXT,
    "event_date": TEXT,
    "lateness_ms": pl.Int64,
    "cart_value": NUMBER,
    "catalog_items": pl.List(pl.Struct(dict.fromkeys(("item_id", "name", "brand", "category"), TEXT))),
}
PLAIN = pl.CompatLevel.oldest()
WRITER = WriterProperties(compression="ZSTD", compression_level=3)


def judge(value: bytes) -> tuple[dict[str, Any], int, str | None]:
    """(event, milliseconds of its time, reason why it is dead)."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}, 0, "NOT_JSON"
    for name in REQUIRED:
        if not event.get(name):
            return event, 0, "MISSING_REQUIRED"
    for item in event.get("items") or ():
        price = item.get("price")
        if price is not None and type(price) not in (float, int):
            return event, 0, "TYPE_MISMATCH"
    if event["event_name"] not in NAMES:
        return event, 0, "INVALID_VALUE"
    try:
        when = datetime.fromisoformat(event["event_time"].replace("Z", "+00:00"))
    except ValueError:
        return event, 0, "TIMESTAMP_INVALID"
    return event, round(when.timestamp() * 1000), None


def enricher() -> Callable[[dict[str, Any], int, int], dict[str, Any]]:
    """A function (event, its milliseconds, Kafka's milliseconds) → the twelve enrichments."""
    lines = Path(os.environ["CATALOG"]).read_bytes().splitlines()
    catalog = {
        row["item_id"]: {name: row[name] for name in ("item_id", "name", "brand", "category")}
        for row in map(orjson.loads, lines)
    }
    hosts = [(medium, re.compile(pattern)) for medium, pattern in referrers()]
    agents = [(name, re.compile(pattern)) for name, pattern in device_classes()]

    @lru_cache(100_000)
    def place(url: str) -> tuple[str | None, str | None, str]:
        parts = urlsplit(url)
        return parts.hostname, parts.path or None, parts.query

    @lru_cache(10_000)
    def medium(host: str | None, page_host: str | None) -> str:
        if host is None or host == page_host:
            return "direct" if host is None else "internal"
        return next((name for name, pattern in hosts if pattern.search(host)), "other")

    @lru_cache(10_000)
    def device_class(agent: str, category: str) -> str | None:
        found = (name for name, pattern in agents if pattern.search(agent))
        return next(found, category if category in ("desktop", "mobile", "tablet") else None)

    @lru_cache(1_000)
    def date(day: int) -> str:
        return datetime.fromtimestamp(day * 86_400, timezone.utc).date().isoformat()

    def enrich(event: dict[str, Any], event_ms: int, received_ms: int) -> dict[str, Any]:
        page, items, device = event.get("page") or {}, event.get("items") or (), event.get("device") or {}
        host, path, query = place(page.get("url") or "")
        referrer_host = place(page.get("referrer") or "")[0]
        traffic = event.get("traffic") or {}
        source, in_medium, campaign = traffic.get("source"), traffic.get("medium"), traffic.get("campaign")
        if not (source or in_medium or campaign or traffic.get("term") or traffic.get("content")) and "utm_" in query:
            given = parse_qs(query)
            source, in_medium, campaign = (given.get(f"utm_{n}", [None])[0] for n in ("source", "medium", "campaign"))
        return {
            "page_host": host,
            "page_path": path,
            "utm_source": source,
            "utm_medium": in_medium,
            "utm_campaign": campaign,
            "referrer_host": referrer_host,
            "referrer_medium": medium(referrer_host, host),
            "device_class": device_class(device.get("user_agent") or "", (device.get("category") or "").lower()),
            "event_date": date(event_ms // 86_400_000),
            "lateness_ms": received_ms - event_ms,
            "cart_value": sum_of_cents(items),
            "catalog_items": [catalog.get(item.get("item_id")) or {"item_id": item.get("item_id")} for item in items],
        }

    return enrich


@lru_cache(1)
def reading() -> tuple[pj.ReadOptions, pj.ParseOptions]:
    """How pyarrow reads the documents: into these types, whatever else they have."""
    schema = pl.DataFrame(schema={**EVENT, "enrichment": pl.Struct(ADDED)}).to_arrow(compat_level=PLAIN).schema
    plain = pa.schema([pa.field(field.name, small(field.type)) for field in schema])
    parsing = pj.ParseOptions(explicit_schema=plain, unexpected_field_behavior="ignore")
    return pj.ReadOptions(block_size=8 << 20), parsing


def small(kind: pa.DataType) -> pa.DataType:
    """The type without polars's large strings and lists, which pyarrow's JSON reader does not know."""
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind):
        return pa.list_(small(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, small(field.type)) for field in kind])
    return kind


def parse(documents: list[bytes]) -> pl.DataFrame:
    """The documents as rows. pyarrow's reader takes 11 µs for one, polars's 46, polars from dictionaries 39."""
    as_read, as_parsed = reading()
    table = pj.read_json(pa.BufferReader(b"\n".join(documents)), read_options=as_read, parse_options=as_parsed)
    return pl.DataFrame(table)


class Table:
    """The lake's table, or none in W2."""

    def __init__(self, workload: str) -> None:
        self.uri = os.environ["LAKE_URI"].replace("s3a://", "s3://") + "/events"
        self.options = {"AWS_ALLOW_HTTP": "true"}
        self.is_used = workload != "W2"

    def offsets(self) -> dict[int, int]:
        """Partition → where to go on, from the newest commit."""
        try:
            newest = DeltaTable(self.uri, storage_options=self.options).history(1)[0] if self.is_used else {}
        except TableNotFoundError:
            return {}
        return {int(p): offset for p, offset in json.loads(newest.get("offsets", "{}")).items()}

    def append(self, rows: pl.DataFrame, offsets: dict[int, int]) -> None:
        """One commit: the rows and where they end."""
        happened = pl.col("event_time").str.to_datetime(time_unit="us", time_zone="UTC")
        rows = rows.with_columns(happened, pl.col("event_date").str.to_date())
        note = CommitProperties(custom_metadata={"offsets": json.dumps(offsets)})
        table = rows.to_arrow(compat_level=PLAIN)
        write_deltalake(
            self.uri,
            table,
            mode="append",
            storage_options=self.options,
            writer_properties=WRITER,
            commit_properties=note,
        )


class Loop:
    """Consume, judge, enrich, produce and append, a batch at a time."""

    def __init__(self, tuned: bool, workload: str) -> None:
        self.tuned, self.workload, self.failed = tuned, workload, 0
        self.table, self.enrich = Table(workload), enricher()
        self.enriched, self.dead = os.environ["ENRICHED_TOPIC"], os.environ["DEAD_LETTER_TOPIC"]
        servers = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
        reading = {"group.id": "hand-loop", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        more = {"fetch.max.bytes": 64 << 20, "queued.min.messages": 2 * BATCH, "queued.max.messages.kbytes": 256 << 10}
        self.consumer = Consumer({**servers, **reading, **(more if tuned else {})})
        # Only what fails is reported: a call back to Python per record would cost as much as sending it.
        reports = {"delivery.report.only.error": True, "on_delivery": self.note}
        sending = {**reports, "acks": "all", "enable.idempotence": True, "compression.type": "lz4", "linger.ms": 20,
                   "batch.size": 256 * 1024, "queue.buffering.max.messages": 2 * BATCH}  # fmt: skip
        self.producer = Producer({**servers, **sending})
        partitions = self.consumer.list_topics(os.environ["RAW_TOPIC"], 10).topics[os.environ["RAW_TOPIC"]].partitions
        self.offsets = {**dict.fromkeys(partitions, 0), **self.table.offsets()}
        self.consumer.assign([TopicPartition(os.environ["RAW_TOPIC"], p, at) for p, at in self.offsets.items()])

    def ends(self) -> dict[int, int]:
        """Where the raw topic ends now."""
        topic = os.environ["RAW_TOPIC"]
        return {p: self.consumer.get_watermark_offsets(TopicPartition(topic, p), 10)[1] for p in self.offsets}

    def batch(self) -> int:
        """One batch; how many records it had."""
        messages = self.consumer.consume(BATCH, 0.5)
        events: list[dict[str, Any]] = []
        documents: list[bytes] = []
        for message in messages:
            if message.error():
                raise RuntimeError(str(message.error()))
            value, key = message.value(), message.key()
            event, event_ms, reason = judge(value)
            self.offsets[message.partition()] = message.offset() + 1
            if reason is not None:
                self.send(self.dead, key, value, [("reason", reason)])
                continue
            enrichment = self.enrich(event, event_ms, message.timestamp()[1])
            if self.tuned:
                documents.append(value[:-1] + b',"enrichment":' + orjson.dumps(enrichment) + b"}")
            else:
                event["enrichment"] = enrichment
                events.append(event)
                documents.append(orjson.dumps(event))
            if self.workload != "W3":
                self.send(self.enriched, key, documents[-1], None)
        if documents and self.table.is_used:
            self.table.append(self.rows(documents, events), self.offsets)
        if messages and (self.producer.flush(60) or self.failed):
            raise RuntimeError("not everything could be sent")
        return len(messages)

    def rows(self, documents: list[bytes], events: list[dict[str, Any]]) -> pl.DataFrame:
        """The batch as the table's rows."""
        schema = {**EVENT, "enrichment": pl.Struct(ADDED)}
        parsed = parse(documents) if self.tuned else pl.DataFrame(events, schema=schema)
        return parsed.unnest("enrichment").with_columns(pl.col("cart_value").cast(pl.Decimal(12, 2)))

    def send(self, topic: str, key: bytes, value: bytes, headers: Any) -> None:
        """Hand over to the producer, waiting while its queue is full."""
        while True:
            try:
                if headers:
                    self.producer.produce(topic, value, key, headers=headers)
                else:
                    self.producer.produce(topic, value, key)
                return
            except BufferError:
                self.producer.poll(0.05)

    def note(self, error: Any, message: Any) -> None:
        """A record that did not arrive fails the batch."""
        self.failed += error is not None


def main() -> None:
    """Run until everything is read (--mode drain) or until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--mode", choices=("drain", "stream"), default="drain")
    arguments = parser.parse_args()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    if arguments.tuned:
        gc.disable()
    loop = Loop(arguments.tuned, os.environ.get("WORKLOAD", "W1"))
    while not stopped:
        if not loop.batch() and arguments.mode == "drain" and loop.offsets == loop.ends():
            break


if __name__ == "__main__":
    main()
