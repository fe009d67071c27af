"""A private certificate authority: its own certificate, and those of servers that it signs. No files here.

Keys are elliptic (P-256), which OpenSSL, Java, Go and rustls all take. The extensions are those that RFC 5280 asks
for; Python 3.13 and newer refuse a chain that lacks them.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
# Apple's verifier refuses server certificates that are valid for more than 825 days, browsers more than 398.
SERVER_DAYS = 397
LOOPBACK_NAME, LOOPBACK_ADDRESS = "localhost", ipaddress.IPv4Address("127.0.0.1")
_NO_USAGE = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def key_fits(self) -> bool:
        """The key is the certificate's."""
        return self.key.public_key() == self.certificate.public_key()

    def days_left(self, now: datetime.datetime) -> int:
        """Whole days until the certificate expires; negative afterwards."""
        return (self.certificate.not_valid_after_utc - now).days


def new_authority(now: datetime.datetime) -> Identity:
    """A certificate that signs itself and may sign servers, but no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    # The date keeps an old and a new authority apart for a reader; clients go by the key.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ecommerce-streaming CA {now:%Y-%m-%d}")])
    builder = _builder(name, name, key, now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(**{**_NO_USAGE, "key_cert_sign": True, "crl_sign": True})
    builder = builder.add_extension(usage, critical=True)
    return Identity(builder.sign(key, hashes.SHA256()), key)


def new_server(authority: Identity, name: str, now: datetime.datetime) -> Identity:
    """A server's certificate for `name`, localhost and 127.0.0.1; it ends no later than its authority's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    days = max(0, min(SERVER_DAYS, authority.days_left(now)))
    builder = _builder(subject, authority.certificate.subject, key, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(**{**_NO_USAGE, "digital_signature": True}), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(alternative_names(name), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    return Identity(builder.sign(authority.key, hashes.SHA256()), key)


def alternative_names(name: str) -> x509.SubjectAlternativeName:
    """The names under which a server's clients may call it."""
    dns_names = dict.fromkeys((name, LOOPBACK_NAME))
    return x509.SubjectAlternativeName([*map(x509.DNSName, dns_names), x509.IPAddress(LOOPBACK_ADDRESS)])


def is_signed_by(server: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether `authority` signed `server`."""
    try:
        server.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as PEM, one after the other."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PKCS8 PEM, not encrypted: servers start without a person."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def parse(certificate: bytes, key: bytes) -> Identity:
    """From PEM; the first certificate counts. Raises ValueError for anything else than a P-256 identity."""
    private = serialization.load_pem_private_key(key, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("not an elliptic key")
    return Identity(x509.load_pem_x509_certificate(certificate), private)


def keystore(identity: Identity, name: str, authority: x509.Certificate, password: bytes) -> bytes:
    """A PKCS12 keystore with the key and the chain."""
    encryption = serialization.BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(
        name.encode(), identity.key, identity.certificate, [authority], encryption
    )


def truststore(authority: x509.Certificate) -> bytes:
    """A PKCS12 truststore that Java reads without a password.

    It holds nothing secret, and a password on the JVM's command line would be printed (JAVA_TOOL_OPTIONS is).
    """
    entry = pkcs12.PKCS12Certificate(authority, b"ca")
    return pkcs12.serialize_java_truststore([entry], serialization.NoEncryption())


def holds(store: bytes, authority: x509.Certificate) -> bool:
    """Whether a truststore holds that authority and no other. (Its bytes differ each time it is made.)"""
    try:
        return [each.certificate for each in pkcs12.load_pkcs12(store, None).additional_certs] == [authority]
    except ValueError:
        return False


def opens(store: bytes, password: bytes, identity: Identity) -> bool:
    """Whether a PKCS12 keystore opens with the password and holds that very identity."""
    try:
        held_key, held, _ = pkcs12.load_key_and_certificates(store, password)
    except ValueError:
        return False
    return held == identity.certificate and held_key is not None and held_key.public_key() == held.public_key()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # An hour back: the clocks of two machines differ.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
