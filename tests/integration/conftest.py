"""Secured servers, one start per session; see secured.py. They stand beside the plain ones of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from secured import SecuredKafka, SecuredStore, make_certificates

from infra.local.minio import find_minio


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of both servers' certificates, and the keystores' password."""
    folder = tmp_path_factory.mktemp("certificates")
    return folder, make_certificates(folder)


@pytest.fixture(scope="session")
def secured_kafka(certificates: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker with TLS, SCRAM and rights, its topics, and the users generator, enrich and analyst."""
    yield from _running(SecuredKafka(tmp_path_factory.mktemp("secured-kafka"), *certificates))


@pytest.fixture(scope="session")
def secured_store(certificates: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredStore]:
    """MinIO with TLS, the lake's bucket and a user limited to it."""
    if find_minio() is None:
        pytest.skip("MinIO is missing: run `make minio`")
    yield from _running(SecuredStore(tmp_path_factory.mktemp("secured-store"), certificates[0]))


def _running(servers):
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
