"""The architecture as rules that the code is read against: who may import what, and who may touch the world.

Each rule is a function from source text to the lines that break it, and a test shows that each can fail.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIPELINES = sorted((ROOT / "pipelines").rglob("*.py"))
TRANSFORMS = sorted((ROOT / "pipelines" / "transforms").rglob("*.py"))
GENERATOR = sorted((ROOT / "generator").rglob("*.py"))
INFRA = sorted((ROOT / "infra").rglob("*.py"))
ANALYTICS = sorted((ROOT / "analytics").rglob("*.py"))
# What the stream consists of besides its transforms; other files of pipelines/ are tools with a main() of their own.
STREAM = ("enrich", "delivery", "progress", "session", "settings", "shutdown", "lake", "schemas", "cli", "preflight",
          "clients", "kafka_connections", "kafka_problems", "kafka_properties", "s3_problems", "topics",
          "reference_data", "sources", "sinks", "checkpoint", "checkpoint_files", "checkpoint_format", "counts",
          "failpoints", "judge_sources", "preflight_spark", "preflight_topics",
          "lease", "lease_owner", "lease_watch", "lease_stores", "ledger", "patience", "recent_ids", "resuming",
          "starting", "stream_errors", "topic_watch")  # fmt: skip
CONNECTING = {"clients", "kafka_connections", "kafka_problems", "s3_problems", "topics", "preflight", "sources",
              "preflight_topics", "lease_stores", "topic_watch"}  # fmt: skip
# They decide where the stream goes on: nothing but their arguments may matter.
PURE = ("ledger", "starting")
MAX_LINES = 300

ALLOWED_IN_TRANSFORMS = {
    "__future__", "collections.abc", "dataclasses", "datetime", "decimal", "functools", "hashlib", "hmac", "json",
    "operator", "re", "typing", "pyspark.sql.Column", "pyspark.sql.DataFrame", "pyspark.sql.functions",
    "pyspark.sql.types", "pipelines.schemas", "pipelines.reference_data.ReferenceData",
}  # fmt: skip
WALL_CLOCK = {
    "now", "utcnow", "today", "current_timestamp", "current_date", "localtimestamp", "unix_timestamp", "rand",
    "randn", "uuid", "input_file_name", "getenv",
}  # fmt: skip
READS_AND_WRITES = {"read", "readStream", "write", "writeStream"}
RESOURCES = re.compile(
    r"spark\.(master|executor\.(memory|cores|instances)|driver\.(memory|cores)|cores\.max|dynamicAllocation)"
)


def imported(source: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _is_within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def impure_imports(source: str) -> list[str]:
    """Imports that a transform has no need of: sessions, files, the environment, clients."""
    allowed = ALLOWED_IN_TRANSFORMS | {"pipelines.transforms"}
    return [f"{line}: {name}" for line, name in imported(source) if not _is_within(name, allowed)]


def _calls(source: str) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield node.lineno, name, node


def wall_clock_calls(source: str) -> list[str]:
    """Calls whose answer changes from one run to the next, and files opened."""
    return [f"{line}: {name}()" for line, name, _ in _calls(source) if name in {*WALL_CLOCK, "open", "exec", "eval"}]


def reads_and_writes(source: str, also_allowed: tuple[str, ...] = ()) -> list[str]:
    """Places where Spark reads or writes, or Delta is used."""
    tree = ast.parse(source)
    # They are properties of Spark: a `.read()` or `.write()` that is called is one of a file.
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [
        f"{node.lineno}: .{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in READS_AND_WRITES - {*also_allowed}
        and id(node) not in called
    ]
    return found + [f"{line}: {name}" for line, name in imported(source) if _is_within(name, {"delta"})]


def client_imports(source: str) -> list[str]:
    """Imports of Kafka, S3 and HTTP clients."""
    clients = {"kafka", "boto3", "botocore", "requests", "urllib.request", "http.client", "socket"}
    return [f"{line}: {name}" for line, name in imported(source) if _is_within(name, clients)]


def spark_imports(source: str) -> list[str]:
    """Imports of Spark."""
    spark = {"pyspark", "delta", "py4j"}
    return [f"{line}: {name}" for line, name in imported(source) if _is_within(name, spark)]


def foreign_to_the_report(source: str) -> list[str]:
    """Imports of this project but the report itself and what names exit codes."""
    ours, allowed = {"analytics", "generator", "infra", "pipelines"}, {"analytics.report", "pipelines.cli"}
    return [
        f"{line}: {name}" for line, name in imported(source) if _is_within(name, ours) and not _is_within(name, allowed)
    ]


def python_functions_on_rows(source: str) -> list[str]:
    """Python that Spark would call per row or partition: slow, and outside the plan."""
    per_row = {"udf", "pandas_udf", "udtf", "mapInPandas", "mapInArrow", "applyInPandas", "applyInArrow",
               "foreachPartition", "mapPartitions"}  # fmt: skip
    found = [f"{line}: {name}" for line, name, _ in _calls(source) if name in per_row]
    found += [f"{line}: {name}" for line, name in imported(source) if name.rpartition(".")[2] in per_row]
    tree = ast.walk(ast.parse(source))
    return found + [f"{n.lineno}: .rdd" for n in tree if isinstance(n, ast.Attribute) and n.attr == "rdd"]


def placement(source: str) -> list[str]:
    """Masters and resources, which belong to spark-submit: set in code they would beat its flags."""
    calls = [f"{line}: .master()" for line, name, node in _calls(source)
             if name == "master" and isinstance(node.func, ast.Attribute) and node.args]  # fmt: skip
    constants = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return calls + [f"{n.lineno}: {n.value[:60]}" for n in constants if RESOURCES.match(n.value)]


def too_long(source: str) -> list[str]:
    """More lines than a reader keeps in the head."""
    lines = len(source.splitlines())
    return [f"{lines} lines"] if lines > MAX_LINES else []


def repeated(names: list[str]) -> list[str]:
    """Names that come more than once: pytest cannot collect two modules of one name."""
    return sorted({name for name in names if names.count(name) > 1})


def shadowing(names: list[str]) -> list[str]:
    """Modules that spark-submit, which puts their folder first on sys.path, would import for the standard library's."""
    return [name for name in names if name in sys.stdlib_module_names]


