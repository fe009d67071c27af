"""What a failed request to S3 means, in one line for a person."""

from __future__ import annotations

import os
import ssl

from botocore import exceptions

from pipelines.cli import ConfigurationError

# What boto3's requests raise when a setting is wrong.
S3_ERRORS = (exceptions.ClientError, exceptions.BotoCoreError, ValueError)
_CREDENTIAL_ERRORS = {"403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}
_MISSING_ERRORS = {"404", "NoSuchBucket", "NotFound"}


def s3_problem(
    error: Exception, uri: str, bucket: str, endpoint: str | None, action: str = "list"
) -> ConfigurationError:
    """One line about `error`, met when `action` was tried in the bucket of LAKE_URI=`uri`."""
    where = f"AWS_ENDPOINT_URL={endpoint}" if endpoint else "AWS (AWS_ENDPOINT_URL is not set)"
    return ConfigurationError(_explained(error, uri, bucket, where, action))


def is_about_tls(error: Exception) -> bool:
    """The server was reached, but TLS with it failed."""
    return isinstance(error, exceptions.SSLError)


def _explained(error: Exception, uri: str, bucket: str, where: str, action: str) -> str:
    wants_tls = "http://" in where and isinstance(error, exceptions.ConnectionClosedError)
    if isinstance(error, exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code != "400" or "http://" not in where:
            return _refusal(code, uri, bucket, where, action)
        wants_tls = True
    if wants_tls:
        return f"{where} broke off: does it speak TLS, and is to be called with https://?"
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return "No S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if isinstance(error, exceptions.InvalidConfigError) and "CA bundle" in str(error):
        return "AWS_CA_BUNDLE is empty: unset it, or name a file with certificates in PEM format."
    if is_about_tls(error):
        return _tls(error, where)
    return f"No S3 server answers at {where} ({type(error).__name__}): start it or correct the setting."


def _refusal(code: str, uri: str, bucket: str, where: str, action: str) -> str:
    if code in _MISSING_ERRORS:
        return f"LAKE_URI={uri}: there is no bucket {bucket} at {where}: create it or correct the setting."
    if code == "AccessDenied":
        return (
            f"{where}: the user of AWS_ACCESS_KEY_ID lacks the right to {action} in bucket {bucket} ({code}): "
            "grant it, or correct LAKE_URI or the keys."
        )
    if code in _CREDENTIAL_ERRORS:
        return (
            f"{where} refused the credentials for bucket {bucket} ({code}): "
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return f"LAKE_URI={uri}: {where} answered {code or 'an error'}."


def _tls(error: Exception, where: str) -> str:
    bundle = os.environ.get("AWS_CA_BUNDLE")
    try:
        ssl.create_default_context(cafile=bundle or None)
    except OSError:
        return f"AWS_CA_BUNDLE={bundle} is no file with certificates in PEM format: correct it or unset it."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            f"{where} shows a certificate that is not trusted: AWS_CA_BUNDLE must name its authority's PEM file, "
            "and the host's name must be one of the certificate's."
        )
    return f"{where} does not speak TLS: is it to be called with http://?"
