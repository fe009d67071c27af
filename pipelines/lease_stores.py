"""Where a lease keeps its owner.json: an object on S3 or a file, created and replaced only as expected.

Both classes have the same methods. `read` gives (content, tag); a tag stands for exactly that content. `create` and
`replace` give the new tag, or None where the store refused: there was an object already, or another one than the tag's.
Errors of the store are raised as they are.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings, split_s3_uri
from pipelines.s3_problems import S3_ERRORS, s3_problem

FOLDER = "_control"
FILE_NAME = "owner.json"
_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}
_NO_TAG = f'"{"0" * 32}"'
_LOCK_SECONDS = 1.0


def open_owner_file(uri: str, s3: S3Settings, setting: str) -> S3OwnerFile | LocalOwnerFile | None:
    """The owner.json of `uri`, its folder made; None on file systems that this program cannot reach (hdfs://, …).

    Raises ConfigurationError if the place cannot be written. `uri` is the value of `setting`.
    """
    s3_place, folder = split_s3_uri(uri), _local_folder(uri)
    if s3_place is not None:
        bucket, prefix = s3_place
        try:
            return S3OwnerFile(s3.client(), bucket, f"{prefix}/{FOLDER}".lstrip("/"))
        except S3_ERRORS as error:
            raise s3_problem(error, uri, bucket, s3.endpoint, "write") from error
    if folder is None:
        return None
    try:
        return LocalOwnerFile(folder / FOLDER)
    except OSError as error:
        raise ConfigurationError(
            f"{setting}={uri} cannot be written ({error.strerror or type(error).__name__}): "
            "give permission or name another place."
        ) from error


def _local_folder(uri: str) -> Path | None:
    scheme, colon, rest = uri.partition(":")
    if not colon or "/" in scheme:
        return Path(uri)
    return Path(rest[2:] if rest.startswith("//") else rest) if scheme == "file" else None


class S3OwnerFile:
    """An object, written by conditional PUT. `is_exclusive`: the store was seen to keep the conditions.

    Where it does not, a read before each write has to do, which leaves a moment between the two.
    """

    def __init__(self, client: Any, bucket: str, folder: str) -> None:
        self._client = client
        self._object = {"Bucket": bucket, "Key": f"{folder}/{FILE_NAME}"}
        self.is_exclusive = self._keeps_conditions({"Bucket": bucket, "Key": f"{folder}/probe-{uuid.uuid4()}"})

    def read(self) -> tuple[bytes, str] | None:
        """Content and tag, or None where there is no object."""
        try:
            answer = self._client.get_object(**self._object)
        except ClientError as error:
            if _code(error) == "NoSuchKey":
                return None
            raise
        return answer["Body"].read(), str(answer["ETag"])

    def create(self, content: bytes) -> str | None:
        """Write it unless there is one."""
        if self.is_exclusive:
            return self._put(self._object, content, IfNoneMatch="*")
        return self._put(self._object, content) if self.read() is None else None

    def replace(self, content: bytes, tag: str) -> str | None:
        """Write it in place of the tag's."""
        if self.is_exclusive:
            return self._put(self._object, content, IfMatch=tag)
        return self._put(self._object, content) if self._is(tag) else None

    def remove(self, tag: str) -> None:
        """Delete the tag's. AWS keeps the condition; MinIO and S3Proxy were seen to ignore it: hence the look."""
        if self._is(tag):
            self._client.delete_object(**self._object, **({"IfMatch": tag} if self.is_exclusive else {}))

    def _is(self, tag: str) -> bool:
        found = self.read()
        return found is not None and found[1] == tag

    def _put(self, place: dict[str, str], content: bytes, **condition: str) -> str | None:
        try:
            answer = self._client.put_object(**place, Body=content, ContentType="application/json", **condition)
        except ClientError as error:
            if condition and _code(error) in _REFUSED:
                return None
            raise
        return str(answer["ETag"])

    def _keeps_conditions(self, probe: dict[str, str]) -> bool:
        """Whether a second creation and a replacement of something else are refused, and a proper one is not."""
        try:
            tag = self._put(probe, b"1", IfNoneMatch="*")
            return (
                tag is not None
                and self._put(probe, b"2", IfNoneMatch="*") is None
                and self._put(probe, b"3", IfMatch=_NO_TAG) is None
                and self._put(probe, b"4", IfMatch=tag) is not None
            )
        except ClientError as error:
            if _code(error) == "NotImplemented":
                return False
            raise
        finally:
            with suppress(*S3_ERRORS):  # an empty probe that stays harms nobody
                self._client.delete_object(**probe)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


class LocalOwnerFile:
    """A file that is never seen half-written. `is_exclusive`: its folder can be locked while it is replaced.

    Where it cannot (some network file systems), a look before the replacement has to do.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / FILE_NAME
        folder.mkdir(parents=True, exist_ok=True)
        self.is_exclusive = self._can_be_locked()

    def read(self) -> tuple[bytes, str] | None:
        """Content and tag, or None where there is no file."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return None
        return content, _tag(content)

    def create(self, content: bytes) -> str | None:
        """Write it unless there is one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._written(content) as fresh:
            try:
                os.link(fresh, self._file)
            except OSError:  # there is one already, or the file system has no hard links
                return self._create_in_place(content)
        return _tag(content)

    def replace(self, content: bytes, tag: str) -> str | None:
        """Write it in place of the tag's."""
        if not self._is(tag):
            return None
        with self._written(content) as fresh, self._locked():
            if not self._is(tag):
                return None
            fresh.replace(self._file)
        return _tag(content)

    def remove(self, tag: str) -> None:
        """Delete the tag's."""
        with self._locked():
            if self._is(tag):
                self._file.unlink()

    def _is(self, tag: str) -> bool:
        found = self.read()
        return found is not None and found[1] == tag

    def _create_in_place(self, content: bytes) -> str | None:
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return None
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return _tag(content)

    @contextmanager
    def _written(self, content: bytes) -> Iterator[Path]:
        """A file beside ours with this content. Not synced: after a power cut no owner is alive to be protected."""
        fresh = self._folder / f".{FILE_NAME}-{uuid.uuid4()}"
        try:
            fresh.write_bytes(content)
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else replaces the file. Raises BlockingIOError if somebody was paused in the middle of it."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            deadline = time.monotonic() + _LOCK_SECONDS
            while self.is_exclusive:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)

    def _can_be_locked(self) -> bool:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # by somebody else, just now
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
