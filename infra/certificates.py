"""Make TLS certificates for servers: ``python -m infra.certificates --folder DIR --name kafka --name minio``.

Reads:  KEYSTORE_PASSWORD (for the PKCS12 keystores), what an earlier run left.
Writes: ``ca/``     ca.pem, ca.key          the authority; no server and no client needs this folder
        ``trust/``  ca.pem, truststore.p12  for clients: the same authority as PEM and for Java (no password)
        ``<name>/`` public.crt, private.key, keystore.p12, CAs/ca.pem   all that one server needs, and no more
Guarantees: safe to repeat. What is valid stays; what expires within 30 days, is missing or damaged is made anew. A
file is there as a whole or not at all.
"""

from __future__ import annotations

import datetime
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import click
from cryptography import x509

from infra import authority as ca
from infra.authority import Identity
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, debug_option, run

RENEW_DAYS = 30
SHORTEST_PASSWORD = 6  # of Java's keytool
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
_RESERVED = {"ca", "trust"}
_PUBLIC, _SECRET = 0o644, 0o600


@dataclass(frozen=True)
class Certificates:
    """The certificates of one folder. `key_mode` is that of servers' keys and keystores, e.g. 0o600."""

    folder: Path
    password: str = field(repr=False)
    key_mode: int = _SECRET
    now: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.timezone.utc))

    def ensure(self, names: tuple[str, ...]) -> list[str]:
        """Make what is missing and renew what expires; returns what was done, a line per certificate.

        Raises ConfigurationError where the folder cannot be written.
        """
        try:
            _folder(self.folder, 0o755)
            authority, line = self._authority()
            self._trust(authority.certificate)
            return [line, *(self._server(authority, name) for name in names)]
        except OSError as error:
            raise ConfigurationError(
                f"--folder {self.folder}: {error.filename or 'it'} cannot be read or written "
                f"({error.strerror or type(error).__name__}): give permission, or choose another folder."
            ) from error

    def _authority(self) -> tuple[Identity, str]:
        folder = self.folder / "ca"
        _folder(folder, 0o700)
        present = _read(folder / "ca.pem", folder / "ca.key")
        why = self._unfit(present)
        if present and not why:
            (folder / "ca.key").chmod(_SECRET)
            return present, _line("ca", "kept", present)
        made = ca.new_authority(self.now)
        _write(folder / "ca.key", ca.key_pem(made.key), _SECRET)
        _write(folder / "ca.pem", ca.pem(made.certificate), _PUBLIC)
        return made, _line("ca", why, made)

    def _trust(self, authority: x509.Certificate) -> None:
        folder = self.folder / "trust"
        _folder(folder, 0o755)
        _write(folder / "ca.pem", ca.pem(authority), _PUBLIC)
        store = folder / "truststore.p12"
        if not (store.is_file() and ca.holds(store.read_bytes(), authority)):
            _write(store, ca.truststore(authority), _PUBLIC)

    def _server(self, authority: Identity, name: str) -> str:
        folder = self.folder / name
        # Who may read the key may enter the folder.
        _folder(folder, 0o700 | (self.key_mode & 0o044) | (self.key_mode & 0o044) >> 2)
        _folder(folder / "CAs", folder.stat().st_mode & 0o777)  # MinIO makes it, and could not on a read-only mount
        _write(folder / "CAs" / "ca.pem", ca.pem(authority.certificate), _PUBLIC)
        identity = _read(folder / "public.crt", folder / "private.key")
        why = self._unfit(identity) or self._foreign(identity, authority, name)
        if identity is None or why:
            identity = ca.new_server(authority, name, self.now)
            _write(folder / "private.key", ca.key_pem(identity.key), self.key_mode)
            _write(folder / "public.crt", ca.pem(identity.certificate, authority.certificate), _PUBLIC)
        store, password = folder / "keystore.p12", self.password.encode()
        if not (store.is_file() and ca.opens(store.read_bytes(), password, identity)):
            _write(store, ca.keystore(identity, name, authority.certificate, password), self.key_mode)
            why = why or "kept, keystore made with this KEYSTORE_PASSWORD"
        for path in (folder / "private.key", store):
            path.chmod(self.key_mode)
        return _line(name, why or "kept", identity)

    def _unfit(self, identity: Identity | None) -> str:
        """Why a certificate must be made, or nothing."""
        if identity is None:
            return "made"
        if not identity.key_fits:
            return "renewed (its key was another's)"
        if identity.days_left(self.now) < RENEW_DAYS:
            return f"renewed (the old one ends {identity.certificate.not_valid_after_utc:%Y-%m-%d})"
        return ""

    def _foreign(self, identity: Identity | None, authority: Identity, name: str) -> str:
        """Why a valid certificate is not the one that is wanted, or nothing."""
        if identity is None or not ca.is_signed_by(identity.certificate, authority.certificate):
            return "renewed (the authority is new)"
        try:
            names = identity.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = None
        return "" if names == ca.alternative_names(name) else "renewed (it was for other names)"


def _line(name: str, what: str, identity: Identity) -> str:
    return f"{name}: {what}, valid until {identity.certificate.not_valid_after_utc:%Y-%m-%d}"


def _read(certificate: Path, key: Path) -> Identity | None:
    """The identity in two files; None where they are missing or damaged."""
    try:
        return ca.parse(certificate.read_bytes(), key.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _folder(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o777 != mode:
        folder.chmod(mode)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file as a whole, unless it holds that already."""
    if path.is_file() and path.read_bytes() == content:
        return
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # readable by its owner only
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        Path(fresh).chmod(mode)
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def _names(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _NAME.match(name) or name in _RESERVED:
            raise click.BadParameter(f"{name!r} is no host name in lower case (and neither `ca` nor `trust`).")
    return tuple(dict.fromkeys(names))


@click.command(context_settings=CONTEXT_SETTINGS)
@click.option(
    "--folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the certificates are kept; give each server its own sub-folder and clients `trust`.",
)
@click.option("--name", "names", multiple=True, required=True, callback=_names, help="A server's host name; repeat.")
@click.option(
    "--key-mode",
    type=click.Choice(["600", "640", "644"]),
    default="600",
    help="Who may read a server's key: its owner; the group too; everyone (a container under another user id).",
)
@debug_option
def main(folder: Path, names: tuple[str, ...], key_mode: str, debug: bool) -> None:
    """Make a private authority and a server certificate per name (also for localhost and 127.0.0.1).

    Safe to repeat: what is valid for 30 days more stays. The keystores' password is KEYSTORE_PASSWORD, from the
    environment. Restart a server after its certificate was renewed; if the authority was, restart clients, too.
    """
    password = os.environ.get("KEYSTORE_PASSWORD", "")
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigurationError(f"KEYSTORE_PASSWORD: set it, to {SHORTEST_PASSWORD} characters or more.")
    for line in Certificates(folder, password, int(key_mode, 8)).ensure(names):
        click.echo(line)


if __name__ == "__main__":
    sys.exit(run(main))
