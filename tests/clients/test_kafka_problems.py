"""What a failed connection to Kafka is called: by what the broker answered, else by how the port greets."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kafka.errors
import pytest

from infra.authority import Identity, key_pem, new_authority, new_server, pem
from infra.local.ports import HOST, free_ports
from pipelines.kafka_problems import explain

NOW = datetime.datetime.now(datetime.timezone.utc)
TIMED_OUT = kafka.errors.KafkaTimeoutError("Unable to bootstrap")
PASSWORD = "not-to-be-shown"
USER = {"sasl_plain_username": "enrich", "sasl_plain_password": PASSWORD, "sasl_mechanism": "SCRAM-SHA-512"}


@pytest.fixture(scope="module")
def authority() -> Identity:
    return new_authority(NOW)


@contextmanager
def listening(context: ssl.SSLContext | None) -> Iterator[str]:
    """host:port of a server that shakes hands and hangs up; without a context it hangs up at the first bytes."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                connection.recv(1)
            except OSError:
                pass
            finally:
                connection.close()

    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"{HOST}:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def tls(authority: Identity, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("server")
    server = new_server(authority, "kafka", NOW)
    (folder / "both.pem").write_bytes(key_pem(server.key) + pem(server.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def trusting(authority: Identity) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem(authority.certificate).decode())


def test_plain_text_to_a_tls_port_names_the_protocol(tls):
    with listening(tls) as server:
        line = explain(TIMED_OUT, server, {"security_protocol": "SASL_PLAINTEXT"})
    assert "speaks TLS: set KAFKA_SECURITY_PROTOCOL=SASL_SSL" in line


def test_tls_to_a_plain_port_names_the_protocol(authority):
    with listening(None) as server:
        line = explain(TIMED_OUT, server, {"security_protocol": "SASL_SSL", "ssl_context": trusting(authority)})
    assert "does not speak TLS, as KAFKA_SECURITY_PROTOCOL=SASL_SSL" in line


def test_an_unknown_authority_names_the_setting(tls):
    context = trusting(new_authority(NOW))
    with listening(tls) as server:
        line = explain(TIMED_OUT, server, {"security_protocol": "SASL_SSL", "ssl_context": context})
    assert "certificate that is not trusted" in line
    assert "KAFKA_SSL_CA_LOCATION" in line


def test_a_broker_that_greets_and_then_is_silent_may_not_take_the_mechanism(tls, authority):
    arguments = {"security_protocol": "SASL_SSL", "ssl_context": trusting(authority), **USER}
    with listening(tls) as server:
        assert "KAFKA_SASL_MECHANISM=SCRAM-SHA-512" in explain(TIMED_OUT, server, arguments)


def test_the_first_server_that_can_be_reached_is_asked(tls):
    with listening(tls) as server:
        servers = f"{HOST}:{free_ports(1)[0]},{server}"
        assert "speaks TLS" in explain(TIMED_OUT, servers, {"security_protocol": "PLAINTEXT"})


def test_where_nobody_listens_no_broker_answers():
    nobody = f"{HOST}:{free_ports(1)[0]}"
    line = explain(TIMED_OUT, nobody, {"security_protocol": "PLAINTEXT"})
    assert line.startswith(f"No Kafka broker answers at KAFKA_BOOTSTRAP_SERVERS={nobody}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (kafka.errors.SaslAuthenticationFailedError("x"), "refused the credentials of user enrich"),
        (kafka.errors.UnsupportedSaslMechanismError("x"), "does not take KAFKA_SASL_MECHANISM=SCRAM-SHA-512"),
        (kafka.errors.TopicAuthorizationFailedError({"raw"}), "user enrich lacks a right on topic raw"),
        (kafka.errors.GroupAuthorizationFailedError("g"), "user enrich lacks a right on the group"),
        (kafka.errors.ClusterAuthorizationFailedError(), "user enrich lacks a right on the cluster"),
    ],
)
def test_what_the_broker_refused_is_said_with_the_user_and_without_the_password(error, said):
    line = explain(error, "broker:9092", USER)
    assert said in line
    assert "KAFKA_BOOTSTRAP_SERVERS=broker:9092" in line
    assert PASSWORD not in line
