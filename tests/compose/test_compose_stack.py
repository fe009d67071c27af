"""The compose files, unchanged, on a real engine: a Spark cluster of two workers, faults, a clean stop."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import duckdb
import pytest
from compose_stack import PORTS, ComposeStack, is_healthy, wait_for
from deltalake import DeltaTable

from infra.env_file import ENV_FILE, parse_env

pytestmark = pytest.mark.compose

SECURED = False
JOBS = {"topics-init", "bucket-init"}
# What differs between two runs over the same records, by its meaning.
OF_THE_RUN = {"processed_at", "failed_at", "first_failed_at", "batch_id"}


def test_the_demo_proves_itself(stack: ComposeStack) -> None:
    """30,000 events through two workers: every one accounted for, every fault found."""
    assert "PROVEN" in stack.demo_output


def test_all_services_are_healthy_and_all_jobs_done(stack: ComposeStack) -> None:
    assert stack.unready(JOBS) == []


def test_the_job_ran_on_both_workers(stack: ComposeStack) -> None:
    page = stack.inside(
        stack.containers("enrich")[0], "python", "-c",
        "import json,urllib.request as u; b='http://localhost:4040/api/v1/applications';"
        "a=json.load(u.urlopen(b))[0]['id']; print(json.dumps(json.load(u.urlopen(f'{b}/{a}/executors'))))",
    )  # fmt: skip
    tasks = {each["id"]: each["completedTasks"] for each in json.loads(page)}
    assert len([count for name, count in tasks.items() if name != "driver" and count > 0]) == 2, tasks


def test_ports_are_published_on_loopback_only(stack: ComposeStack) -> None:
    bindings = [
        (binding["HostIp"], binding["HostPort"])
        for container in stack.containers()
        for bound in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in bound or ()
    ]
    assert {address for address, _ in bindings} == {"127.0.0.1"}
    assert {port for _, port in bindings} == {stack.environment[name] for name in PORTS}


def test_nothing_else_listens_on_this_machine(stack: ComposeStack) -> None:
    """The kernel's own list: no socket of the stack's ports on another address than loopback."""
    ports = {int(stack.environment[name]) for name in PORTS}
    listening = [
        line.split()[1].split(":")
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    assert {address for address, port in listening if int(port, 16) in ports} == {"0100007F"}


def test_no_process_has_root_or_a_capability(stack: ComposeStack) -> None:
    for container in stack.containers():
        if container["State"]["Status"] == "running":
            status = stack.inside(container, "cat", "/proc/1/status")
            assert re.search(r"^Uid:\s+0\b", status, re.MULTILINE) is None, container["Name"]
            assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), container["Name"]
            assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), container["Name"]


def test_no_secret_is_in_any_log(stack: ComposeStack) -> None:
    assert stack.secrets_in_logs() == []


def test_no_secret_is_on_a_command_line(stack: ComposeStack) -> None:
    for container in stack.containers():
        assert not [secret for secret in stack.secrets() if secret in json.dumps(container["Config"]["Cmd"])]


def test_the_page_of_spark_leads_to_workers_and_job(stack: ComposeStack) -> None:
    """One published page: what it links to answers through it."""
    base = f"http://127.0.0.1:{stack.environment['SPARK_MASTER_UI_PORT']}"
    with urllib.request.urlopen(base, timeout=10) as page:
        links = set(re.findall(r'href="(/proxy/[^"]+)"', page.read().decode()))
    assert len(links) == 3
    for link in links:
        with urllib.request.urlopen(f"{base}{link}/", timeout=10) as page:  # noqa: S310 - our own server
            assert page.status == 200


def test_a_killed_worker_loses_nothing(stack: ComposeStack) -> None:
    stack.crash("spark-worker")
    assert "PROVEN" in stack.make("compose-verify")


def test_a_killed_broker_loses_nothing(stack: ComposeStack) -> None:
    stack.crash("kafka")
    wait_for(lambda: is_healthy(stack.containers("enrich")[0]), "enrich to be healthy")
    wait_for(lambda: is_healthy(stack.containers("generator")[0]), "the generator to be healthy")
    assert "PROVEN" in stack.make("compose-verify")


def test_a_killed_job_loses_nothing(stack: ComposeStack) -> None:
    stack.crash("enrich")
    assert "PROVEN" in stack.make("compose-verify")


def test_a_stop_drains_and_a_start_goes_on(stack: ComposeStack) -> None:
    """Exit code 0 of the job and the generator; after the next start nothing was lost and nothing came twice."""
    repeats = _repeats(stack)
    stack.compose("stop", "enrich", "generator")
    for service in ("enrich", "generator"):
        assert stack.containers(service)[0]["State"]["ExitCode"] == 0, stack.logs(service)[-2000:]

    stack.compose("start", "enrich", "generator")

    wait_for(lambda: is_healthy(stack.containers("enrich")[0]), "enrich to be healthy")
    assert "PROVEN" in stack.make("compose-verify")
    assert _repeats(stack) == repeats


def test_down_and_up_keep_the_data(stack: ComposeStack) -> None:
    before = _delivered(stack)
    stack.make("compose-down")
    assert not stack.containers()
    stack.make("compose-up")
    assert "PROVEN" in stack.make("compose-verify")
    assert _delivered(stack) > before


def test_the_cluster_and_one_machine_make_the_same_tables(stack: ComposeStack) -> None:
    """The same records once more with `local[*]`, into another lake: every row is equal."""
    stack.compose("stop", "generator")
    stack.tool("python", "-m", "pipelines.lag", "--wait", "600")
    stack.compose("stop", "enrich")
    other = {"ENRICHED_TOPIC": "enriched_local", "DEAD_LETTER_TOPIC": "dead_local"}
    stack.tool("python", "-m", "pipelines.topics", **other)

    stack.tool(
        "spark-submit", "--master=local[*]", "--driver-memory=1g", "pipelines/enrich.py", "--available-now",
        service="enrich", LAKE_URI="s3a://ecommerce-lake/local", CHECKPOINT_URI="/tmp/local", **other,  # noqa: S108 - in its container
    )  # fmt: skip

    for table in ("events", "dead_letters"):
        assert _differences(stack, table) == (0, 0), table


def _differences(stack: ComposeStack, table: str) -> tuple[int, int]:
    """Rows of a table that only the cluster's lake has, and that only the other has."""
    values = parse_env(ENV_FILE.read_text(), ENV_FILE.name)
    options = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.environment['S3_PORT']}",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": values["LAKE_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": values["LAKE_SECRET_ACCESS_KEY"],
    }
    with duckdb.connect() as database:
        for name, path in (("cluster", table), ("single", f"local/{table}")):
            rows = DeltaTable(f"s3://ecommerce-lake/{path}", storage_options=options).to_pyarrow_dataset()
            database.register(name, rows)
        columns = [row[0] for row in database.execute("describe cluster").fetchall() if row[0] not in OF_THE_RUN]
        shown = ", ".join(f'"{column}"' for column in columns)
        assert database.execute("select count(*) from cluster").fetchall()[0][0] > 0
        return tuple(
            database.execute(
                f"select count(*) from (select {shown} from {a} except all select {shown} from {b})"  # noqa: S608
            ).fetchall()[0][0]
            for a, b in (("cluster", "single"), ("single", "cluster"))
        )  # type: ignore[return-value]


def _account(stack: ComposeStack) -> dict[str, object]:
    output = stack.tool("python", "-m", "pipelines.verify", "--json")
    return json.loads(output[output.index("{\n") : output.rindex("}") + 1])


def _delivered(stack: ComposeStack) -> int:
    return _account(stack)["records"]["given"]


def _repeats(stack: ComposeStack) -> list[str]:
    """What verify says of repeats on Kafka, which only a crash makes."""
    return [remark for remark in _account(stack)["remarks"] if "are repeats" in remark]
