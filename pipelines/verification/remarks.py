"""What a reader of the account should know and what is no error."""
# ruff: noqa: S608 — the SQL is put together from this file's own constants, never from input

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pipelines.verification.facts import Facts

_MAX_SPANS = 12

_RETAINED = """
    select c.kafka_partition, audited_from, c.first_offset,
           coalesce(sum(least(g.end_offset, c.first_offset) - g.start_offset), 0)::bigint as given_up
    from covered as c left join (from gaps where end_offset is not null) as g
    on g.kafka_partition = c.kafka_partition and g.start_offset < c.first_offset
    where c.first_offset > audited_from group by all order by all"""
_GAPS = """
    select is_current(kafka_topic_id), reason, o.partition, o.start_offset, o.end_offset
    from (select *, unnest(offsets) as o from batch_audit where kind = 'gap')
    where (o.end_offset is null or o.end_offset > o.start_offset)
      and (is_current(kafka_topic_id) and exists (
               from selected as s where s.kafka_partition = o.partition and o.start_offset < s.to_offset
               and coalesce(o.end_offset, s.to_offset) > s.from_offset)
           or not is_current(kafka_topic_id) and {all_selected})
    order by all"""
_REPEATS = """
    select sum(times - 1) from (
        select count(*) as times from {} where is_current group by kafka_partition, kafka_offset)"""
_FOREIGN = "select count(*) from {} where not is_current"
_IN_HAND = """
    select count(*) from outcomes left join covered using (kafka_partition)
    where kafka_offset >= coalesce(end_offset, 0)"""
_ELSEWHERE = "select count(*) from originals where is_same and not in_current_topic"


def remarks(facts: Facts, horizon_seconds: int | None) -> list[str]:
    """One sentence or two each; needs what `derive` worked out."""
    found = chain(_selected(facts), _retained(facts), _given_up(facts), _repeats(facts), _left_out(facts))
    return [*found, *(_accepted_again(facts) if horizon_seconds is None else ())]


def _selected(facts: Facts) -> Iterator[str]:
    if facts.selection.ranges is None:
        return
    yield f"Only the given offsets were looked at: {facts.selection}."
    batches, countable = (facts.number(f"select count(*) from {table}") for table in ("batches", "countable"))
    if countable < batches:
        yield f"{batches - countable:,} of {batches:,} batches lie outside, at least in part: not counted again."


def _retained(facts: Facts) -> Iterator[str]:
    for partition, begin, first, given_up in facts.rows(_RETAINED):
        but = f" (but for {given_up:,} that were given up)" if given_up else ""
        yield (
            f"Retention: Kafka has deleted partition {partition}'s records {begin:,} to {first - 1:,}; "
            f"they were processed{but}, and cannot be compared any more."
        )


def _given_up(facts: Facts) -> Iterator[str]:
    """One remark per topic and reason, with the first ranges of offsets."""
    spans: dict[tuple[bool, str], list[str]] = {}
    for is_current, reason, partition, start, end in facts.rows(
        _GAPS.format(all_selected=facts.selection.ranges is None)
    ):
        span = f"{start:,} on" if end is None else f"{start:,} to {end - 1:,} ({end - start:,})"
        spans.setdefault((is_current, reason), []).append(f"partition {partition}, offsets {span}")
    for (is_current, reason), listed in spans.items():
        whose = "" if is_current else ", of a topic before this one"
        more = f"; and {len(listed) - _MAX_SPANS} more" if len(listed) > _MAX_SPANS else ""
        unknown = " (nobody knows how many)" if any(span.endswith(" on") for span in listed) else ""
        shown = "; ".join(listed[:_MAX_SPANS]) + more + unknown
        yield f"Given up by an operator{whose}: {shown}. Reason: {reason or 'not noted'}."


def _repeats(facts: Facts) -> Iterator[str]:
    for table, name in (("enriched_records", "enriched"), ("queue_records", "dead-letter")):
        if repeats := facts.number(_REPEATS.format(table)):
            yield (
                f"{repeats:,} records of the {name} topic are repeats: normal after a kill -9 and after starting over. "
                "Consumers recognise them by their source.* headers."
            )


def _left_out(facts: Facts) -> Iterator[str]:
    for table in ("events", "dead_letters", "duplicates", "enriched_records", "queue_records"):
        if foreign := facts.number(_FOREIGN.format(table)):
            yield (
                f"{foreign:,} rows of {table} are left out: "
                "they come from another topic, or from this one before it was re-created."
            )
    if elsewhere := facts.number(_ELSEWHERE):
        yield f"{elsewhere:,} duplicates repeat a record of another topic, or of this one before it was re-created."
    if in_hand := facts.number(_IN_HAND):
        yield f"{in_hand:,} rows belong to a batch in hand, which batch_audit does not list yet."


def _accepted_again(facts: Facts) -> Iterator[str]:
    ((count, nearest_us),) = facts.rows("select count(*), min(after_us) from repeated")
    if count:
        yield (
            f"{count:,} accepted events are the same as one accepted before; the nearest arrived "
            f"{nearest_us / 1e6:,.3f} s after it. With --dedup-horizon-seconds, the job's, this is judged."
        )
