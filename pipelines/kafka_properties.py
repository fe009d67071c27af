"""Kafka client properties under their Java names: where they come from, and what kafka-python makes of them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.cli import ConfigurationError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_JAAS = 'org.apache.kafka.common.security.{module} required username="{username}" password="{password}";'
_JAAS_CREDENTIAL = re.compile(
    r"""\b(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))"""
)
_PROPERTY = re.compile(r"((?:\\.|[^\\=:\s])+)\s*[=:]\s*(.*)\Z", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
# Whoever sets these wants something that kafka-python cannot do, so it must not go on as if they were not there.
_ONLY_JAVA = re.compile(
    r"ssl\.(truststore|keystore|engine)\..*|security\.providers|sasl\.client\.callback\.handler\.class"
    r"|sasl\.login\.(class|callback\.handler\.class)|sasl\.(oauthbearer|kerberos)\..*"
)
_UNDERSTOOD = {
    "ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.certificates",
    "ssl.keystore.type", "ssl.keystore.location",
}  # fmt: skip


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Properties of ``KAFKA_SECURITY_PROTOCOL`` and its companions."""
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


def from_file(path: Path) -> dict[str, str]:
    """Properties of a file as Java reads it: comments, escapes, lines that end in a backslash; but in UTF-8.

    Raises ConfigurationError, which names the line but never shows it.
    """
    properties = {}
    pending, first = "", 0
    for number, line in enumerate(read_text(path, "--kafka-config").splitlines(), start=1):
        text = line.lstrip()
        if not pending and (not text or text[0] in "#!"):
            continue
        first = first if pending else number
        pending += text
        if (len(pending) - len(pending.rstrip("\\"))) % 2:
            pending = pending[:-1]
            continue
        found = _PROPERTY.match(pending.rstrip())
        if found is None:
            raise ConfigurationError(f"--kafka-config {path}: line {first} is not name=value.")
        properties[_java_unescape(found.group(1))] = _java_unescape(found.group(2))
        pending = ""
    if pending:
        raise ConfigurationError(f"--kafka-config {path}: line {first} goes on after the end of the file.")
    return properties


def to_python(properties: Mapping[str, str]) -> dict[str, Any]:
    """Keyword arguments for kafka-python that mean the same.

    Raises ConfigurationError for a property that decides who is talked to, or how, and that only Java understands.
    Others (compression, batch sizes, cipher suites) are passed over: a different value there harms nobody.
    """
    for name in properties:
        if _ONLY_JAVA.fullmatch(name) and name not in _UNDERSTOOD and not _is_password_of_pem(name, properties):
            raise _only_java(name, "take it out of the file, or use PEM files and PLAIN or SCRAM")
    arguments: dict[str, Any] = {}
    if "client.id" in properties:
        arguments["client_id"] = properties["client.id"]
    protocol = properties.get("security.protocol", "PLAINTEXT").upper()
    if protocol not in PROTOCOLS:
        raise ConfigurationError(
            f"KAFKA_SECURITY_PROTOCOL (security.protocol) is {protocol}: choose one of {', '.join(PROTOCOLS)}."
        )
    arguments["security_protocol"] = protocol
    if protocol.startswith("SASL"):
        arguments.update(_sasl(properties))
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = _ssl_context(properties)
    return arguments


def read_text(path: Path, setting: str) -> str:
    """A file that a setting names. Raises ConfigurationError with that setting."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{setting}: {path} cannot be read ({type(error).__name__}).") from error


def is_pem(properties: Mapping[str, str], store: str = "truststore") -> bool:
    """Whether the truststore (or keystore) is of type PEM; Java's default is JKS."""
    return properties.get(f"ssl.{store}.type", "").upper() == "PEM"


def _sasl(properties: Mapping[str, str]) -> dict[str, str]:
    mechanism = properties.get("sasl.mechanism")
    if not mechanism:
        raise ConfigurationError(
            f"KAFKA_SASL_MECHANISM (sasl.mechanism) is not set: choose one of {', '.join(MECHANISMS)}."
        )
    if mechanism not in MECHANISMS:
        raise _only_java(f"sasl.mechanism={mechanism}", f"use one of {', '.join(MECHANISMS)}")
    given = _JAAS_CREDENTIAL.findall(properties.get("sasl.jaas.config", ""))
    credentials = {name: _unescape(double or single or bare) for name, double, single, bare in given}
    if not credentials.get("username") or not credentials.get("password"):
        raise ConfigurationError(
            "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (sasl.jaas.config) must both be set for "
            f"KAFKA_SASL_MECHANISM={mechanism}."
        )
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": credentials["username"],
        "sasl_plain_password": credentials["password"],
    }


def _ssl_context(properties: Mapping[str, str]) -> ssl.SSLContext:
    """As kafka-python makes it, but a file that is wrong is told at once instead of after the time-out."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # An empty value is Java's way to say that the host's name does not matter.
    context.check_hostname = properties.get("ssl.endpoint.identification.algorithm", "https") != ""
    location = properties.get("ssl.truststore.location")
    authorities = properties.get("ssl.truststore.certificates")
    if (location or authorities) and not is_pem(properties):
        kind = properties.get("ssl.truststore.type", "JKS")
        raise _only_java(f"ssl.truststore.type={kind}", "name a PEM file in KAFKA_SSL_CA_LOCATION")
    if location:
        authorities = read_text(Path(location), "KAFKA_SSL_CA_LOCATION")
    try:
        if authorities:
            context.load_verify_locations(cadata=authorities)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"KAFKA_SSL_CA_LOCATION: {location or 'ssl.truststore.certificates'} holds no certificate in PEM format."
        ) from error
    if "ssl.keystore.location" in properties:
        _load_own_certificate(context, properties)
    return context


def _load_own_certificate(context: ssl.SSLContext, properties: Mapping[str, str]) -> None:
    location = properties["ssl.keystore.location"]
    if not is_pem(properties, "keystore"):
        kind = properties.get("ssl.keystore.type", "JKS")
        raise _only_java(f"ssl.keystore.type={kind}", "use a PEM file with the key and its certificates")
    try:
        context.load_cert_chain(location, password=properties.get("ssl.key.password", ""))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"ssl.keystore.location={location} cannot be used ({type(error).__name__}): it must be a PEM file with "
            "key and certificates; check ssl.key.password."
        ) from error


def _is_password_of_pem(name: str, properties: Mapping[str, str]) -> bool:
    """Java ignores a store's password where the store is PEM."""
    store = name.removeprefix("ssl.").removesuffix(".password")
    return name.endswith(".password") and is_pem(properties, store)


def _only_java(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"--kafka-config: only Java clients understand {what}: {remedy}.")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _java_unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPED.get(m[2], m[2]), text)
