"""Kafka and S3 clients and their settings, from one place, for Spark, kafka-python, boto3 and deltalake.

Nothing here imports pyspark: the generator and the tools use it too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import kafka
import kafka.admin
import kafka.errors

from pipelines.cli import ConfigurationError

# Whatever kafka-python calls a refusal of who we are.
_REFUSED = (
    kafka.errors.SaslAuthenticationFailedError,
    kafka.errors.AuthorizationError,
)
_JAAS = 'org.apache.kafka.common.security.{module} required username="{username}" password="{password}";'
_JAAS_CREDENTIAL = re.compile(r'(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach Kafka, as Java-named client properties: what Spark takes and what kafka-python is told.

    `properties` may hold secrets and is therefore kept out of the repr.
    """

    bootstrap_servers: str
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, bootstrap_servers: str, kafka_config: str | None = None) -> KafkaSettings:
        """From the environment (``KAFKA_SECURITY_PROTOCOL``, …), overridden by the `kafka_config` file."""
        properties = _properties_from_environment(os.environ)
        if kafka_config:
            properties.update(_read_properties(Path(kafka_config)))
        bootstrap_servers = properties.pop("bootstrap.servers", bootstrap_servers)
        return cls(bootstrap_servers, properties)

    def for_spark(self) -> dict[str, str]:
        """Options of Spark's Kafka source and sink. A PEM file is passed as text: executors have no such file."""
        properties = dict(self.properties)
        pem = properties.pop("ssl.truststore.location", None) if _is_pem(properties) else None
        if pem:
            properties["ssl.truststore.certificates"] = _read_text(Path(pem), "KAFKA_SSL_CA_LOCATION")
        options = {f"kafka.{name}": value for name, value in properties.items()}
        return {"kafka.bootstrap.servers": self.bootstrap_servers, **options}

    def for_python(self, **overrides: Any) -> dict[str, Any]:
        """Keyword arguments for kafka-python's clients."""
        arguments: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers.split(",")}
        properties = dict(self.properties)
        credentials = dict(_JAAS_CREDENTIAL.findall(properties.pop("sasl.jaas.config", "")))
        if credentials:
            arguments["sasl_plain_username"] = _unescape(credentials.get("username", ""))
            arguments["sasl_plain_password"] = _unescape(credentials.get("password", ""))
        if _is_pem(properties) and "ssl.truststore.location" in properties:
            arguments["ssl_cafile"] = properties["ssl.truststore.location"]
        for name in ("security.protocol", "sasl.mechanism", "client.id"):
            if name in properties:
                arguments[name.replace(".", "_")] = properties[name]
        return {**arguments, **overrides}

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
        return kafka.KafkaProducer(**self.for_python(**{**defaults, **overrides}))

    def admin(self, **overrides: Any) -> kafka.admin.KafkaAdminClient:
        """An admin client."""
        return kafka.admin.KafkaAdminClient(**self.for_python(**overrides))


def kafka_problem(error: Exception, settings: KafkaSettings) -> ConfigurationError:
    """One line for a person about a failed connection to Kafka."""
    where = f"KAFKA_BOOTSTRAP_SERVERS={settings.bootstrap_servers}"
    if isinstance(error, _REFUSED):
        return ConfigurationError(
            f"Kafka at {where} refused the credentials ({type(error).__name__}): "
            "check KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD."
        )
    return ConfigurationError(
        f"No Kafka broker answers at {where} ({type(error).__name__}): start one (`make up`) or correct the setting."
    )


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


def split_s3_uri(uri: str) -> tuple[str, str] | None:
    """(bucket, key prefix) of an s3a:// or s3:// URI, or None for any other place."""
    parts = urlsplit(uri)
    if parts.scheme not in {"s3", "s3a"}:
        return None
    return parts.netloc, parts.path.strip("/")


def _properties_from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    properties: dict[str, str] = {}
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL")
    if protocol:
        properties["security.protocol"] = protocol
    mechanism = environment.get("KAFKA_SASL_MECHANISM")
    if mechanism:
        properties["sasl.mechanism"] = mechanism
    username = environment.get("KAFKA_SASL_USERNAME")
    if username:
        module = "scram.ScramLoginModule" if (mechanism or "").startswith("SCRAM") else "plain.PlainLoginModule"
        password = environment.get("KAFKA_SASL_PASSWORD", "")
        properties["sasl.jaas.config"] = _JAAS.format(
            module=module, username=_escape(username), password=_escape(password)
        )
    ca_location = environment.get("KAFKA_SSL_CA_LOCATION")
    if ca_location:
        properties["ssl.truststore.type"] = "PEM"
        properties["ssl.truststore.location"] = ca_location
    return properties


def _read_properties(path: Path) -> dict[str, str]:
    properties = {}
    for number, line in enumerate(_read_text(path, "--kafka-config").splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#!":
            continue
        name, separator, value = stripped.partition("=")
        if not separator:
            raise ConfigurationError(f"--kafka-config {path}: line {number} is not name=value.")
        properties[name.strip()] = value.strip()
    return properties


def _read_text(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{setting}: {path} cannot be read ({type(error).__name__}).") from error


def _is_pem(properties: Mapping[str, str]) -> bool:
    return properties.get("ssl.truststore.type", "").upper() == "PEM"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
