"""The secured overlay on a real engine: TLS everywhere, a password per program, no right that was not granted."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import botocore.exceptions
import kafka.errors
import pytest
from compose_stack import ComposeStack
from kafka import KafkaProducer

from infra.env_file import ENV_FILE, parse_env

pytestmark = pytest.mark.compose

SECURED = True
JOBS = {"topics-init", "bucket-init", "certificates-init", "access-init"}
_READ = (
    "from pipelines.clients import KafkaSettings as K; from kafka import TopicPartition as P; import sys\n"
    "consumer = K.load('kafka:29092').consumer(auto_offset_reset='earliest', consumer_timeout_ms=15000)\n"
    "consumer.assign([P(sys.argv[1], 0)])\n"
    "print('read', len([next(consumer)]))"
)
_WRITE = (
    "from pipelines.clients import KafkaSettings as K; import sys\n"
    "producer = K.load('kafka:29092').producer()\n"
    "print('wrote', producer.send(sys.argv[1], b'{}').get(20).offset)"
)


def as_user(name: str, password: str | None = None) -> dict[str, str]:
    """Settings that make a container's program come as another principal."""
    known = parse_env(ENV_FILE.read_text(), ENV_FILE.name)
    secret = known[f"{name.upper()}_KAFKA_PASSWORD"] if password is None else password
    return {"KAFKA_SASL_USERNAME": name, "KAFKA_SASL_PASSWORD": secret}


def test_the_demo_proves_itself(stack: ComposeStack) -> None:
    """Sent as the generator, processed as enrich, proved as the analyst."""
    assert "PROVEN" in stack.demo_output


def test_all_services_are_healthy_and_all_jobs_done(stack: ComposeStack) -> None:
    assert stack.unready(JOBS) == []


def test_no_secret_is_in_any_log(stack: ComposeStack) -> None:
    assert stack.secrets_in_logs() == []


def test_the_analyst_reads_the_dead_letters(stack: ComposeStack) -> None:
    """The same program as in the next test, with the right to do it."""
    assert "read 1" in stack.tool("python", "-c", _READ, "dead_letter_queue")


def test_the_generator_cannot_read_the_dead_letters(stack: ComposeStack) -> None:
    """He does not even see the topic: the client waits for a record that does not come."""
    output = stack.tool("python", "-c", _READ, "dead_letter_queue", fails=True, **as_user("generator"))
    assert "StopIteration" in output
    assert "read" not in output.splitlines()[-1]


def test_a_missing_right_is_one_clear_line(stack: ComposeStack) -> None:
    output = stack.tool("python", "-m", "pipelines.verify", fails=True, **as_user("generator"))
    errors = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "user generator lacks" in errors[0]
    assert "DEAD_LETTER_TOPIC=dead_letter_queue" in errors[0]


def test_the_generator_writes_raw_events(stack: ComposeStack) -> None:
    """The same program as in the next tests, with the right to do it."""
    assert "wrote" in stack.tool("python", "-c", _WRITE, "ecommerce_events_raw", **as_user("generator"))


@pytest.mark.parametrize(
    ("principal", "topic"),
    [
        ("enrich", "ecommerce_events_raw"),
        ("analyst", "ecommerce_events_raw"),
        ("analyst", "dead_letter_queue"),
        ("generator", "ecommerce_events_enriched"),
    ],
)
def test_nobody_writes_where_he_has_no_business(stack: ComposeStack, principal: str, topic: str) -> None:
    """Refused for the topic, or, with no topic to write at all, as a producer."""
    output = stack.tool("python", "-c", _WRITE, topic, fails=True, **as_user(principal))
    assert re.search(r"(Topic|Cluster)AuthorizationFailedError|Cluster authorization failed", output), output


@pytest.mark.parametrize("program", [["-m", "generator", "--sink=kafka", "--count=1"], ["-m", "pipelines.verify"]])
def test_a_wrong_password_is_one_clear_line(stack: ComposeStack, program: list[str]) -> None:
    output = stack.tool("python", *program, fails=True, **as_user("analyst", "wrong-password"))
    errors = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "refused the credentials of user analyst" in errors[0]
    assert "wrong-password" not in output


def test_kafka_takes_no_plain_client(stack: ComposeStack) -> None:
    """Nor one that has a password and comes without TLS: the handshake fails."""
    address = f"127.0.0.1:{stack.environment['KAFKA_PORT']}"
    with pytest.raises(kafka.errors.KafkaError):
        KafkaProducer(bootstrap_servers=address, bootstrap_timeout_ms=10_000)


def test_the_jobs_key_opens_the_lakes_bucket_only(stack: ComposeStack, tmp_path: Path) -> None:
    known = parse_env(ENV_FILE.read_text(), ENV_FILE.name)
    authority = tmp_path / "ca.pem"
    stack.compose("cp", "enrich:/var/lib/ecommerce/certificates/trust/ca.pem", str(authority))
    store = boto3.Session().client(
        "s3",
        endpoint_url=f"https://127.0.0.1:{stack.environment['S3_PORT']}",
        region_name="us-east-1",
        aws_access_key_id=known["LAKE_ACCESS_KEY_ID"],
        aws_secret_access_key=known["LAKE_SECRET_ACCESS_KEY"],
        verify=str(authority),
    )
    assert store.list_objects_v2(Bucket="ecommerce-lake", MaxKeys=1)["KeyCount"] == 1
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        store.create_bucket(Bucket="another")


@pytest.mark.parametrize("service", ["kafka", "minio", "enrich", "generator"])
def test_no_server_has_the_authoritys_key(stack: ComposeStack, service: str) -> None:
    mounted = [mount.get("Name", "") for mount in stack.containers(service)[0]["Mounts"]]
    assert not [name for name in mounted if name.endswith("certificates-ca")]


def test_zookeeper_is_out_of_the_programs_reach(stack: ComposeStack) -> None:
    """Whoever can talk to ZooKeeper can grant himself any right."""
    probe = "import socket; socket.create_connection(('zookeeper', 2181), 5)"
    assert "gaierror" in stack.tool("python", "-c", probe, fails=True)
