"""Claims about the sink topics: each outcome in its topic, with the raw record's key, headers and content."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from pipelines.verification.claims import Claim
from pipelines.verification.facts import DEAD_LETTER, ENRICHED

_SAME = "using (kafka_partition, kafka_offset)"


def _differing(records: str, problems: dict[str, str], joined: str = "") -> str:
    """Counterexamples among `records` (as d) and their raw records (r): which of `problems` (text → SQL) apply."""
    named = ", ".join(f"case when {condition} then '{text}' end" for text, condition in problems.items())
    return f"""
        select kafka_partition, kafka_offset, concat_ws(', ', {named})
        from {records} as d join raw_records as r {_SAME} {joined}
        where ({" or ".join(f"({condition})" for condition in problems.values())}) and d.is_current"""


_KEY = {"its key is not the raw key": "d.key is distinct from r.key"}
_KEPT = {
    text: f"not d.payload_truncated and {condition}"
    for text, condition in {
        "its value is not the raw value": "d.value is distinct from r.value",
        **_KEY,
        "its headers are not the raw headers": "d.headers is distinct from r.headers",
    }.items()
}
_SHA256 = {"payload_sha256 is not that of the raw value": "d.payload_sha256 is distinct from r.value"}
_BYTES = {
    "payload_bytes is not the length of the raw value": "d.payload_bytes is distinct from coalesce(r.value_bytes, 0)",
    "payload_truncated is null": "d.payload_truncated is null",
}
# Where a document repeats a key, which is allowed, the last value counts; read here is the first one.
_READABLE = "not coalesce(e.repeats_key, false)"
_CONTENT = {
    "its event_id is not the raw one": f"d.event_id <> r.event_id and {_READABLE}",
    "its header event_id is not the raw one": f"d.header_event_id is distinct from r.event_id "
    f"and r.event_id is not null and {_READABLE}",
    "its content is not the raw content": f"d.content <> r.content and {_READABLE}",
    "it tells ip_address or device.user_agent": "d.is_private",
    "its event_fingerprint is not that in events": "d.event_fingerprint is distinct from e.event_fingerprint "
    "and e.kafka_offset is not null",
}


def _undelivered(outcome: str, records: str, topic: str) -> str:
    """Outcomes in the processed range that have no record in a sink topic, as far as its retention reaches.

    Where Kafka deleted the head of a partition, the smallest source offset that is left tells how far that
    went: offsets rise in a sink's partition, crash repeats apart, and those repeat a whole tail. What lies in a
    range that was given up may have been on its way when the job died.
    """
    return f"""
        with reach as (
            select kafka_partition, case
                when any_value(first_offset) = 0 then 0
                else coalesce(min(kafka_offset), 9223372036854775807) end as reaches_back_to
            from (from logs where topic = '{topic}') as log
            left join (from reaches where topic = '{topic}') using (kafka_partition)
            group by kafka_partition)
        select kafka_partition, kafka_offset, '{outcome}, but not in the {topic} topic'
        from outcomes join covered using (kafka_partition) left join reach using (kafka_partition)
        anti join (from {records} where is_current) {_SAME}
        where outcome = '{outcome}' and kafka_offset < end_offset and not is_given_up
          and kafka_offset >= coalesce(reaches_back_to, 0)"""


def _misplaced(records: str, outcome: str, topic: str) -> str:
    """Records of a sink topic that do not belong there: another outcome, no such raw record, no coordinates."""
    return f"""
        select s.kafka_partition, s.kafka_offset,
               case when {_NAMELESS}
                    then 'partition ' || sink_partition || ' offset ' || sink_offset
                         || ' of the {topic} topic names no raw record in its source.* headers'
                    when o.outcome is not null then o.outcome || ', but in the {topic} topic'
                    else 'in the {topic} topic, but Kafka has no such raw record' end
        from {records} as s
        left join outcomes as o {_SAME} left join raw_records as r {_SAME}
        left join (from logs where topic = 'raw') as log on s.kafka_partition = log.kafka_partition
        where {_NAMELESS} or (s.is_current and (o.outcome <> '{outcome}'
               or (o.outcome is null and r.kafka_offset is null
                   and s.kafka_offset >= coalesce(log.first_offset, 0))))"""


_NAMELESS = "(s.is_current is null or s.kafka_partition is null or s.kafka_offset is null)"
_SINK_RECORDS = """
    (select 'enriched' as topic, is_current, kafka_partition, kafka_offset, sink_partition from enriched_records
     union all
     select 'dead-letter', is_current, kafka_partition, kafka_offset, sink_partition from queue_records)"""
_ACCEPTED = "select count(*) from events where is_current"
_DEAD = "select count(*) from dead_letters where is_current"
_SENT = f"select count(*) from {_SINK_RECORDS} where is_current"

EVENTS_INTACT = Claim(
    "events_intact",
    "events has the raw event_id",
    _differing(
        "events",
        {
            "its event_id is not the raw one": "d.event_id is distinct from r.event_id "
            "and r.event_id is not null and not d.repeats_key"
        },
    ),
    _ACCEPTED,
)
ENRICHED_INTACT = Claim(
    "enriched_topic_intact",
    "the enriched topic holds the raw event: key, event_id, content",
    _differing("enriched_records", {**_KEY, **_CONTENT}, f"left join (from events where is_current) as e {_SAME}"),
    "select count(*) from enriched_records where is_current",
)
TABLE_INTACT = Claim(
    "dead_letters_intact",
    "dead_letters holds the raw bytes: value, key, headers, hash",
    _differing("dead_letters", {**_SHA256, **_BYTES, **_KEPT}),
    _DEAD,
)
QUEUE_INTACT = Claim(
    "dead_letter_topic_intact",
    "the dead-letter topic holds the raw bytes: value, key, headers, hash",
    _differing("queue_records", {**_SHA256, **_KEPT}),
    "select count(*) from queue_records where is_current",
)
ACCEPTED_SENT = Claim(
    "accepted_sent",
    "every accepted record is in the enriched topic",
    _undelivered("accepted", "enriched_records", ENRICHED),
    _ACCEPTED,
)
DEAD_SENT = Claim(
    "dead_sent",
    "every dead record is in the dead-letter topic",
    _undelivered("dead", "queue_records", DEAD_LETTER),
    _DEAD,
)
FAILURES_AGREE = Claim(
    "failure_types_agree",
    "with the same failure type",
    """
    select kafka_partition, kafka_offset,
           coalesce(q.failure_type, 'no failure type') || ' in the dead-letter topic, ' || d.failure_type
           || ' in dead_letters'
    from (from queue_records where is_current) as q
    join (from dead_letters where is_current) as d using (kafka_partition, kafka_offset)
    where q.failure_type is distinct from d.failure_type""",
    _DEAD,
)
NOTHING_MISPLACED = Claim(
    "nothing_misplaced",
    "the sink topics hold nothing else",
    f"{_misplaced('enriched_records', 'accepted', ENRICHED)} union all "
    f"{_misplaced('queue_records', 'dead', DEAD_LETTER)}",
    _SENT,
)
PARTITION_KEPT = Claim(
    "partition_kept",
    "each lies in the partition that it came from",
    f"""
    select kafka_partition, kafka_offset,
           'lies in partition ' || sink_partition || ' of the ' || topic || ' topic'
    from {_SINK_RECORDS} where is_current and sink_partition <> kafka_partition""",
    _SENT,
)

CLAIMS = (
    EVENTS_INTACT,
    ENRICHED_INTACT,
    TABLE_INTACT,
    QUEUE_INTACT,
    ACCEPTED_SENT,
    DEAD_SENT,
    FAILURES_AGREE,
    NOTHING_MISPLACED,
    PARTITION_KEPT,
)
