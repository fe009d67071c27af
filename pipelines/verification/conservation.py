"""Claims about the tables: every record has one outcome, and the audit tells the truth."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from pipelines.verification.claims import Claim
from pipelines.verification.offsets import UNBOUNDED

_IN_RANGE = "kafka_offset >= first_offset and kafka_offset < end_offset"
_IS_GIVEN_UP = """exists (from gaps as g where g.kafka_partition = r.kafka_partition
                          and r.kafka_offset >= g.start_offset and r.kafka_offset < g.end_offset)"""

PROCESSED = Claim(
    "processed",
    "batch_audit knows this topic",
    """
    select null, null, 'Kafka holds ' || count(*) || ' records, but no batch of this topic is recorded'
    from raw_records where not exists (from batches) and not exists (from gaps) having count(*) > 0""",
    "select count(*) from batches",
)
MISSING = Claim(
    "nothing_missing",
    "every record has an outcome: accepted, dead or duplicate",
    f"""
    select kafka_partition, kafka_offset, 'in none of events, dead_letters, duplicates'
    from (from raw_records join covered using (kafka_partition) where {_IN_RANGE}) as r
    anti join outcomes using (kafka_partition, kafka_offset)
    where not {_IS_GIVEN_UP}""",
    f"select count(*) from raw_records join covered using (kafka_partition) where {_IN_RANGE}",
)
DOUBLED = Claim(
    "nothing_doubled",
    "no record has two",
    """
    select kafka_partition, kafka_offset,
           'rows in ' || string_agg(table_of(outcome), ', ' order by table_of(outcome))
    from outcomes group by kafka_partition, kafka_offset having count(*) > 1""",
    "select count(*) from outcomes",
)
INVENTED = Claim(
    "nothing_invented",
    "the tables hold nothing that Kafka did not give",
    """
    select kafka_partition, kafka_offset, 'in ' || table_of(outcome) || ', but not in Kafka'
    from outcomes left join (from logs where topic = 'raw') as log using (kafka_partition)
    anti join raw_records using (kafka_partition, kafka_offset)
    where kafka_offset >= coalesce(first_offset, 0) and not is_given_up""",
    "select count(*) from outcomes",
)
# What an operator gave up is accounted for, too.
GAPLESS = Claim(
    "audit_gapless",
    "batch_audit's offsets have no gap and no overlap",
    """
    with doubtful as (
        select kafka_partition, start_offset, least(before, start_offset) as first,
               greatest(start_offset, least(before, end_offset)) as next, case
            when start_offset > before then 'no batch took the offsets ' || before || ' to ' || start_offset - 1
            else coalesce('batch ' || batch_id || ' takes', 'given up are') || ' offsets again, up to '
                 || least(before, end_offset) - 1 end as detail
        from (select *, max(end_offset) over (
                  partition by kafka_partition order by start_offset, end_offset
                  rows between unbounded preceding and 1 preceding) as before
              from spans)
        where start_offset <> before
        union all
        select kafka_partition, start_offset, start_offset, {unbounded},
               'given up without an end, but the topic is still there'
        from gaps where end_offset is null)
    select kafka_partition, start_offset, detail from doubtful as d
    where exists (from selected as s where s.kafka_partition = d.kafka_partition
                  and d.first < s.to_offset and d.next > s.from_offset)""".replace("{unbounded}", str(UNBOUNDED)),
    "select count(*) from spans semi join selected using (kafka_partition)",
)
# A batch in hand is in the tables before batch_audit lists it: beyond the audited end, one batch at a time. Where two
# numbers follow each other there, the first batch was never listed; unless an earlier checkpoint left rows there in a
# crash, whose numbers are not in the order of the offsets.
AUDITED = Claim(
    "everything_audited",
    "every row of the tables belongs to a batch in batch_audit",
    """
    with unlisted as (
        select *, kafka_offset >= coalesce(end_offset, 0) as is_beyond
        from outcomes left join covered using (kafka_partition) where batch is null and not is_given_up),
    stretches as (
        select kafka_partition, batch_id, min(kafka_offset) as first, max(kafka_offset) as last
        from unlisted where is_beyond group by all),
    passed as (
        select a.batch_id from stretches as a join stretches as b
        on a.kafka_partition = b.kafka_partition and b.batch_id = a.batch_id + 1
        group by a.batch_id having bool_and(a.last < b.first))
    select kafka_partition, kafka_offset,
           'in ' || table_of(outcome) || ' by batch ' || batch_id || ', which batch_audit does not list'
    from unlisted where not is_beyond or batch_id in (from passed)""",
    "select count(*) from outcomes",
)

_COUNTED = ("accepted", "dead", "duplicate")
_BATCH = "'batch ' || batch_id || ' (generation ' || left(generation, 8) || '): '"
_MADE = ", ".join(f"count_if(outcome = '{name}') as {name}" for name in _COUNTED)
_PAIRS = ", ".join(
    f"{{'name': '{name}', 'says': countable.{name}, 'found': coalesce(made.{name}, 0)}}" for name in (*_COUNTED, "late")
)
COUNTS = Claim(
    "audit_counts",
    "batch_audit's counts are those of Kafka and the tables",
    f"""
    with made as (
        select batch, {_MADE}, count_if(is_late) as late
        from outcomes where batch is not null group by batch),
    compared as (
        select generation, batch_id, unnest([
            {{'name': 'records_in', 'says': records_in, 'found': coalesce(deliveries.records, 0)}},
            {_PAIRS}]) as pair
        from countable left join deliveries using (batch) left join made using (batch))
    select null, null, {_BATCH} || pair.name || ' says ' || coalesce(pair.says::varchar, 'nothing')
           || ', found ' || pair.found
    from compared where pair.says is distinct from pair.found""",
    "select count(*) from countable",
)
FAILURE_COUNTS = Claim(
    "audit_failures",
    "batch_audit's counts per failure type are those of dead_letters",
    f"""
    with said as (
        select batch, e.key as failure_type, e.value as records
        from (select batch, unnest(map_entries(failures)) as e from countable) where e.value > 0),
    made as (
        select batch, failure_type, count(*) as records
        from outcomes where batch is not null and outcome = 'dead' group by batch, failure_type)
    select null, null, {_BATCH} || failure_type || ' says ' || coalesce(said.records, 0)
           || ', found ' || coalesce(made.records, 0)
    from said full join made using (batch, failure_type) join countable using (batch)
    where said.records is distinct from made.records""",
    "select count(*) from (select unnest(map_keys(failures)) from countable)",
)
CAUGHT_UP = Claim(
    "caught_up",
    "no record waits to be processed",
    """
    select kafka_partition, kafka_offset, 'not processed yet'
    from raw_records left join covered using (kafka_partition)
    where kafka_offset >= coalesce(end_offset, 0)""",
    "select count(*) from raw_records",
)

CLAIMS = (PROCESSED, MISSING, DOUBLED, INVENTED, GAPLESS, AUDITED, COUNTS, FAILURE_COUNTS)
