"""Kafka and MinIO with TLS, users and rights, as plain processes on 127.0.0.1: what a secured installation runs."""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import kafka.errors
from kafka import TopicPartition

from infra.local.ports import HOST, free_ports
from infra.local.servers import KAFKA, S3, ZOOKEEPER, Server, server
from infra.local.state import Ports, State, new_state
from pipelines.clients import KafkaSettings
from pipelines.settings import Topics

ADMIN, GENERATOR, ENRICH, ANALYST = "admin", "generator", "enrich", "analyst"
START_SECONDS = 90.0
# Secrets are not in the file: Kafka takes them from its environment.
BROKER = """
listeners=BROKER://{host}:{broker_port},CLIENT://{host}:{port}
advertised.listeners=BROKER://{host}:{broker_port},CLIENT://{host}:{port}
listener.security.protocol.map=BROKER:SASL_SSL,CLIENT:SASL_SSL
inter.broker.listener.name=BROKER
sasl.mechanism.inter.broker.protocol=PLAIN
config.providers=env
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
config.providers.env.param.allowlist.pattern=KEYSTORE_PASSWORD|ADMIN_KAFKA_PASSWORD
listener.name.broker.sasl.enabled.mechanisms=PLAIN
listener.name.broker.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  username="admin" password="${{env:ADMIN_KAFKA_PASSWORD}}" user_admin="${{env:ADMIN_KAFKA_PASSWORD}}";
listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location={certificates}/kafka/keystore.p12
ssl.keystore.password=${{env:KEYSTORE_PASSWORD}}
ssl.truststore.type=PEM
ssl.truststore.location={certificates}/kafka/CAs/ca.pem
ssl.enabled.protocols=TLSv1.3,TLSv1.2
authorizer.class.name=kafka.security.authorizer.AclAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=false
"""


def program(*command: str, environment: Mapping[str, str], seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a module of this project with these settings, less the empty ones, and none of the tests' own."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "AWS_", "LAKE_"))}
    given = {k: v for k, v in environment.items() if v}
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(
        arguments, env={**outside, **given}, capture_output=True, text=True, timeout=seconds, check=False
    )


def done(result: subprocess.CompletedProcess[str]) -> str:
    """The output of a program that must have succeeded."""
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def make_certificates(folder: Path) -> str:
    """Certificates for both servers; returns the keystores' password."""
    password = secrets.token_hex(12)
    names = ["--name", "kafka", "--name", "minio"]
    done(program("infra.certificates", "--folder", str(folder), *names, environment={"KEYSTORE_PASSWORD": password}))
    return password


class SecuredKafka:
    """ZooKeeper and a broker that lets nobody in without a name, and nobody do what was not granted."""

    def __init__(self, home: Path, certificates: Path, keystore_password: str) -> None:
        zookeeper, self.port, self.broker_port = free_ports(3)
        self.trust = certificates / "trust" / "ca.pem"
        self.topics = Topics("raw", "enriched", "dead")
        self.passwords = {user: secrets.token_urlsafe(18) for user in (ADMIN, GENERATOR, ENRICH, ANALYST)}
        state = new_state(Ports(zookeeper=zookeeper, kafka=self.port), "minio")
        self._zookeeper = server(ZOOKEEPER, home, state)
        self._kafka = self._secured(server(KAFKA, home, state), certificates, keystore_password)

    def start(self) -> None:
        """Start both, create the topics and grant the rights."""
        for each in (self._zookeeper, self._kafka):
            each.start()
            wait_until_up(each)
        done(program("pipelines.topics", "--partitions", "3", environment=self.environment(ADMIN)))
        done(self.grant())

    def grant(self) -> subprocess.CompletedProcess[str]:
        """Run infra.access."""
        passwords = {f"{user.upper()}_KAFKA_PASSWORD": self.passwords[user] for user in (GENERATOR, ENRICH, ANALYST)}
        return program("infra.access", environment={**self.environment(ADMIN), **passwords})

    def stop(self) -> None:
        """Stop both."""
        for each in (self._kafka, self._zookeeper):
            each.process.stop()

    def environment(self, user: str, **changed: str) -> dict[str, str]:
        """The settings with which this project's programs act as `user`."""
        port, mechanism = (self.broker_port, "PLAIN") if user == ADMIN else (self.port, "SCRAM-SHA-512")
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{port}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": mechanism,
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": self.passwords.get(user, "no-such-user"),
            "KAFKA_SSL_CA_LOCATION": str(self.trust),
            "RAW_TOPIC": self.topics.raw,
            "ENRICHED_TOPIC": self.topics.enriched,
            "DEAD_LETTER_TOPIC": self.topics.dead_letter,
            **changed,
        }

    def settings(self, user: str) -> KafkaSettings:
        """The same for this process."""
        environment = self.environment(user)
        return KafkaSettings.load(environment["KAFKA_BOOTSTRAP_SERVERS"], environment=environment)

    def log(self) -> str:
        """What the broker logged."""
        return self._kafka.log.read_text(errors="replace")

    def _secured(self, plain: Server, certificates: Path, keystore_password: str) -> Server:
        config = next(path for path in plain.files if path.name == "server.properties")
        kept = [line for line in plain.files[config].splitlines() if "listeners=" not in line]
        own = BROKER.format(host=HOST, port=self.port, broker_port=self.broker_port, certificates=certificates)
        return dataclasses.replace(
            plain,
            files={**plain.files, config: "\n".join(kept) + own},
            environment={"KEYSTORE_PASSWORD": keystore_password, "ADMIN_KAFKA_PASSWORD": self.passwords[ADMIN]},
            is_healthy=self._answers,
        )

    def _answers(self) -> bool:
        if not speaks_tls(self.broker_port, self.trust):
            return False
        try:
            admin = self.settings(ADMIN).admin(bootstrap_timeout_ms=3_000, request_timeout_ms=3_000)
        except (kafka.errors.KafkaError, OSError):
            return False
        admin.close()
        return True


