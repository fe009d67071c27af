"""Create the lake's bucket, and a user who may use that bucket only: ``python -m infra.bucket``.

Reads:  LAKE_URI, AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE and the administrator's AWS keys; LAKE_ACCESS_KEY_ID and
        LAKE_SECRET_ACCESS_KEY, if a user is wanted (MinIO only: elsewhere users are the provider's business).
Writes: the bucket, the user with that secret, one policy.
Guarantees: safe to repeat; an existing bucket and what is in it stay as they are.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions
import click
import minio
import minio.error
import urllib3
from minio.credentials.providers import StaticProvider

from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, debug_option, lake_options, run
from pipelines.clients import S3Settings, split_s3_uri
from pipelines.s3_problems import S3_ERRORS, is_about_tls, s3_problem

WAIT_SECONDS = 60.0
_PAUSE_SECONDS = 2.0
SHORTEST_NAME, SHORTEST_SECRET = 3, 8  # of MinIO
_BUCKET_ACTIONS = ("s3:ListBucket", "s3:ListBucketMultipartUploads")
_OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


def policy_for(bucket: str) -> dict[str, Any]:
    """What the lake's user may do: list, read, write and delete in `bucket`. No other bucket, no administration."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": list(_BUCKET_ACTIONS), "Resource": [f"arn:aws:s3:::{bucket}"]},
            {"Effect": "Allow", "Action": list(_OBJECT_ACTIONS), "Resource": [f"arn:aws:s3:::{bucket}/*"]},
        ],
    }


def ensure_bucket(bucket: str, uri: str, s3: S3Settings, wait_seconds: float = WAIT_SECONDS) -> bool:
    """Create the bucket unless it is there; True if it was created. Waits for a server that does not answer yet.

    Raises ConfigurationError where that is not possible.
    """
    try:
        client = s3.client()
        if _awaited(lambda: _exists(client, bucket), wait_seconds):
            return False
        where = {"CreateBucketConfiguration": {"LocationConstraint": s3.region}} if s3.region != "us-east-1" else {}
        client.create_bucket(Bucket=bucket, **where)
    except S3_ERRORS as error:
        raise s3_problem(error, uri, bucket, s3.endpoint, "create it or look") from error
    return True


def ensure_user(bucket: str, s3: S3Settings, access_key: str, secret_key: str) -> None:
    """A MinIO user with that secret and `policy_for(bucket)`, and no other policy.

    Raises ConfigurationError where the server is no MinIO, or does not let us.
    """
    if len(access_key) < SHORTEST_NAME or len(secret_key) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"LAKE_ACCESS_KEY_ID needs {SHORTEST_NAME} characters or more, LAKE_SECRET_ACCESS_KEY {SHORTEST_SECRET}."
        )
    if access_key == os.environ.get("AWS_ACCESS_KEY_ID"):
        raise ConfigurationError("LAKE_ACCESS_KEY_ID is the administrator's: choose another name for the lake's user.")
    if not s3.endpoint:
        raise ConfigurationError(
            "LAKE_ACCESS_KEY_ID: users can be made on MinIO only: set AWS_ENDPOINT_URL or unset it."
        )
    try:
        admin = _admin(s3.endpoint)
        # The policy first: a user without one may do nothing, one with yesterday's too much.
        admin.policy_add(f"lake-{bucket}", policy=policy_for(bucket))
        admin.user_add(access_key, secret_key)
        admin.policy_set(f"lake-{bucket}", user=access_key)
    except minio.error.MinioAdminException as error:
        raise ConfigurationError(
            f"AWS_ENDPOINT_URL={s3.endpoint} did not make the user of LAKE_ACCESS_KEY_ID (status {error._code}): it "
            "must be MinIO, and AWS_ACCESS_KEY_ID its administrator."
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise ConfigurationError(
            f"AWS_ENDPOINT_URL={s3.endpoint} broke off ({type(error).__name__}): try again, and read its log."
        ) from error


def _admin(endpoint: str) -> minio.MinioAdmin:
    parts = urlsplit(endpoint)
    access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not access_key or not secret_key:
        raise ConfigurationError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set them to the administrator's.")
    # The package's own client would take its authorities from SSL_CERT_FILE; ours are AWS_CA_BUNDLE's.
    http = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=5, read=20),
        retries=urllib3.Retry(total=3, backoff_factor=0.2),
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("AWS_CA_BUNDLE") or None,
    )
    return minio.MinioAdmin(
        endpoint=parts.netloc,
        credentials=StaticProvider(access_key, secret_key),
        secure=parts.scheme == "https",
        http_client=http,
    )


def _exists(client: Any, bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except botocore.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
    return True


def _awaited(ask: Callable[[], bool], seconds: float) -> bool:
    """The answer of a server that may be starting still."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except S3_ERRORS as error:
            if not _may_pass(error) or time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, botocore.exceptions.ClientError):
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) >= 500
    return isinstance(error, botocore.exceptions.HTTPClientError) and not is_about_tls(error)


@click.command(context_settings=CONTEXT_SETTINGS)
@lake_options
@debug_option
def main(lake: str, s3_endpoint: str | None, s3_region: str, debug: bool) -> None:
    """Create the lake's bucket unless it is there. Safe to repeat.

    With LAKE_ACCESS_KEY_ID and LAKE_SECRET_ACCESS_KEY in the environment also a MinIO user who may list, read, write
    and delete in that bucket, and nothing else.
    """
    place = split_s3_uri(lake)
    if place is None:
        raise ConfigurationError(f"LAKE_URI={lake} is no s3a:// URI: there is no bucket to create.")
    bucket, s3 = place[0], S3Settings(s3_endpoint, s3_region)
    user, secret = os.environ.get("LAKE_ACCESS_KEY_ID"), os.environ.get("LAKE_SECRET_ACCESS_KEY")
    if bool(user) != bool(secret):
        raise ConfigurationError("LAKE_ACCESS_KEY_ID and LAKE_SECRET_ACCESS_KEY: set both, or neither.")
    click.echo(f"bucket {bucket}: {'created' if ensure_bucket(bucket, lake, s3) else 'there'}")
    if user and secret:
        ensure_user(bucket, s3, user, secret)
        click.echo(f"the user of LAKE_ACCESS_KEY_ID: may list, read, write and delete in {bucket}, and nothing else")


if __name__ == "__main__":
    sys.exit(run(main))
