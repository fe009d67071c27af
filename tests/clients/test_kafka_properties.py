"""Kafka's settings: from the environment and a file, for Spark as Java names them, for kafka-python as it does."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest

from infra.authority import key_pem, new_authority, new_server, pem
from pipelines.cli import ConfigurationError
from pipelines.clients import KafkaSettings

SERVERS = "broker:9092"
SECRET = 'se"cr\\et'
NOW = datetime.datetime.now(datetime.timezone.utc)
SCRAM = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_SASL_USERNAME": "enrich",
    "KAFKA_SASL_PASSWORD": SECRET,
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority's PEM file."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(pem(new_authority(NOW).certificate))
    return path


def from_environment(**environment: str) -> KafkaSettings:
    return KafkaSettings.load(SERVERS, environment=environment)


def from_file(folder: Path, text: str, **environment: str) -> KafkaSettings:
    path = folder / "client.properties"
    path.write_text(text, encoding="utf-8")
    return KafkaSettings.load(SERVERS, str(path), environment=environment)


def sasl(settings: KafkaSettings) -> tuple[str, str, str]:
    arguments = settings.for_python()
    return tuple(arguments[f"sasl_{name}"] for name in ("mechanism", "plain_username", "plain_password"))


def test_without_settings_clients_speak_plain_text():
    assert from_environment().for_python()["security_protocol"] == "PLAINTEXT"
    assert from_environment().for_spark() == {"kafka.bootstrap.servers": SERVERS}


def test_the_environment_logs_python_clients_in():
    assert sasl(from_environment(**SCRAM)) == ("SCRAM-SHA-512", "enrich", SECRET)


def test_the_environment_logs_spark_in():
    options = from_environment(**SCRAM).for_spark()
    assert options["kafka.security.protocol"] == "SASL_SSL"
    assert options["kafka.sasl.jaas.config"] == (
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="enrich" password="se\\"cr\\\\et";'
    )


def test_python_clients_trust_the_named_authority_only(authority):
    context = from_environment(**SCRAM, KAFKA_SSL_CA_LOCATION=str(authority)).for_python()["ssl_context"]
    assert len(context.get_ca_certs()) == 1
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_spark_gets_the_authority_as_text(authority):
    options = from_environment(**SCRAM, KAFKA_SSL_CA_LOCATION=str(authority)).for_spark()
    assert options["kafka.ssl.truststore.certificates"] == authority.read_text()
    assert options["kafka.ssl.truststore.type"] == "PEM"
    assert "kafka.ssl.truststore.location" not in options


def test_a_file_overrides_the_environment(tmp_path):
    text = "bootstrap.servers=other:9093\nsasl.mechanism=SCRAM-SHA-256\n"
    settings = from_file(tmp_path, text, **SCRAM)
    assert settings.bootstrap_servers == "other:9093"
    assert sasl(settings)[0] == "SCRAM-SHA-256"


@pytest.mark.parametrize(
    "jaas",
    [
        'org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="mine";',
        "org.apache.kafka.common.security.plain.PlainLoginModule required username='me' password='mine';",
        "org.apache.kafka.common.security.plain.PlainLoginModule required password=mine username=me;",
        'org.apache.kafka.common.security.plain.PlainLoginModule required \\\n  username="me" \\\n  password="mine";',
    ],
    ids=["double quotes", "single quotes", "bare", "over three lines"],
)
def test_a_login_module_is_read_as_java_reads_it(tmp_path, jaas):
    text = f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={jaas}\n"
    assert sasl(from_file(tmp_path, text)) == ("PLAIN", "me", "mine")


def test_a_file_is_read_as_java_reads_it(tmp_path):
    text = "# a comment\n! another\n\n  client.id : caf\\u00e9 \\\n    au lait\nlinger.ms=5"
    assert from_file(tmp_path, text).properties == {"client.id": "café au lait", "linger.ms": "5"}


def test_an_authority_may_be_text_in_the_file(tmp_path, authority):
    text = authority.read_text().strip().replace("\n", "\\n\\\n")
    settings = from_file(
        tmp_path, f"security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates={text}"
    )
    assert len(settings.for_python()["ssl_context"].get_ca_certs()) == 1


def test_an_empty_identification_algorithm_means_that_the_host_name_does_not_matter(tmp_path):
    text = "security.protocol=SSL\nssl.endpoint.identification.algorithm=\n"
    assert not from_file(tmp_path, text).for_python()["ssl_context"].check_hostname


def test_what_harms_nobody_is_passed_over(tmp_path):
    text = "security.protocol=SSL\ncompression.type=zstd\nssl.cipher.suites=TLS_AES_128_GCM_SHA256\nbatch.size=9"
    assert set(from_file(tmp_path, text).for_python()) == {
        "bootstrap_servers", "kafka_client", "security_protocol", "ssl_context",
    }  # fmt: skip


def test_a_client_certificate_in_a_pem_file_is_used(tmp_path):
    authority = new_authority(NOW)
    own = new_server(authority, "me", NOW)
    (tmp_path / "own.pem").write_bytes(key_pem(own.key) + pem(own.certificate))
    text = f"security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location={tmp_path}/own.pem\n"
    assert isinstance(from_file(tmp_path, text).for_python()["ssl_context"], ssl.SSLContext)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("security.protocol=SSL\nssl.truststore.location=/trust.jks", "ssl.truststore.type=JKS"),
        (
            "security.protocol=SSL\nssl.truststore.location=/t.p12\nssl.truststore.type=PKCS12",
            "ssl.truststore.type=PKCS12",
        ),
        ("ssl.truststore.location=/t.jks\nssl.truststore.password=x", "ssl.truststore.password"),
        ("security.protocol=SSL\nssl.keystore.location=/key.jks", "ssl.keystore.type=JKS"),
        (
            "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=/nope.pem",
            "ssl.keystore.location=/nope",
        ),
        ("ssl.keystore.key=x", "ssl.keystore.key"),
        ("ssl.engine.factory.class=x", "ssl.engine.factory.class"),
        ("sasl.client.callback.handler.class=x", "sasl.client.callback.handler.class"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI", "sasl.mechanism=GSSAPI"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER", "sasl.mechanism=OAUTHBEARER"),
        ("security.protocol=SASL_SSL", "KAFKA_SASL_MECHANISM"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=PLAIN", "KAFKA_SASL_PASSWORD"),
        ("security.protocol=TLS", "KAFKA_SECURITY_PROTOCOL"),
        ("just a line", "line 1"),
        ("a=1\nb=2\\", "line 2"),
    ],
)
def test_what_python_clients_cannot_do_is_one_line_that_names_it(tmp_path, text, named):
    with pytest.raises(ConfigurationError) as raised:
        from_file(tmp_path, text).for_python()
    assert named in raised.value.message
    assert "\n" not in raised.value.message


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_one_line(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=f"KAFKA_SSL_CA_LOCATION: {path}"):
        from_environment(KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_SSL_CA_LOCATION=str(path)).for_python()


def test_secrets_are_in_no_repr_and_no_error():
    assert SECRET not in repr(from_environment(**SCRAM))
    with pytest.raises(ConfigurationError) as raised:
        from_environment(**{**SCRAM, "KAFKA_SASL_USERNAME": ""}).for_python()
    assert SECRET not in raised.value.message
