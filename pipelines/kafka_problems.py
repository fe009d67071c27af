"""What a failed connection to Kafka means, in one line for a person. Never with a password.

kafka-python repeats a handshake that fails until its time is up, and then only says that it is. So a failure that
explains nothing is looked into once more: does anybody listen, does he speak TLS, is his certificate trusted?
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import kafka.errors

from pipelines.cli import RunFailed

_SECONDS = 5
_SILENCE_SECONDS = 60.0


class Silence:
    """How long a broker has sent nothing of what it holds: kafka-python's consumers wait for ever."""

    def __init__(self) -> None:
        self.broken()

    def broken(self) -> None:
        """Something came."""
        self._since = time.monotonic()

    def check(self) -> None:
        """Raises RunFailed after a minute of silence."""
        if time.monotonic() - self._since > _SILENCE_SECONDS:
            raise RunFailed(f"Kafka sent nothing for {_SILENCE_SECONDS:.0f} s: is the broker healthy? Try again.")


def explain(error: Exception, bootstrap_servers: str, arguments: Mapping[str, Any]) -> str:
    """One line about `error`; `arguments` are those that kafka-python's client was given."""
    where = f"KAFKA_BOOTSTRAP_SERVERS={bootstrap_servers}"
    if isinstance(error, kafka.errors.SaslAuthenticationFailedError):
        return (
            f"Kafka at {where} refused the credentials of user {_user(arguments)} "
            f"({arguments.get('sasl_mechanism')}): check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD."
        )
    if isinstance(error, kafka.errors.UnsupportedSaslMechanismError):
        return f"Kafka at {where} does not take KAFKA_SASL_MECHANISM={arguments.get('sasl_mechanism')}: correct it."
    if isinstance(error, kafka.errors.AuthorizationError):
        return f"At {where} {lacks(arguments, [_resource(error)])}"
    return _seen(bootstrap_servers, arguments, where) or (
        f"No Kafka broker answers at {where} ({type(error).__name__}): start one (`make up`) or correct the setting."
    )


def lacks(arguments: Mapping[str, Any], rights: Iterable[str]) -> str:
    """“user x lacks READ on RAW_TOPIC=y: …”"""
    return (
        f"user {_user(arguments)} lacks {', '.join(rights)}: grant it "
        "(`python -m infra.access` knows who needs what), or check KAFKA_SASL_USERNAME."
    )


def _resource(error: kafka.errors.AuthorizationError) -> str:
    kind = type(error).__name__.removesuffix("AuthorizationFailedError").lower() or "resource"
    topics = error.args[0] if error.args and isinstance(error.args[0], (set, frozenset, list, tuple)) else ()
    names = ", ".join(sorted(map(str, topics)))
    return f"a right on {kind} {names}" if names else f"a right on the {kind}"


def _user(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("sasl_plain_username") or "ANONYMOUS")


def _seen(bootstrap_servers: str, arguments: Mapping[str, Any], where: str) -> str | None:
    """What the first server that can be reached tells by how it greets; None if it tells nothing."""
    protocol = str(arguments.get("security_protocol", "PLAINTEXT"))
    for host, port in _addresses(bootstrap_servers):
        try:
            greeting = _greeting(host, port, arguments.get("ssl_context"))
        except ssl.SSLCertVerificationError as error:
            return (
                f"Kafka at {where} shows a certificate that is not trusted ({error.verify_message}): "
                "check KAFKA_SSL_CA_LOCATION, and that the host's name is one of the certificate's."
            )
        except OSError:
            continue  # nobody there
        if greeting == "TLS" and not protocol.endswith("SSL"):
            return f"Kafka at {where} speaks TLS: set KAFKA_SECURITY_PROTOCOL=SASL_SSL (or SSL), not {protocol}."
        if greeting == "plain" and protocol.endswith("SSL"):
            return f"Kafka at {where} does not speak TLS, as KAFKA_SECURITY_PROTOCOL={protocol} asks for: correct one."
        if greeting == "TLS":
            return (
                f"Kafka at {where} speaks TLS but refuses to talk: check KAFKA_SECURITY_PROTOCOL={protocol} "
                f"and KAFKA_SASL_MECHANISM={arguments.get('sasl_mechanism') or '(not set)'}, and its log."
            )
        break
    return None


def _greeting(host: str, port: int, context: ssl.SSLContext | None) -> str:
    """TLS, plain or silent. Raises OSError where nobody listens, SSLCertVerificationError for an unknown authority."""
    if context is None:
        # Only to learn whether it is TLS: nothing is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = socket.create_connection((host, port), timeout=_SECONDS)
    try:
        context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError:
        raise
    except TimeoutError:
        return "silent"
    except OSError:
        return "plain"
    finally:
        connection.close()
    return "TLS"


def _addresses(bootstrap_servers: str) -> Iterator[tuple[str, int]]:
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if host and port.isdigit():
            yield host.strip("[]"), int(port)
