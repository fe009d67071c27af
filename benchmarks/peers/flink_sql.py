"""Flink SQL, the strongest JVM peer: ``python -m benchmarks.peers.flink_sql [--tuned]``, started as WORKLOADS.md tells.

Reads    RAW_TOPIC, CATALOG; flink/*.sql (the job), flink/*.java (functions that SQL lacks)
Writes   ENRICHED_TOPIC, DEAD_LETTER_TOPIC, Parquet files in LAKE_URI/events
Promises at least once in Kafka, exactly once in the lake's files (committed by checkpoints; there is no table log)

One JVM (Flink's MiniCluster: job manager and task manager), with HEAP as its -Xmx.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.peers.environments import enter, folder, setting
from benchmarks.peers.flink_columns import (
    ENRICHMENT,
    EVENT,
    EVENT_COLUMNS,
    VISIT,
    device_class,
    referrer_medium,
)
from benchmarks.peers.reference_lists import device_classes, referrers

SQL = Path(__file__).parent / "flink"
# What each workload leaves out.
LEFT_OUT = {"W2": "events", "W3": "enriched"}


def write_rules() -> Path:
    """The lists for Visit.java, in the order in which they apply."""
    lines = [f"device_class\t{pattern}\t{name}" for name, pattern in device_classes()]
    lines += [f"referrer_medium\t{pattern}\t{medium}" for medium, pattern in referrers()]
    path = Path(setting("WORK_DIR")).resolve() / "rules.tsv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def substitutions(tuned: bool) -> dict[str, str]:
    """What the SQL files leave open."""
    computed = ("event_time", "event_at", "event_date", "lateness_ms", "cart_value", "catalog_items")
    columns = [f"{name} {kind}" for name, kind in ENRICHMENT.items()]
    return {
        **{name: setting(name) for name in ("RAW_TOPIC", "ENRICHED_TOPIC", "DEAD_LETTER_TOPIC")},
        **{name: setting(name) for name in ("KAFKA_BOOTSTRAP_SERVERS", "LAKE_URI")},
        "BOUNDED": "'scan.bounded.mode' = 'latest-offset'," if os.environ.get("MODE") == "drain" else "",
        "CONSUMER": "'properties.fetch.min.bytes' = '262144', 'properties.fetch.max.wait.ms' = '100',"
        " 'properties.max.poll.records' = '2000'," if tuned else "",
        "PRODUCER": "'properties.linger.ms' = '20', 'properties.batch.size' = '262144',"
        " 'properties.buffer.memory' = '67108864'," if tuned else "",
        "EVENT_COLUMNS": EVENT,
        "EVENT_NAMES_OF_COLUMNS": ", ".join(EVENT_COLUMNS),
        "ENRICHMENT_COLUMNS": ", ".join(columns),
        "LAKE_COLUMNS": ", ".join(columns),
        "ENRICHMENT_NAMES": ", ".join(ENRICHMENT),
        "FUNCTION_COLUMNS": ", ".join(f"e.{name} AS {name}" for name in (*EVENT_COLUMNS, *computed)),
        "VISIT_COLUMNS": ", ".join(f"e.{name} AS {name}" for name in VISIT),
        "DEVICE_CLASS": device_class(),
        "REFERRER_MEDIUM": referrer_medium(),
    }  # fmt: skip


def statements(name: str, values: dict[str, str]) -> list[str]:
    """The statements of a file, comments taken out."""
    text = re.sub(r"^--.*$", "", (SQL / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part.strip() for part in Template(text).substitute(values).split(";\n") if part.strip()]


def configuration(tuned: bool) -> dict[str, str]:
    """Flink's settings; what is not here has its default."""
    work = Path(setting("WORK_DIR")).resolve()
    common = {
        # The lake shows what a checkpoint has closed.
        "execution.checkpointing.interval": "1 s" if tuned and setting("MODE") == "stream" else "10 s",
        "execution.checkpointing.dir": (work / "checkpoints").as_uri(),
        "execution.checkpointing.min-pause": "500 ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "io.tmp.dirs": str(work),
        "table.local-time-zone": "UTC",
        # Else each sink would parse for itself, and once per column.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        "s3.endpoint": setting("AWS_ENDPOINT_URL"),
        "s3.endpoint.region": setting("AWS_REGION"),
        "s3.path.style.access": "true",
        "s3.access-key": setting("AWS_ACCESS_KEY_ID"),
        "s3.secret-key": setting("AWS_SECRET_ACCESS_KEY"),
    }
    # As after a crash: go on from the newest checkpoint that is complete.
    complete = sorted((work / "checkpoints").glob("*/chk-*/_metadata"), key=lambda file: file.stat().st_mtime)
    if complete:
        common["execution.state-recovery.path"] = complete[-1].parent.as_uri()
    if not tuned:
        return common
    return common | {
        "pipeline.object-reuse": "true",
        "parallelism.default": "2",
        "taskmanager.numberOfTaskSlots": "2",
    }


