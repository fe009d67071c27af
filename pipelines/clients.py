"""Kafka and S3 clients and their settings, from one place, for Spark, kafka-python, boto3 and deltalake.

Nothing here imports pyspark: the generator and the tools use it too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import kafka
import kafka.admin

from pipelines import kafka_problems, kafka_properties
from pipelines.cli import ConfigurationError
from pipelines.kafka_connections import asking_for_a_new_id, expiring_without_an_id, impatient_client


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach Kafka, as Java-named client properties: what Spark takes and what kafka-python is told.

    `properties` may hold secrets and is therefore kept out of the repr.
    """

    bootstrap_servers: str
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls, bootstrap_servers: str, kafka_config: str | None = None, environment: Mapping[str, str] = os.environ
    ) -> KafkaSettings:
        """From the environment (``KAFKA_SECURITY_PROTOCOL``, …), overridden by the `kafka_config` file."""
        properties = kafka_properties.from_environment(environment)
        if kafka_config:
            properties.update(kafka_properties.from_file(Path(kafka_config)))
        bootstrap_servers = properties.pop("bootstrap.servers", bootstrap_servers)
        return cls(bootstrap_servers, properties)

    def for_spark(self) -> dict[str, str]:
        """Options of Spark's Kafka source and sink. A PEM file is passed as text: executors have no such file."""
        properties = dict(self.properties)
        pem = properties.pop("ssl.truststore.location", None) if kafka_properties.is_pem(properties) else None
        if pem:
            authorities = kafka_properties.read_text(Path(pem), "KAFKA_SSL_CA_LOCATION")
            properties["ssl.truststore.certificates"] = authorities
        options = {f"kafka.{name}": value for name, value in properties.items()}
        return {"kafka.bootstrap.servers": self.bootstrap_servers, **options}

    def for_python(self, **overrides: Any) -> dict[str, Any]:
        """Keyword arguments for kafka-python's clients.

        Raises ConfigurationError for settings that are wrong, or that only Java understands.
        """
        arguments = kafka_properties.to_python(self.properties)
        servers = self.bootstrap_servers.split(",")
        return {"bootstrap_servers": servers, "kafka_client": impatient_client, **arguments, **overrides}

    def consumer(self, *topics: str, **overrides: Any) -> kafka.KafkaConsumer:
        """A consumer that commits nothing unless told to."""
        overrides.setdefault("enable_auto_commit", False)
        return kafka.KafkaConsumer(*topics, **self.for_python(**overrides))

    def producer(self, **overrides: Any) -> kafka.KafkaProducer:
        """An idempotent producer with acks=all (kafka-python's defaults) that batches and compresses."""
        defaults = {
            "linger_ms": 20,
            "batch_size": 256 * 1024,
            "compression_type": "lz4",
            "allow_auto_create_topics": False,
        }
        producer = kafka.KafkaProducer(**self.for_python(**{**defaults, **overrides}))
        return expiring_without_an_id(asking_for_a_new_id(producer))

    def admin(self, **overrides: Any) -> kafka.admin.KafkaAdminClient:
        """An admin client."""
        return kafka.admin.KafkaAdminClient(**self.for_python(**overrides))


def kafka_problem(error: Exception, settings: KafkaSettings) -> ConfigurationError:
    """One line for a person about a failed connection to Kafka; may look at the server for some seconds."""
    return ConfigurationError(kafka_problems.explain(error, settings.bootstrap_servers, settings.for_python()))


@dataclass(frozen=True)
class S3Settings:
    """How to reach S3. Keys are not settings: each client reads them from the standard AWS environment."""

    endpoint: str | None = None
    region: str = "us-east-1"

    def for_spark(self) -> dict[str, str]:
        """Hadoop settings of the s3a connector, as Spark configuration."""
        options = {"fs.s3a.endpoint.region": self.region}
        if self.endpoint:
            options["fs.s3a.endpoint"] = self.endpoint
            options["fs.s3a.path.style.access"] = "true"
            options["fs.s3a.connection.ssl.enabled"] = str(self.endpoint.startswith("https")).lower()
        return {f"spark.hadoop.{name}": value for name, value in options.items()}

    def for_deltalake(self) -> dict[str, str]:
        """Storage options of the deltalake package (delta-rs)."""
        options = {"AWS_REGION": self.region}
        if self.endpoint:
            options["AWS_ENDPOINT_URL"] = self.endpoint
            options["AWS_ALLOW_HTTP"] = str(self.endpoint.startswith("http://")).lower()
        return options

    @staticmethod
    @contextmanager
    def trust_of_deltalake() -> Iterator[None]:
        """Tables that are opened in here trust AWS_CA_BUNDLE, as boto3 does, and go on to do so.

        delta-rs has no option for it: when it makes a client it reads SSL_CERT_FILE (on macOS the keychain only).
        That is everybody's variable in this process, so it is set for that moment only.
        """
        bundle, before = os.environ.get("AWS_CA_BUNDLE"), os.environ.get("SSL_CERT_FILE")
        if bundle:
            os.environ["SSL_CERT_FILE"] = bundle
        try:
            yield
        finally:
            if bundle and before is None:
                os.environ.pop("SSL_CERT_FILE", None)
            elif bundle and before is not None:
                os.environ["SSL_CERT_FILE"] = before

    def client(self) -> Any:
        """A boto3 S3 client with bounded time-outs.

        Checksums only "when required": boto3 ≥ 1.36 otherwise sends trailers that some S3 servers reject.
        """
        # A session of its own: the default one keeps the first keys it sees for the whole process.
        return boto3.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            config=botocore.config.Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"max_attempts": 3, "mode": "standard"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"} if self.endpoint else None,
            ),
        )


def aws_client(service: str, region: str) -> Any:
    """A boto3 client of another AWS service, with bounded time-outs."""
    config = botocore.config.Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
    return boto3.Session().client(service, region_name=region, config=config)


def split_s3_uri(uri: str) -> tuple[str, str] | None:
    """(bucket, key prefix) of an s3a:// or s3:// URI, or None for any other place."""
    parts = urlsplit(uri)
    if parts.scheme not in {"s3", "s3a"}:
        return None
    return parts.netloc, parts.path.strip("/")
