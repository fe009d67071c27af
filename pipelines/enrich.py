"""Enrich raw shop events: ``spark-submit pipelines/enrich.py`` (or ``python pipelines/enrich.py``).

Reads:  the raw topic, committed records only, from the earliest offset at first start.
Writes: Delta `events` and `dead_letters`, then the enriched topic and the dead-letter queue, then `batch_audit`.
Guarantees: every record is accepted or dead, never both, never neither. Delta tables hold each record exactly
once through crashes and restarts; Kafka may repeat the one batch that a crash interrupted. Order per key is kept.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

import click
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import __version__, preflight, sinks, sources
from pipelines.checkpoint import OffsetLog
from pipelines.cli import CONTEXT_SETTINGS, RunFailed, StoppedByPolicy, run
from pipelines.delivery import Delivery
from pipelines.progress import Progress
from pipelines.reference_data import load_reference_data
from pipelines.session import start_session
from pipelines.settings import EnrichSettings, checkpoint_for, enrich_options
from pipelines.shutdown import Shutdown, StopRequested
from pipelines.transforms.batches import Batch
from pipelines.transforms.enrichment import EnrichmentRules
from pipelines.transforms.outcomes import Rules, to_outcomes
from pipelines.transforms.validation import Limits


def build(records: DataFrame, rules: Rules) -> DataFrame:
    """The whole stream between source and sinks: raw records → outcomes."""
    return to_outcomes(records, rules)


def rules_of(settings: EnrichSettings) -> Rules:
    """What decides outcomes, from the settings; reads the reference data."""
    return Rules(
        nonce=secrets.token_hex(8),
        enrichment=EnrichmentRules(
            reference=load_reference_data(settings.catalog, settings.s3),
            late_after_seconds=settings.late_after_seconds,
            pseudonym_key=settings.pseudonym_key,
        ),
        limits=Limits(settings.max_event_age_days, settings.max_future_seconds),
        max_event_bytes=settings.max_event_bytes,
    )


def stream(settings: EnrichSettings, progress: Progress, shutdown: Shutdown) -> None:
    """Run the job until it is done, stopped or broken."""
    topic_id = preflight.check_topics(settings.kafka, settings.topics, preflight.TO_ENRICH)
    preflight.check_lake(settings.lake.uri, settings.s3, writing=True)
    rules = rules_of(settings)
    if settings.pseudonym_key is None:
        progress.warn("PSEUDONYM_KEY is not set: user_id is passed on as it is.")
    shutdown.listen()
    spark = start_session("ecommerce-enrich", settings.s3)
    try:
        checkpoint = checkpoint_for(settings, str(spark.sparkContext.master))
        preflight.check_checkpoint(checkpoint, settings.s3)
        shutdown.listen_in_jvm(spark)
        sinks.ensure_tables(spark, settings.lake)
        offset_log = OffsetLog(spark, checkpoint, settings.topics.raw)
        ruleset = rules.enrichment.reference.ruleset

        def plan(generation: str, batch_id: int) -> Batch:
            planned_at_ms, offsets = offset_log.planned(batch_id)
            return Batch(generation, batch_id, planned_at_ms, topic_id, offsets, __version__, ruleset)

        def refuse_after_stop() -> None:
            if shutdown.requested:
                raise StopRequested

        deliver = Delivery(
            kafka=settings.kafka,
            topics=settings.topics,
            lake=settings.lake,
            max_event_bytes=settings.max_event_bytes,
            plan=plan,
            report=progress.batch,
            before=refuse_after_stop,
        )
        raw = sources.read_raw(spark, settings.kafka, settings.topics.raw, topic_id, settings.max_offsets_per_trigger)
        trigger: dict[str, Any] = (
            {"availableNow": True} if settings.available_now else {"processingTime": settings.trigger}
        )
        progress.started(settings, checkpoint)
        query = (
            build(raw, rules)
            .writeStream.queryName("enrich")
            .option("checkpointLocation", checkpoint)
            .trigger(**trigger)
            .foreachBatch(deliver)
            .start()
        )
        await_end(query, shutdown)
        progress.finished(stopped=shutdown.requested)
    finally:
        spark.stop()


def await_end(query: StreamingQuery, shutdown: Shutdown) -> None:
    """Wait until the query ends or a stop is requested; then let the batch in hand finish."""
    try:
        while not shutdown.wait(0.2):
            if query.awaitTermination(1):
                return
        while query.isActive and query.status["isTriggerActive"]:
            query.awaitTermination(1)
        query.stop()
    except StreamingQueryException as error:
        if shutdown.requested and StopRequested.__name__ in str(error):
            return
        raise failure_of(error) from error


def failure_of(error: StreamingQueryException) -> click.ClickException:
    """One line about a query that broke."""
    text = str(error)
    if "failOnDataLoss" in text or "Some data may have been lost" in text:
        return StoppedByPolicy(
            "Raw records that were not processed yet are gone (retention, or a re-created topic): nothing was "
            "skipped, nothing written. See docs/operations.md, “Data loss”."
        )
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("at ")]
    causes = [line for line in lines if line.startswith("Caused by:")] or lines
    return RunFailed(
        f"The stream stopped: {causes[-1][:300] if causes else text[:300]} "
        "Nothing is lost: start it again and it resumes (--debug shows the traceback)."
    )


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
    settings = EnrichSettings.from_options(options)
    progress = Progress(settings.kafka, settings.topics.raw)
    stream(settings, progress, Shutdown())


if __name__ == "__main__":
    raise SystemExit(run(main))