def broken(rule: Callable[[str], list[str]], files: list[Path]) -> list[str]:
    """Every line of the files that breaks the rule."""
    assert files, "the rule looks at no file"
    return [f"{file.relative_to(ROOT)}:{line}" for file in files for line in rule(file.read_text(encoding="utf-8"))]


def stream_files(*without: str) -> list[Path]:
    """The stream's files in pipelines/ (not its transforms), less some."""
    return [ROOT / "pipelines" / f"{name}.py" for name in STREAM if name not in without]


def test_transforms_import_only_columns_frames_types_schemas_and_each_other():
    assert broken(impure_imports, TRANSFORMS) == []


def test_transforms_open_no_file_and_ask_no_clock():
    assert broken(wall_clock_calls, TRANSFORMS) == []


def test_where_the_stream_goes_on_depends_on_arguments_only():
    assert broken(wall_clock_calls, stream_files(*set(STREAM) - set(PURE))) == []


def test_only_sources_and_sinks_touch_the_world():
    assert broken(reads_and_writes, [*stream_files("sources", "sinks", "enrich"), *TRANSFORMS]) == []


def test_the_entry_file_wires_the_stream_and_no_more():
    entry = [ROOT / "pipelines" / "enrich.py"]
    assert broken(lambda source: reads_and_writes(source, also_allowed=("writeStream",)), entry) == []


def test_within_the_stream_only_the_connecting_files_import_clients():
    assert broken(client_imports, [*stream_files(*CONNECTING), *TRANSFORMS]) == []


def test_the_generator_and_the_analytics_need_no_spark():
    assert broken(spark_imports, [*GENERATOR, *ANALYTICS]) == []


def test_the_report_needs_nothing_that_dbts_environment_lacks():
    assert broken(foreign_to_the_report, sorted((ROOT / "analytics" / "report").glob("*.py"))) == []


def test_no_python_runs_per_row():
    assert broken(python_functions_on_rows, PIPELINES) == []


