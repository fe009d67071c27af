"""Claims about the sink topics, and about the bytes of dead letters wherever they are kept."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from pipelines.verification.claims import Claim
from pipelines.verification.facts import DEAD_LETTER, ENRICHED

_SAME = "using (kafka_partition, kafka_offset)"


def _altered(records: str, problems: dict[str, str]) -> str:
    """Counterexamples among `records` joined with the raw records: which of `problems` (text → SQL) apply."""
    named = ", ".join(f"case when {condition} then '{text}' end" for text, condition in problems.items())
    return f"""
        select kafka_partition, kafka_offset, concat_ws(', ', {named})
        from {records} as d join raw_records as r {_SAME}
        where ({" or ".join(problems.values())}) and is_current(d.kafka_topic_id)"""


_KEPT = {
    "its value is not the raw value": ("not d.payload_truncated and d.value_sha256 is distinct from r.value_sha256"),
    "its key is not the raw key": ("not d.payload_truncated and d.key_sha256 is distinct from r.key_sha256"),
}
_DIGEST = {
    "payload_sha256 is not that of the raw value": "d.payload_sha256 is distinct from r.value_sha256",
    "payload_bytes is not the length of the raw value": ("d.payload_bytes is distinct from coalesce(r.value_bytes, 0)"),
    "payload_truncated is null": "d.payload_truncated is null",
}


def _undelivered(outcome: str, records: str, topic: str) -> str:
    """Outcomes in the processed range that have no record in a sink topic, as far as its retention reaches.

    Where Kafka deleted the head of a partition, the smallest source offset that is left tells how far that
    went: offsets rise in a sink's partition, crash repeats apart, and those repeat a whole tail.
    """
    return f"""
        with sent as (from {records} where is_current(kafka_topic_id)),
        reach as (
            select kafka_partition, case
                when any_value(first_offset) = 0 then 0
                else coalesce(min(kafka_offset), 9223372036854775807) end as reaches_back_to
            from (from logs where topic = '{topic}') as log left join sent using (kafka_partition)
            group by kafka_partition)
        select kafka_partition, kafka_offset, '{outcome}, but not in the {topic} topic'
        from outcomes join covered using (kafka_partition) left join reach using (kafka_partition)
        anti join sent {_SAME}
        where outcome = '{outcome}' and kafka_offset < end_offset
          and kafka_offset >= coalesce(reaches_back_to, 0)"""


def _misplaced(records: str, outcome: str, topic: str) -> str:
    """Records of a sink topic that do not belong there: another outcome, no such raw record, no coordinates."""
    return f"""
        select s.kafka_partition, s.kafka_offset,
               case when s.kafka_partition is null or s.kafka_offset is null
                    then 'partition ' || sink_partition || ' offset ' || sink_offset
                         || ' of the {topic} topic names no raw record in its source.* headers'
                    when o.outcome is not null then o.outcome || ', but in the {topic} topic'
                    else 'in the {topic} topic, but Kafka has no such raw record' end
        from {records} as s
        left join outcomes as o {_SAME} left join raw_records as r {_SAME}
        left join (from logs where topic = 'raw') as log on s.kafka_partition = log.kafka_partition
        where (s.kafka_topic_id is null or is_current(s.kafka_topic_id))
          and (s.kafka_partition is null or s.kafka_offset is null or o.outcome <> '{outcome}'
               or (o.outcome is null and r.kafka_offset is null
                   and s.kafka_offset >= coalesce(log.first_offset, 0)))"""


_SINK_RECORDS = """
    (select 'enriched' as topic, * from enriched_records
     union all select 'dead-letter', * from queue_records)"""
_ACCEPTED = "select count(*) from events where is_current(kafka_topic_id)"
_DEAD = "select count(*) from dead_letters where is_current(kafka_topic_id)"
_SENT = f"select count(*) from {_SINK_RECORDS} where is_current(kafka_topic_id)"

TABLE_INTACT = Claim(
    "dead_letters_intact",
    "dead_letters holds the raw bytes: value, key, hash",
    _altered("dead_letters", {**_DIGEST, **_KEPT}),
    _DEAD,
)
QUEUE_INTACT = Claim(
    "dead_letter_topic_intact",
    "the dead-letter topic holds the raw bytes: value, key",
    _altered("queue_records", _KEPT),
    "select count(*) from queue_records where is_current(kafka_topic_id)",
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
    from {_SINK_RECORDS} where is_current(kafka_topic_id) and sink_partition <> kafka_partition""",
    _SENT,
)

CLAIMS = (TABLE_INTACT, QUEUE_INTACT, ACCEPTED_SENT, DEAD_SENT, NOTHING_MISPLACED, PARTITION_KEPT)
