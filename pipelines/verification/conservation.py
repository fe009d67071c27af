"""Claims about the tables: every record has one outcome, and the audit tells the truth."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from pipelines.verification.claims import Claim

_IN_RANGE = "kafka_offset >= first_offset and kafka_offset < end_offset"

PROCESSED = Claim(
    "processed",
    "batch_audit knows this topic",
    """
    select null, null, 'Kafka holds ' || count(*) || ' records, but no batch of this topic is recorded'
    from raw_records where not exists (from batches) having count(*) > 0""",
    "select count(*) from batches",
)
MISSING = Claim(
    "nothing_missing",
    "every record has an outcome: accepted, dead or duplicate",
    f"""
    select kafka_partition, kafka_offset, 'in none of events, dead_letters, duplicates'
    from (from raw_records join covered using (kafka_partition) where {_IN_RANGE})
    anti join outcomes using (kafka_partition, kafka_offset)""",
    f"select count(*) from raw_records join covered using (kafka_partition) where {_IN_RANGE}",
)
DOUBLED = Claim(
    "nothing_doubled",
    "no record has two",
    """
    select kafka_partition, kafka_offset, 'rows in ' || string_agg(table_name, ', ' order by table_name)
    from outcomes group by kafka_partition, kafka_offset having count(*) > 1""",
    "select count(*) from outcomes",
)
INVENTED = Claim(
    "nothing_invented",
    "the tables hold nothing that Kafka did not give",
    """
    select kafka_partition, kafka_offset, 'in ' || table_name || ', but not in Kafka'
    from outcomes left join (from logs where topic = 'raw') as log using (kafka_partition)
    anti join raw_records using (kafka_partition, kafka_offset)
    where kafka_offset >= coalesce(first_offset, 0)""",
    "select count(*) from outcomes",
)
GAPLESS = Claim(
    "audit_gapless",
    "batch_audit's offsets have no gap and no overlap",
    """
    select kafka_partition, start_offset, case
        when start_offset > before then 'no batch took the offsets ' || before || ' to ' || start_offset - 1
        else 'batch ' || batch_id || ' takes offsets again, up to ' || least(before, end_offset) - 1 end
    from (select *, max(end_offset) over (
              partition by kafka_partition order by start_offset, end_offset
              rows between unbounded preceding and 1 preceding) as before
          from spans)
    where start_offset <> before""",
    "select count(*) from spans",
)
# A batch in hand is in the tables before batch_audit lists it: one batch at most, beyond the audited end.
AUDITED = Claim(
    "everything_audited",
    "every row of the tables belongs to a batch in batch_audit",
    """
    with beyond as (
        select *, kafka_offset >= coalesce(end_offset, 0) as is_beyond
        from outcomes left join covered using (kafka_partition) where batch is null)
    select kafka_partition, kafka_offset,
           'in ' || table_name || ' by batch ' || batch_id || ', which batch_audit does not list'
    from beyond
    where not (is_beyond and batch_id = (select max(batch_id) from beyond where is_beyond))""",
    "select count(*) from outcomes",
)

_COUNTED = ("accepted", "dead", "duplicate")
# Batches that lie, in whole or in part, before what Kafka still holds cannot be counted again.
_COUNTABLE = """
    batch not in (select batch from spans join covered using (kafka_partition)
                  where start_offset < first_offset)"""
_BATCH = "'batch ' || batch_id || ' (generation ' || left(generation, 8) || '): '"
_MADE = ", ".join(f"count_if(outcome = '{name}') as {name}" for name in _COUNTED)
_PAIRS = ", ".join(
    f"{{'name': '{name}', 'says': batches.{name}, 'found': coalesce(made.{name}, 0)}}" for name in (*_COUNTED, "late")
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
        from batches left join deliveries using (batch) left join made using (batch) where {_COUNTABLE})
    select null, null, {_BATCH} || pair.name || ' says ' || coalesce(pair.says::varchar, 'nothing')
           || ', found ' || pair.found
    from compared where pair.says is distinct from pair.found""",
    "select count(*) from batches",
)
FAILURE_COUNTS = Claim(
    "audit_failures",
    "batch_audit's counts per failure type are those of dead_letters",
    f"""
    with said as (
        select batch, e.key as failure_type, e.value as records
        from (select batch, unnest(map_entries(failures)) as e from batches) where e.value > 0),
    made as (
        select batch, failure_type, count(*) as records
        from outcomes where batch is not null and outcome = 'dead' group by batch, failure_type)
    select null, null, {_BATCH} || failure_type || ' says ' || coalesce(said.records, 0)
           || ', found ' || coalesce(made.records, 0)
    from said full join made using (batch, failure_type) join batches using (batch)
    where said.records is distinct from made.records and {_COUNTABLE}""",
    "select count(*) from (select unnest(map_keys(failures)) from batches)",
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
