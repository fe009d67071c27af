"""Whether a server does its work: one small request each, with a time-out of a few seconds."""

from __future__ import annotations

import logging
import socket
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
import kafka.admin
import kafka.errors

from infra.local.ports import HOST
from infra.local.state import State
from pipelines.cli import DEFAULT_LAKE_URI
from pipelines.clients import split_s3_uri

REGION = "us-east-1"
BROKER_NODE = "/brokers/ids/0"
_SECONDS = 3

# While a server starts, failed attempts are normal: without a handler Python would print them.
logging.getLogger("kafka").addHandler(logging.NullHandler())


def zookeeper_answers(port: int) -> bool:
    """ZooKeeper serves requests."""
    return "Mode:" in _four_letter_word(port, b"srvr")


def broker_is_registered(zookeeper_port: int) -> bool:
    """A broker's session holds the broker id: a new broker with that id would refuse to start."""
    return BROKER_NODE in _four_letter_word(zookeeper_port, b"dump")


def kafka_answers(port: int) -> bool:
    """The broker knows itself and a controller: topics can be created and written."""
    if not _connects(port):
        return False
    milliseconds = _SECONDS * 1000
    try:
        admin = kafka.admin.KafkaAdminClient(
            bootstrap_servers=f"{HOST}:{port}",
            bootstrap_timeout_ms=milliseconds,
            request_timeout_ms=milliseconds,
        )
    except (kafka.errors.KafkaError, OSError):
        return False
    try:
        cluster = admin.describe_cluster()
        return bool(cluster["brokers"]) and int(cluster["controller_id"]) >= 0
    except (kafka.errors.KafkaError, OSError, KeyError, TypeError):
        return False
    finally:
        admin.close()


def s3_answers(state: State) -> bool:
    """The store lists its buckets for our credentials."""
    if not _connects(state.ports.s3):
        return False
    try:
        _s3_client(state).list_buckets()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
        return False
    return True


def create_bucket(state: State) -> None:
    """Create the lake's bucket unless it is there."""
    lake = split_s3_uri(DEFAULT_LAKE_URI)
    bucket = lake[0] if lake else ""
    client = _s3_client(state)
    if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=bucket)


def _s3_client(state: State) -> Any:
    """A client that fails fast and reads neither the caller's AWS profile nor a proxy setting."""
    session = botocore.session.Session(session_vars={"profile": (None, [], None, None)})
    return boto3.Session(state.access_key, state.secret_key, region_name=REGION, botocore_session=session).client(
        "s3",
        endpoint_url=f"http://{HOST}:{state.ports.s3}",
        config=botocore.config.Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"max_attempts": 0},
            proxies={},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        ),
    )


def _connects(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _four_letter_word(port: int, word: bytes) -> str:
    """ZooKeeper's answer to a four-letter word; empty when it does not answer."""
    try:
        with socket.create_connection((HOST, port), timeout=_SECONDS) as connection:
            connection.sendall(word)
            chunks = []
            while chunk := connection.recv(4096):
                chunks.append(chunk)
    except OSError:
        return ""
    return b"".join(chunks).decode("utf-8", errors="replace")
