"""Enrich raw shop events: ``spark-submit pipelines/enrich.py`` (or ``python pipelines/enrich.py``).

Reads:  the raw topic, committed records only, from where the tables end (at first: from the earliest offset).
Writes: Delta `events`, `dead_letters` and `duplicates`, then the enriched topic and the dead-letter queue, then
        `batch_audit`.
Guarantees: every record is accepted, dead or a duplicate, exactly one of them. Delta tables hold each record
exactly once, through crashes, restarts and lost checkpoints. After a crash only what is missing on Kafka is published
again. Order per key is kept. One job per lake and per checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any

import click
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import __version__, failpoints, preflight, sinks, sources
from pipelines.checkpoint import Checkpoint
from pipelines.cli import CONTEXT_SETTINGS, run
from pipelines.counts import Counts
from pipelines.delivery import Delivery, Guards
from pipelines.lease import Lease
from pipelines.patience import Patience, keep_trying, of_the_store
from pipelines.preflight_spark import check_spark
from pipelines.preflight_topics import check_topic_settings
from pipelines.progress import Progress
from pipelines.recent_ids import RecentIds
from pipelines.reference_data import load_reference_data
from pipelines.resuming import Resumed, resume
from pipelines.s3_problems import S3_ERRORS
from pipelines.session import start_session
from pipelines.settings import EnrichSettings, checkpoint_for, enrich_options, tasks_for
from pipelines.shutdown import Shutdown, StopRequested
from pipelines.stream_errors import failure_of, tells_of_data_loss
from pipelines.topic_watch import TopicWatch
from pipelines.transforms.batches import Batch
from pipelines.transforms.outcomes import EnrichmentRules, Limits, Rules, judge


def build(records: DataFrame, rules: Rules) -> DataFrame:
    """The whole stream between source and delivery: raw records → judged records."""
    return judge(records, rules)


def rules_of(settings: EnrichSettings) -> Rules:
    """What decides outcomes, from the settings; reads the reference data."""
    return Rules(
        enrichment=EnrichmentRules(
            reference=load_reference_data(settings.catalog, settings.s3),
            late_after_seconds=settings.late_after_seconds,
            pseudonym_key=settings.pseudonym_key,
        ),
        limits=Limits(settings.max_event_age_days, settings.max_future_seconds),
        max_event_bytes=settings.max_event_bytes,
    )


class Job:
    """The stream on its servers. `attempt` runs it once, from where the tables end until it is done or broken."""

    def __init__(self, settings: EnrichSettings, shutdown: Shutdown) -> None:
        self.settings = settings
        self.shutdown = shutdown
        self.watch = TopicWatch(settings.kafka, settings.topics)
        self.progress = Progress(self.watch)
        self.patience = Patience(settings.retry_for_seconds)
        self.leases: list[Lease] = []

    def lease(self, uri: str, setting: str, stack: ExitStack) -> None:
        """Become the one writer of a place, until the stack ends."""
        lease = Lease.acquire(uri, self.settings.s3, setting, self.progress.warn)
        stack.callback(lease.release)
        self.leases.append(lease)

    def check_leases(self) -> None:
        """Raises LeaseLost where somebody else is the writer now."""
        for lease in self.leases:
            lease.check()

    def attempt(self, spark: SparkSession, checkpoint: Checkpoint, rules: Rules) -> None:
        """Find out where to go on, then stream."""
        settings, topic = self.settings, self.settings.topics.raw
        resumed = resume(settings, checkpoint, self.watch, self.progress.say)
        raw = sources.read_raw(
            spark,
            settings.kafka,
            topic,
            resumed.topic_id,
            settings.max_offsets_per_trigger,
            resumed.starting_offsets,
            tasks_for(settings, str(spark.sparkContext.master), spark.sparkContext.defaultParallelism),
        )
        trigger: dict[str, Any] = (
            {"availableNow": True} if settings.available_now else {"processingTime": settings.trigger}
        )
        with closing(RecentIds(settings.dedup_horizon_seconds)) as recent_ids:
            ledger = resumed.ledger
            with of_the_store():
                recent_ids.restore(settings.lake, settings.s3, resumed.topic_id, ledger.ends, ledger.doubtful)
            deliver = self.delivery(resumed, checkpoint, rules, recent_ids if settings.dedup_horizon_seconds else None)
            query = (
                build(raw, rules)
                .writeStream.queryName("enrich")
                .option("checkpointLocation", checkpoint.uri)
                .trigger(**trigger)
                .foreachBatch(deliver)
                .start()
            )
            try:
                await_end(query, self.shutdown, self.check_leases, self.patience.succeeded)
            except StreamingQueryException as error:
                if deliver.refusal is not None:
                    raise deliver.refusal from error
                if self.shutdown.requested and not deliver.in_hand:
                    return  # the next batch was refused, or Ctrl-C ended a `chmod` by which a local checkpoint is kept
                if not tells_of_data_loss(error):
                    raise
                again = resume(settings, checkpoint, self.watch, self.progress.say)  # says what is missing
                if again.ledger == deliver.ledger:
                    raise
            else:
                return
        self.attempt(spark, checkpoint, rules)

    def delivery(
        self, resumed: Resumed, checkpoint: Checkpoint, rules: Rules, recent_ids: RecentIds | None
    ) -> Delivery:
        """The function that delivers batches, and what it asks before it writes."""
        settings, topic_id = self.settings, resumed.topic_id
        ruleset = rules.enrichment.reference.ruleset

        def plan(generation: str, batch_id: int) -> Batch:
            planned_at_ms, offsets = checkpoint.planned(batch_id)
            return Batch(generation, batch_id, planned_at_ms, topic_id, offsets, __version__, ruleset)

        def report(counts: Counts, batch: Batch, seconds: float) -> None:
            self.patience.succeeded()
            self.progress.batch(counts, batch, seconds)

        def refuse_after_stop() -> None:
            if self.shutdown.requested:
                raise StopRequested

        return Delivery(
            kafka=settings.kafka,
            topics=settings.topics,
            lake=settings.lake,
            s3=settings.s3,
            max_event_bytes=settings.max_event_bytes,
            max_dead_ratio=settings.max_dead_ratio,
            plan=plan,
            report=report,
            guards=Guards(
                refuse_after_stop, lambda batch: self.watch.check(topic_id, batch.offsets), self.check_leases
            ),
            recent_ids=recent_ids,
            ledger=resumed.ledger,
        )


def stream(settings: EnrichSettings) -> None:
    """Check everything, then run the job until it is done, stopped or broken for good."""
    failpoints.check()
    shutdown = Shutdown()
    job = Job(settings, shutdown)
    preflight.check_topics(settings.kafka, settings.topics, preflight.TO_ENRICH)
    warnings = check_topic_settings(settings.kafka, settings.topics, settings.max_event_bytes)
    warnings += preflight.check_lake(settings.lake.uri, settings.s3, writing=True)
    rules = rules_of(settings)
    if settings.pseudonym_key is None:
        warnings.append("PSEUDONYM_KEY is not set: user_id is passed on as it is.")
    shutdown.listen()
    with ExitStack() as leases, ExitStack() as stack:  # Spark stops before the leases go
        stack.callback(job.watch.close)
        job.lease(settings.lake.uri, "LAKE_URI", leases)
        spark = start_session("ecommerce-enrich", settings.s3)
        stack.callback(spark.stop)
        check_spark(spark)
        place = checkpoint_for(settings, str(spark.sparkContext.master))
        preflight.check_places(settings.lake, place)
        warnings += preflight.check_checkpoint(place, settings.s3)
        job.lease(place, "CHECKPOINT_URI", leases)
        shutdown.listen_in_jvm(spark)
        for warning in warnings:
            job.progress.warn(warning)
        patiently = partial(
            keep_trying, explain=failure_of, patience=job.patience, shutdown=shutdown, warn=job.progress.warn
        )
        patiently(lambda: sinks.ensure_tables(spark, settings.lake))
        job.patience.succeeded()
        job.progress.started(settings, place)
        checkpoint = Checkpoint(spark, place, settings.topics.raw)
        patiently(lambda: job.attempt(spark, checkpoint, rules))
        job.progress.finished(stopped=shutdown.requested)


def await_end(
    query: StreamingQuery, shutdown: Shutdown, check_leases: Callable[[], None], succeeded: Callable[[], None]
) -> None:
    """Wait until the query ends or a stop is requested; then let the batch in hand finish.

    `succeeded` is called whenever the query made progress, be it only to find nothing new. Raises LeaseLost where that
    happens while there is nothing to write.
    """
    progress = None
    while not shutdown.wait(0.2):
        if query.awaitTermination(1):
            return
        if (newest := query.lastProgress) is not None and newest.timestamp != progress:
            progress = newest.timestamp
            succeeded()
        with suppress(*S3_ERRORS, OSError):  # a store that is away concerns the next write
            check_leases()
    while query.isActive and query.status["isTriggerActive"]:
        query.awaitTermination(1)
    query.stop()


@click.command(context_settings=CONTEXT_SETTINGS)
@enrich_options
@click.version_option(__version__)
def main(debug: bool, **options: Any) -> None:
    """Validate and enrich raw shop events into Kafka and Delta tables; failures go to the dead-letter queue.

    S3 keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, Kafka's credentials from KAFKA_SASL_USERNAME
    and KAFKA_SASL_PASSWORD, the key of the user pseudonyms from PSEUDONYM_KEY. SIGTERM and Ctrl-C finish the
    batch in hand. Exit codes: 0 done, 1 failed, 2 configuration, 3 stopped by a policy.
    """
    if not debug:
        logging.getLogger("py4j").setLevel(logging.CRITICAL)  # it prints every error of a batch once more
    stream(EnrichSettings.from_options(options))


if __name__ == "__main__":
    raise SystemExit(run(main))