def test_masters_and_resources_are_never_set_in_code():
    assert broken(placement, [*PIPELINES, *GENERATOR, *INFRA]) == []


def test_no_file_is_longer_than_a_head_can_hold():
    assert broken(too_long, [*PIPELINES, *GENERATOR, *INFRA, *ANALYTICS]) == []


def test_no_job_is_named_like_a_module_of_the_standard_library():
    assert shadowing([file.stem for file in (ROOT / "pipelines").iterdir()]) == []


def test_no_two_test_files_share_a_name():
    assert repeated([file.name for file in (ROOT / "tests").rglob("test_*.py")]) == []


def test_every_file_of_the_stream_is_there():
    assert [file.name for file in stream_files() if not file.exists()] == []


@pytest.mark.parametrize(
    ("rule", "snippet"),
    [
        (impure_imports, "import os"),
        (impure_imports, "from pathlib import Path"),
        (impure_imports, "from pyspark.sql import SparkSession"),
        (impure_imports, "from pyspark.sql import DataFrame, SparkSession"),
        (impure_imports, "import pyspark"),
        (impure_imports, "from pipelines import sinks"),
        (impure_imports, "from pipelines.reference_data import load_reference_data"),
        (impure_imports, "def f():\n    import boto3"),
        (impure_imports, "import requests"),
        (impure_imports, "from kafka import KafkaConsumer"),
        (wall_clock_calls, "x = datetime.datetime.now()"),
        (wall_clock_calls, "x = F.current_timestamp()"),
        (wall_clock_calls, "x = F.rand()"),
        (wall_clock_calls, "open('x')"),
        (reads_and_writes, "spark.read.parquet('x')"),
        (reads_and_writes, "events = spark.readStream"),
        (reads_and_writes, "events.write.save()"),
        (reads_and_writes, "events.writeStream.start()"),
        (reads_and_writes, "from delta.tables import DeltaTable"),
        (client_imports, "import boto3"),
        (client_imports, "from kafka.errors import KafkaError"),
        (client_imports, "import urllib.request"),
        (spark_imports, "from pyspark.sql import functions as F"),
        (spark_imports, "import delta"),
        (foreign_to_the_report, "from pipelines.clients import S3Settings"),
        (foreign_to_the_report, "from analytics import settings"),
        (python_functions_on_rows, "f = F.udf(lambda x: x)"),
        (python_functions_on_rows, "@pandas_udf('int')\ndef f(x): ..."),
        (python_functions_on_rows, "from pyspark.sql.functions import udf"),
        (python_functions_on_rows, "frame.mapInPandas(f, schema)"),
        (python_functions_on_rows, "frame.rdd.map(f)"),
        (placement, "SparkSession.builder.master('local[2]')"),
        (placement, "builder.config('spark.executor.memory', '2g')"),
        (placement, "builder.config('spark.master', 'local')"),
        (too_long, "\n" * (MAX_LINES + 1)),
    ],
)
def test_each_rule_can_fail(rule, snippet):
    assert rule(snippet)


def test_the_rule_on_names_can_fail():
    assert shadowing(["enrich", "types", "queue"]) == ["types", "queue"]


def test_the_rule_on_test_files_can_fail():
    assert repeated(["test_a.py", "test_b.py", "test_a.py"]) == ["test_a.py"]


@pytest.mark.parametrize(
    ("rule", "snippet"),
    [
        (impure_imports, "from pyspark.sql import Column, DataFrame\nfrom pyspark.sql import functions as F"),
        (impure_imports, "from pipelines import schemas\nfrom pipelines.transforms import vocabulary"),
        (impure_imports, "from pipelines.reference_data import ReferenceData"),
        (reads_and_writes, "sys.stdout.write('x')\nresponse['Body'].read()"),
        (
            foreign_to_the_report,
            "import altair\nfrom pipelines.cli import run\nfrom analytics.report.page import render",
        ),
        (placement, "name = spark.sparkContext.master"),
        (too_long, "\n" * MAX_LINES),
    ],
)
def test_each_rule_lets_good_code_pass(rule, snippet):
    assert not rule(snippet)
