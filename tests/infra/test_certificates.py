"""Certificates: what is made, who may read it, when it is made anew; and that Java, OpenSSL and Python take it."""

from __future__ import annotations

import datetime
import os
import ssl
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from infra.authority import AUTHORITY_DAYS, SERVER_DAYS
from infra.certificates import RENEW_DAYS, Certificates, main
from infra.java import find_java

NOW = datetime.datetime.now(datetime.timezone.utc)
PASSWORD = "a-store-password"
NAMES = ("kafka", "minio")


def made(folder: Path, **changed: object) -> list[str]:
    return Certificates(**{"folder": folder, "password": PASSWORD, "now": NOW, **changed}).ensure(NAMES)


def after(days: int) -> datetime.datetime:
    return NOW + datetime.timedelta(days=days)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made(tmp_path / "certificates")
    return tmp_path / "certificates"


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Path → mode and content of all files."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.read_bytes()) for path in files}


def certificate(folder: Path, name: str = "kafka") -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / name / "public.crt").read_bytes())


def keytool(*arguments: str) -> str:
    program = Path(find_java()).resolve().with_name("keytool")
    environment = {**os.environ, "KEYSTORE_PASSWORD": PASSWORD}
    command = [program, "-list", *arguments]
    listed = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr
    return listed.stdout


def test_a_second_run_changes_nothing(folder):
    before = contents(folder)
    assert [line.split(",")[0] for line in made(folder)] == ["ca: kept", "kafka: kept", "minio: kept"]
    assert contents(folder) == before


def test_a_server_gets_all_that_it_needs_and_no_more(folder):
    assert sorted(path for path in contents(folder) if path.startswith("kafka/")) == [
        "kafka/CAs/ca.pem",
        "kafka/keystore.p12",
        "kafka/private.key",
        "kafka/public.crt",
    ]


def test_private_keys_are_where_only_their_owner_reads_them(folder):
    with_key = {path: mode for path, (mode, content) in contents(folder).items() if b"PRIVATE KEY" in content}
    assert with_key == {"ca/ca.key": 0o600, "kafka/private.key": 0o600, "minio/private.key": 0o600}
    assert (folder / "kafka" / "keystore.p12").stat().st_mode & 0o777 == 0o600
    assert [(folder / name).stat().st_mode & 0o777 for name in ("ca", "kafka", "trust")] == [0o700, 0o700, 0o755]


def test_the_key_mode_lets_a_group_read_servers_keys_but_never_the_authoritys(folder):
    made(folder, key_mode=0o640)
    files = contents(folder)
    assert (files["kafka/private.key"][0], files["kafka/keystore.p12"][0]) == (0o640, 0o640)
    assert (folder / "kafka").stat().st_mode & 0o777 == 0o750
    assert files["ca/ca.key"][0] == 0o600


def test_a_certificate_is_for_the_name_and_the_loopback(folder):
    names = certificate(folder).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["kafka", "localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_a_certificate_that_expires_soon_is_renewed_by_the_same_authority(folder):
    before = contents(folder)
    lines = made(folder, now=after(SERVER_DAYS - RENEW_DAYS + 1))
    assert [line.split(" ")[1] for line in lines] == ["kept,", "renewed", "renewed"]
    assert contents(folder)["trust/ca.pem"] == before["trust/ca.pem"]
    assert certificate(folder).not_valid_after_utc > after(SERVER_DAYS)


def test_an_authority_that_expires_soon_is_renewed_with_all_its_certificates(folder):
    late = AUTHORITY_DAYS - RENEW_DAYS + 1
    lines = made(folder, now=after(late))
    assert all(" renewed " in line for line in lines)
    assert certificate(folder).not_valid_after_utc > after(late)


def test_a_certificate_ends_no_later_than_its_authority(folder):
    made(folder, now=after(AUTHORITY_DAYS - 100))
    ends = x509.load_pem_x509_certificate((folder / "trust" / "ca.pem").read_bytes()).not_valid_after_utc
    assert certificate(folder).not_valid_after_utc <= ends


@pytest.mark.parametrize("damage", ["", "not PEM", "another's key"])
def test_a_damaged_key_is_replaced_with_its_certificate(folder, damage):
    text = (folder / "minio" / "private.key").read_text() if damage == "another's key" else damage
    (folder / "kafka" / "private.key").write_text(text)
    assert not made(folder)[1].startswith("kafka: kept")
    assert made(folder)[1].startswith("kafka: kept, valid")


def test_certificates_of_a_lost_authority_are_renewed(folder):
    (folder / "ca" / "ca.key").unlink()
    lines = made(folder)
    assert lines[0].startswith("ca: made")
    assert lines[1].startswith("kafka: renewed (the authority is new)")


def test_another_password_makes_the_keystore_anew_and_keeps_the_certificate(folder):
    before = certificate(folder)
    line = made(folder, password="another-password")[1]
    assert line.startswith("kafka: kept, keystore made")
    assert certificate(folder) == before


def test_java_opens_the_truststore_without_a_password(folder):
    assert "trustedCertEntry" in keytool("-keystore", str(folder / "trust" / "truststore.p12"))


def test_java_opens_the_keystore_with_the_password(folder):
    store = str(folder / "kafka" / "keystore.p12")
    assert "PrivateKeyEntry" in keytool("-keystore", store, "-storepass:env", "KEYSTORE_PASSWORD")


@pytest.mark.parametrize("name", ["kafka", "localhost", "127.0.0.1"])
def test_a_strict_client_that_trusts_the_authority_accepts_the_server(folder, name):
    shake_hands(folder, ssl.create_default_context(cafile=folder / "trust" / "ca.pem"), name)


def test_a_client_of_another_authority_refuses_the_server(folder, tmp_path):
    made(tmp_path / "other")
    stranger = ssl.create_default_context(cafile=tmp_path / "other" / "trust" / "ca.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(folder, stranger, "kafka")


def shake_hands(folder: Path, client: ssl.SSLContext, name: str) -> None:
    """TLS in memory between `client` and a server with Kafka's certificate."""
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "kafka" / "public.crt", folder / "kafka" / "private.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize(
    ("password", "arguments", "named"),
    [
        ("", ["--name", "kafka"], "KEYSTORE_PASSWORD"),
        ("short", ["--name", "kafka"], "KEYSTORE_PASSWORD"),
        (PASSWORD, ["--name", "ca"], "'ca'"),
        (PASSWORD, ["--name", "../kafka"], "'../kafka'"),
        (PASSWORD, [], "--name"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_made(tmp_path, password, arguments, named):
    folder = tmp_path / "certificates"
    command = ["--folder", str(folder), *arguments]
    result = CliRunner().invoke(main, command, env={"KEYSTORE_PASSWORD": password})
    assert result.exit_code == 2
    assert named in result.output
    assert PASSWORD not in result.output
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "kafka").write_text("in the way")
    result = CliRunner().invoke(
        main, ["--folder", str(tmp_path), "--name", "kafka"], env={"KEYSTORE_PASSWORD": PASSWORD}
    )
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert str(tmp_path / "kafka") in line
