"""Prove that nothing was lost: ``python -m pipelines.verify [--manifest FILE]``. Needs no Spark.

Reads:      the raw, enriched and dead-letter topics as a read_committed consumer is given them; the Delta
            tables; the generator's manifest.
Writes:     nothing but its report (a temporary folder holds the facts meanwhile).
Guarantees: exit code 0 only if every record up to the audited end has exactly one outcome, in the lake and
            on Kafka, with its bytes intact where it is dead, and where it is accepted with its values in the
            enriched topic and its event_id in events; with a manifest, only if all in it came out right. With
            --offsets the same about some raw records. 1, too, where nobody read the report to its end.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click
import kafka.errors
from rich.console import Console

from pipelines.cli import (
    CONTEXT_SETTINGS,
    debug_option,
    kafka_options,
    lake_options,
    run,
    setting,
    topic_options,
)
from pipelines.clients import KafkaSettings, S3Settings, kafka_problem
from pipelines.lake import Lake
from pipelines.preflight import TO_VERIFY, check_topics
from pipelines.settings import Topics
from pipelines.terminal import page
from pipelines.verification.account import Account, account_for
from pipelines.verification.facts import Facts
from pipelines.verification.kafka_records import KafkaLogs
from pipelines.verification.lake_tables import LakeTables
from pipelines.verification.manifest import read_manifest
from pipelines.verification.offsets import Selection
from pipelines.verification.progress import Progress
from pipelines.verification.report import show


def verify(
    kafka_settings: KafkaSettings,
    topics: Topics,
    lake: Lake,
    s3: S3Settings,
    progress: Progress,
    *,
    selection: Selection,
    manifest: Path | None = None,
    caught_up: bool = False,
    horizon_seconds: int | None = None,
) -> Account:
    """Gather the facts about the selection and judge the claims.

    Raises ConfigurationError where something is not there or not what it should be.
    """
    topic_id = check_topics(kafka_settings, topics, TO_VERIFY)
    # The lake is pinned before Kafka's ends are taken: what the tables hold, Kafka has given before.
    tables = LakeTables(lake, s3)
    with tempfile.TemporaryDirectory(prefix="verify-") as folder, Facts(Path(folder), topic_id, selection) as facts:
        remark = read_manifest(manifest, topics.raw, facts, progress) if manifest else None
        logs = KafkaLogs(kafka_settings, topics.raw, topics.enriched, topics.dead_letter, selection)
        try:
            logs.read_all(facts, progress)
        finally:
            logs.close()
        tables.read_all(facts, progress)
        with progress.task("comparing"):
            account = account_for(
                facts, with_manifest=manifest is not None, caught_up=caught_up, horizon_seconds=horizon_seconds
            )
    if remark:
        account.remarks.append(remark)
    return account


@click.command(context_settings=CONTEXT_SETTINGS)
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The generator's manifest: prove as well that each fault in it was found where it belongs.",
)
@click.option(
    "--offsets",
    multiple=True,
    metavar="PARTITION:FIRST-LAST",
    help="Look at these raw records only, the last one included; 2:100- is all from 100 on, 2:-249 all up to 249. "
    "May be given several times; partitions not named are left out.",
)
@setting(
    "--dedup-horizon-seconds",
    "DEDUP_HORIZON_SECONDS",
    None,
    "What the job always ran with: prove as well that no event was accepted twice within it; 0 is no deduplication. "
    "Seconds.",
    type=click.IntRange(0),
)
@click.option("--caught-up", is_flag=True, help="Records that are not processed yet are a failure, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
@kafka_options
@topic_options
@lake_options
@debug_option
def main(
    manifest: Path | None,
    offsets: tuple[str, ...],
    dedup_horizon_seconds: int | None,
    caught_up: bool,
    as_json: bool,
    debug: bool,
    **options: Any,
) -> int:
    """Prove that records in = accepted + dead + duplicate, each exactly once, in the lake and on Kafka.

    Records beyond the last recorded batch are reported as lag. Exit codes: 0 proven, 1 not proven (what is
    missing, doubled or altered is listed), 2 configuration.
    """
    selection = Selection.parse(offsets)
    kafka_settings = KafkaSettings.load(options["bootstrap_servers"], options["kafka_config"])
    try:
        account = verify(
            kafka_settings,
            Topics(options["raw_topic"], options["enriched_topic"], options["dead_letter_topic"]),
            Lake(options["lake"]),
            S3Settings(options["s3_endpoint"], options["s3_region"]),
            Progress(Console(stderr=True)),
            selection=selection,
            manifest=manifest,
            caught_up=caught_up,
            horizon_seconds=dedup_horizon_seconds,
        )
    except kafka.errors.KafkaError as error:
        raise kafka_problem(error, kafka_settings) from error
    if as_json:
        click.echo(json.dumps(account.as_json(), indent=2))
    else:
        show(account, page())
    return 0 if account.proven else 1


if __name__ == "__main__":
    raise SystemExit(run(main))