def write_configuration(settings: dict[str, str], tuned: bool) -> Path:
    """Flink's configuration folder, in WORK_DIR: its own defaults, then `settings`."""
    home = Path(setting("WORK_DIR")).resolve() / "conf"
    shutil.copytree(next(folder("flink").glob("lib/python3*/site-packages/pyflink/conf")), home, dirs_exist_ok=True)
    shipped = (home / "config.yaml").read_text(encoding="utf-8")
    options = re.search(r"^\s+all: (--add.*)$", shipped, flags=re.MULTILINE)
    opened = options.group(1) if options else ""
    heap = f"-Xmx{setting('HEAP')}" + (" -XX:+UseParallelGC" if tuned else "")
    lines = [f"{name}: '{value}'" for name, value in settings.items()]
    lines.append(f"env.java.opts.all: '{opened} {heap}'")
    (home / "config.yaml").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return home


def main() -> None:
    """Run the job until it has read everything (MODE=drain) or is told to stop."""
    parser = argparse.ArgumentParser(description="The work of WORKLOADS.md in Flink SQL.")
    parser.add_argument("--tuned", action="store_true", help="one parse per record, settings for throughput")
    parser.add_argument("--explain", action="store_true", help="show the plan, run nothing")
    arguments = parser.parse_args()
    enter("flink", "benchmarks.peers.flink_sql")
    conf = write_configuration(configuration(arguments.tuned), arguments.tuned)
    logs = Path(setting("WORK_DIR")).resolve() / "logs"
    logs.mkdir(exist_ok=True)
    plugins = next(folder("flink").glob("lib/python3*/site-packages/pyflink/plugins"))
    os.environ["RULES"] = str(write_rules())
    os.environ |= {"FLINK_CONF_DIR": str(conf), "FLINK_LOG_DIR": str(logs), "FLINK_PLUGINS_DIR": str(plugins)}

    # Only its own environment has it.
    from pyflink.java_gateway import get_gateway
    from pyflink.table import EnvironmentSettings, TableEnvironment

    # A cluster's processes do this when they start; the MiniCluster leaves it to its host.
    flink = get_gateway().jvm.org.apache.flink
    settings = flink.configuration.GlobalConfiguration.loadConfiguration()
    manager = flink.core.plugin.PluginUtils.createPluginManagerFromRootFolder(settings)
    flink.core.fs.FileSystem.initialize(settings, manager)

    tables: Any = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for name, value in configuration(arguments.tuned).items():
        tables.get_config().set(name, value)
    values = substitutions(arguments.tuned)
    form = "tuned.sql" if arguments.tuned else "default.sql"
    for statement in [part for name in ("tables.sql", "parsed.sql", form) for part in statements(name, values)]:
        tables.execute_sql(statement)
    together = tables.create_statement_set()
    left_out = LEFT_OUT.get(os.environ.get("WORKLOAD", "W1"), "")
    for insert in statements("inserts.sql", values):
        if insert.split()[2] != left_out:
            together.add_insert_sql(insert)
    if arguments.explain:
        print(together.explain())
    else:
        together.execute().wait()


if __name__ == "__main__":
    main()
