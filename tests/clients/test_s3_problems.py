"""What a failed request to S3 is called, and whom S3's clients trust."""

from __future__ import annotations

import os

import pytest
from botocore import exceptions

from pipelines.clients import S3Settings
from pipelines.s3_problems import s3_problem

PLAIN, TLS = "http://store:9000", "https://store:9000"


def refusal(code: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code}}, "ListObjectsV2")


@pytest.mark.parametrize(
    ("error", "endpoint", "said"),
    [
        (refusal("NoSuchBucket"), TLS, "there is no bucket lake"),
        (refusal("AccessDenied"), TLS, "lacks the right to write in bucket lake"),
        (refusal("SignatureDoesNotMatch"), TLS, "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (refusal("SlowDown"), TLS, "answered SlowDown"),
        (refusal("400"), PLAIN, "https://"),
        (exceptions.ConnectionClosedError(endpoint_url=PLAIN), PLAIN, "https://"),
        (exceptions.SSLError(endpoint_url=TLS, error="WRONG_VERSION_NUMBER"), TLS, "http://"),
        (exceptions.SSLError(endpoint_url=TLS, error="CERTIFICATE_VERIFY_FAILED"), TLS, "AWS_CA_BUNDLE must name"),
        (exceptions.EndpointConnectionError(endpoint_url=TLS), TLS, "No S3 server answers"),
        (exceptions.NoCredentialsError(), TLS, "No S3 credentials"),
    ],
)
def test_a_failure_is_one_line_that_names_what_to_do(monkeypatch, error, endpoint, said):
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    message = s3_problem(error, "s3a://lake/shop", "lake", endpoint, "write").message
    assert said in message
    assert "\n" not in message


def test_an_empty_bundle_is_named(monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "")
    with pytest.raises(exceptions.InvalidConfigError) as raised:
        S3Settings(TLS).client().list_buckets()
    assert "AWS_CA_BUNDLE is empty" in s3_problem(raised.value, "s3a://lake", "lake", TLS).message


def test_a_bundle_that_holds_no_certificate_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "no-such-file"))
    error = exceptions.SSLError(endpoint_url=TLS, error="No such file")
    assert f"AWS_CA_BUNDLE={tmp_path}/no-such-file" in s3_problem(error, "s3a://lake", "lake", TLS).message


@pytest.mark.parametrize("before", [None, "/etc/others.pem"])
def test_delta_rs_trusts_the_same_bundle_and_only_while_it_opens_a_table(monkeypatch, before):
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ours.pem")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if before:
        monkeypatch.setenv("SSL_CERT_FILE", before)
    with S3Settings().trust_of_deltalake():
        assert os.environ["SSL_CERT_FILE"] == "/etc/ours.pem"
    assert os.environ.get("SSL_CERT_FILE") == before
