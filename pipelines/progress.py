"""What the running job tells people: one line per batch, on stderr."""

from __future__ import annotations

import datetime

import click

from pipelines import sources
from pipelines.clients import KafkaSettings
from pipelines.delivery import Counts
from pipelines.settings import EnrichSettings
from pipelines.transforms.batches import Batch


class Progress:
    """Progress lines: records in, accepted, dead, rate, and the lag that remains."""

    def __init__(self, kafka: KafkaSettings, raw_topic: str) -> None:
        self._kafka = kafka
        self._raw_topic = raw_topic
        self._lag = sources.Lag(kafka, raw_topic)
        self._total = Counts()

    def started(self, settings: EnrichSettings, checkpoint: str) -> None:
        """Say what flows where."""
        self._say(
            f"reading {self._raw_topic} at {self._kafka.bootstrap_servers}, writing {settings.topics.enriched}, "
            f"{settings.topics.dead_letter} and {settings.lake.uri} (checkpoint {checkpoint})"
        )

    def batch(self, counts: Counts, batch: Batch, seconds: float) -> None:
        """One line about a delivered batch."""
        failures = {
            name: self._total.failures.get(name, 0) + counts.failures.get(name, 0)
            for name in {**self._total.failures, **counts.failures}
        }
        self._total = Counts(self._total.records_in + counts.records_in, self._total.late + counts.late, failures)
        rate = counts.records_in / seconds if seconds else 0.0
        self._say(
            f"batch {batch.batch_id}: {counts.records_in:,} in = {counts.accepted:,} accepted + {counts.dead:,} dead, "
            f"{rate:,.0f}/s, lag {self._behind(batch)}"
        )

    def warn(self, message: str) -> None:
        """A warning."""
        self._say(f"warning: {message}")

    def finished(self, stopped: bool) -> None:
        """The last line."""
        total = self._total
        self._say(
            f"{'stopped' if stopped else 'done'}: {total.records_in:,} in = {total.accepted:,} accepted "
            f"+ {total.dead:,} dead"
        )
        self._lag.close()

    def _behind(self, batch: Batch) -> str:
        behind = self._lag.behind({p: end for p, (_, end) in batch.offsets.items()})
        return "unknown" if behind is None else f"{behind:,}"

    def _say(self, message: str) -> None:
        now = datetime.datetime.now().strftime("%H:%M:%S")
        click.echo(f"{now} enrich: {message}", err=True)
