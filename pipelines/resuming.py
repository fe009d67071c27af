"""Find out where the stream goes on, from the checkpoint, the tables and Kafka; note a gap that was accepted."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from pipelines import sinks, sources, starting
from pipelines.checkpoint import Checkpoint
from pipelines.ledger import Ledger
from pipelines.patience import of_the_store
from pipelines.settings import EnrichSettings
from pipelines.topic_watch import TopicWatch


@dataclass(frozen=True)
class Resumed:
    """`starting_offsets`: for Spark's Kafka source; they count for a new checkpoint only."""

    topic_id: str
    ledger: Ledger
    starting_offsets: str


def resume(
    settings: EnrichSettings,
    checkpoint: Checkpoint,
    watch: TopicWatch,
    say: Callable[[str], None],
) -> Resumed:
    """Where to go on. A gap stops the job; with accept_data_loss it is noted, and a new checkpoint begins behind it.

    Raises StoppedByPolicy and ConfigurationError; errors of servers pass through.
    """
    topic = settings.topics.raw
    topic_id, kafka = watch.raw()
    ledger = _ledger(settings, topic_id)
    state = checkpoint.inspect()
    gap = starting.find_gap(ledger, state, topic_id, kafka)
    if gap is not None:
        if not settings.accept_data_loss:
            raise starting.gap_stop(gap)
        if state is not None:
            say(f"data loss accepted: the checkpoint was moved to {checkpoint.move_away()}")
        now = datetime.datetime.now(datetime.timezone.utc)
        sinks.append_gap(settings.lake, settings.s3, gap, starting.after(gap, ledger, topic, topic_id, kafka), now)
        say(f"data loss accepted and noted in batch_audit: {gap}")
        ledger, state = _ledger(settings, topic_id), None
    start = starting.decide(ledger, state, kafka)
    if start:
        say("a new checkpoint, on tables that have records already: it goes on where they end")
    return Resumed(topic_id, ledger, starting.as_spark(start, topic, kafka))


def _ledger(settings: EnrichSettings, topic_id: str) -> Ledger:
    with of_the_store():
        return sources.read_ledger(settings.lake, settings.s3, settings.topics.raw, topic_id)
