"""What follows from the facts about the raw topic as it is now: tables that the claims ask."""

from __future__ import annotations

from pipelines.verification.facts import Facts
from pipelines.verification.offsets import UNBOUNDED

# In the order in which they build on each other.
_TABLES = {
    # One row per batch of this topic.
    "batches": """
        select row_number() over () as batch, * from batch_audit
        where is_current(kafka_topic_id) and coalesce(kind, 'batch') <> 'gap'""",
    # One row per range of offsets of this topic that an operator gave up.
    "gaps": """
        select o.partition as kafka_partition, o.start_offset, o.end_offset, reason
        from (select *, unnest(offsets) as o from batch_audit where kind = 'gap' and is_current(kafka_topic_id))
        where o.end_offset is null or o.end_offset > o.start_offset""",
    # One row per range of offsets [start, end) that a batch took or that was given up: `batch` is null then.
    "spans": """
        select batch, batch_id, o.partition as kafka_partition, o.start_offset, o.end_offset
        from (select *, unnest(offsets) as o from batches) where o.end_offset > o.start_offset
        union all
        select null, null, kafka_partition, start_offset, end_offset from gaps where end_offset is not null""",
    # One row per selected range of offsets [from, to).
    "selected": """
        select distinct kafka_partition, 0 as from_offset, {unbounded} as to_offset from (
            select kafka_partition from logs union all select kafka_partition from spans)""",
    # One row per selected partition: the offsets [first, end) that should have been processed and that Kafka still
    # holds, from its first one on, whatever the audit begins with.
    "covered": """
        select kafka_partition, min(start_offset) as audited_from, max(end_offset) as end_offset,
               coalesce(any_value(log.first_offset), audited_from) as first_offset
        from spans left join (from logs where topic = 'raw') as log using (kafka_partition)
        semi join selected using (kafka_partition)
        group by kafka_partition""",
    # The batches all of whose offsets are selected and still in Kafka: they can be counted again.
    "countable": """
        from batches anti join (
            select batch from spans left join covered as c using (kafka_partition)
            left join selected as s on spans.kafka_partition = s.kafka_partition
                and spans.start_offset >= s.from_offset and spans.end_offset <= s.to_offset
            where s.kafka_partition is null or spans.start_offset < c.first_offset) using (batch)""",
    # One row per batch: how many records Kafka gives for its offsets.
    "deliveries": """
        select batch, count(*) as records from raw_records as r
        asof join spans as s on r.kafka_partition = s.kafka_partition and r.kafka_offset >= s.start_offset
        where r.kafka_offset < s.end_offset and batch is not null group by batch""",
    # One row per row of events, dead_letters and duplicates; `batch` is the audited one that took its offset.
    "outcomes": """
        select o.*, case when o.kafka_offset < s.end_offset then s.batch end as batch,
               coalesce(o.kafka_offset < s.end_offset and s.batch is null, false) as is_given_up
        from (
            select kafka_partition, kafka_offset, batch_id, 'accepted' as outcome, null as failure_type,
                   identity, is_late from events where is_current
            union all
            select kafka_partition, kafka_offset, batch_id, 'dead', failure_type, null, null
            from dead_letters where is_current
            union all
            select kafka_partition, kafka_offset, batch_id, 'duplicate', null, null, null
            from duplicates where is_current) as o
        asof left join spans as s
        on o.kafka_partition = s.kafka_partition and o.kafka_offset >= s.start_offset""",
    # One row per duplicate: the accepted record where it says that its first copy is, of whichever topic, the best of
    # them if several have these coordinates; and what the raw records have of both, as far as Kafka still holds them.
    "originals": """
        with named as (
            select d.kafka_partition, d.kafka_offset, d.received_at, d.first_partition, d.first_offset,
                   e.is_current as in_current_topic, e.received_at as first_received_at, e.repeats_key,
                   e.kafka_offset is not null as is_found,
                   coalesce(e.identity = d.identity and e.event_fingerprint = d.event_fingerprint, false) as is_same,
                   case when e.is_current then d.first_partition end as raw_partition
            from (from duplicates where is_current) as d
            left join (from events semi join duplicates on events.kafka_partition = duplicates.first_partition
                           and events.kafka_offset = duplicates.first_offset
                       union all from originals_elsewhere) as e
            on e.kafka_partition = d.first_partition and e.kafka_offset = d.first_offset
            qualify row_number() over (partition by d.kafka_partition, d.kafka_offset
                                       order by is_same desc, in_current_topic desc nulls last) = 1)
        select n.*, r.value, r.identity, r.content, f.value as first_value, f.identity as first_identity,
               f.content as first_content
        from named as n
        left join raw_records as r on r.kafka_partition = n.kafka_partition and r.kafka_offset = n.kafka_offset
        left join raw_records as f on f.kafka_partition = n.raw_partition and f.kafka_offset = n.first_offset""",
    # One row per accepted record that repeats another one; the one before it in the order of arrival, and how long
    # ago that was, in microseconds.
    "repeated": """
        select kafka_partition, kafka_offset, received_at - lag(received_at) over copies as after_us,
               lag(kafka_partition) over copies as before_partition, lag(kafka_offset) over copies as before_offset
        from (select distinct kafka_partition, kafka_offset, identity, event_fingerprint, received_at
              from events where is_current)
        semi join (select identity, event_fingerprint from events
                   where is_current and event_fingerprint is not null
                   group by all having count(*) > 1) using (identity, event_fingerprint)
        window copies as (partition by identity, event_fingerprint
                          order by received_at, kafka_partition, kafka_offset)
        qualify after_us is not null""",
}


def derive(facts: Facts) -> None:
    """Work out what follows; to be called once, when all facts are in."""
    for name, query in _TABLES.items():
        if name == "selected" and facts.selection.ranges is not None:
            query = _ranges(facts)
        facts.create(name, query.replace("{unbounded}", str(UNBOUNDED)))


def _ranges(facts: Facts) -> str:
    spans = [(p, s, e) for p, spans in (facts.selection.ranges or {}).items() for s, e in spans]
    return f"from (values {', '.join(map(str, spans))}) as r (kafka_partition, from_offset, to_offset)"
