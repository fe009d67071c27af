"""What the running job tells people: one line per batch, on stderr."""

from __future__ import annotations

import datetime

import click

from pipelines.counts import Counts
from pipelines.settings import EnrichSettings
from pipelines.topic_watch import TopicWatch
from pipelines.transforms.batches import Batch

# From this share of dead records on a batch is worth a warning.
_MANY_DEAD = 0.25


class Progress:
    """Progress lines: records in, accepted, dead, rate, and the lag that remains."""

    def __init__(self, watch: TopicWatch) -> None:
        self._watch = watch
        self._total = Counts()

    def started(self, settings: EnrichSettings, checkpoint: str) -> None:
        """Say what flows where."""
        self.say(
            f"reading {settings.topics.raw} at {settings.kafka.bootstrap_servers}, writing {settings.topics.enriched}, "
            f"{settings.topics.dead_letter} and {settings.lake.uri} (checkpoint {checkpoint})"
        )

    def batch(self, counts: Counts, batch: Batch, seconds: float) -> None:
        """One line about a delivered batch."""
        self._total = self._total.plus(counts)
        rate = counts.records_in / seconds if seconds else 0.0
        self.say(f"batch {batch.batch_id}: {counts}, {rate:,.0f}/s, lag {self._behind(batch)}")
        if counts.dead > _MANY_DEAD * counts.records_in:
            self.warn(
                f"{counts.dead / counts.records_in:.0%} of batch {batch.batch_id} are dead letters, most often "
                f"{max(counts.failures, key=lambda name: counts.failures[name])} (MAX_DEAD_RATIO would stop the job)"
            )

    def warn(self, message: str) -> None:
        """A warning."""
        self.say(f"warning: {message}")

    def finished(self, stopped: bool) -> None:
        """The last line."""
        self.say(f"{'stopped' if stopped else 'done'}: {self._total}")

    def _behind(self, batch: Batch) -> str:
        behind = self._watch.behind({p: end for p, (_, end) in batch.offsets.items()})
        return "unknown" if behind is None else f"{behind:,}"

    def say(self, message: str) -> None:
        """A line."""
        now = datetime.datetime.now().strftime("%H:%M:%S")
        click.echo(f"{now} enrich: {message}", err=True)