class SecuredStore:
    """MinIO with TLS."""

    def __init__(self, home: Path, certificates: Path) -> None:
        port = free_ports(1)[0]
        self.endpoint = f"https://{HOST}:{port}"
        self.trust = certificates / "trust"
        self.user, self.secret = "lake-user", secrets.token_urlsafe(18)
        self.state: State = new_state(Ports(s3=port), "minio")
        (home / "minio").mkdir(parents=True)
        (home / "minio" / "certs").symlink_to(certificates / "minio")  # where infra.local has MinIO look for them
        self._minio = dataclasses.replace(
            server(S3, home, self.state), is_healthy=lambda: speaks_tls(port, self.trust / "ca.pem")
        )

    def start(self) -> None:
        """Start it, create the bucket and the user."""
        self._minio.start()
        wait_until_up(self._minio)
        done(self.grant())

    def grant(self, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run infra.bucket."""
        user = {"LAKE_ACCESS_KEY_ID": self.user, "LAKE_SECRET_ACCESS_KEY": self.secret}
        return program("infra.bucket", environment={**self.root(), **user, **changed})

    def stop(self) -> None:
        """Stop it."""
        self._minio.process.stop()

    def root(self) -> dict[str, str]:
        """The settings of the store's administrator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.state.access_key,
            "AWS_SECRET_ACCESS_KEY": self.state.secret_key,
            "AWS_CA_BUNDLE": str(self.trust / "ca.pem"),
            "LAKE_URI": "s3a://lake",
        }

    def environment(self) -> dict[str, str]:
        """The settings of the lake's user; Java reads the authority from a truststore of its own."""
        trust = f"-Djavax.net.ssl.trustStore={self.trust / 'truststore.p12'} -Djavax.net.ssl.trustStoreType=PKCS12"
        own = {"AWS_ACCESS_KEY_ID": self.user, "AWS_SECRET_ACCESS_KEY": self.secret, "JAVA_TOOL_OPTIONS": trust}
        return {**self.root(), **own}


def send(settings: KafkaSettings, topic: str, value: bytes = b"x") -> None:
    """Write a record to the topic's first partition."""
    # Not idempotent: whoever may write no topic at all would be refused the producer's id before he names one.
    times = {"max_block_ms": 5_000, "delivery_timeout_ms": 10_000, "request_timeout_ms": 5_000}
    producer = settings.producer(enable_idempotence=False, **times)
    try:
        producer.send(topic, value=value, partition=0).get(15)
    finally:
        producer.close(timeout=5)


def read(settings: KafkaSettings, topic: str, group: str | None = None) -> list[bytes]:
    """The values of a topic's first partition, or of the whole topic as a member of `group`."""
    options = {"auto_offset_reset": "earliest", "consumer_timeout_ms": 8_000, "request_timeout_ms": 5_000}
    consumer = settings.consumer(**options, **({"group_id": group} if group else {}))
    try:
        if group:
            consumer.subscribe([topic])
        else:
            consumer.assign([TopicPartition(topic, 0)])
        return [record.value for record in consumer]
    finally:
        consumer.close()


def speaks_tls(port: int, authority: Path) -> bool:
    """Whether a server with a certificate of `authority` listens."""
    context = ssl.create_default_context(cafile=authority)
    try:
        with socket.create_connection((HOST, port), timeout=3) as plain:
            context.wrap_socket(plain, server_hostname=HOST).close()
    except OSError:
        return False
    return True


def wait_until_up(each: Server) -> None:
    """Wait until a server that was started answers."""
    deadline = time.monotonic() + START_SECONDS
    while not each.is_healthy():
        log = each.log if each.log.exists() else each.process.console
        tail = log.read_text(errors="replace")[-3000:]
        assert each.process.pid() is not None, f"{each.name} stopped: {tail}"
        assert time.monotonic() < deadline, f"{each.name} does not answer: {tail}"
        time.sleep(0.3)
