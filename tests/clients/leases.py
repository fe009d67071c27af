"""A clock, an S3 store and owners to test leases with: no server, no waiting."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import ClientError

from pipelines.lease import Lease
from pipelines.lease_owner import Owner
from pipelines.lease_stores import open_owner_file
from pipelines.lease_watch import Timing


class Clock:
    """Stands still until somebody sleeps; `meanwhile` then happens."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()


class S3:
    """S3Settings and client in one, over a dictionary. `error` is what every request meets, if set; `met` counts."""

    def __init__(self, keeps_conditions: bool = True) -> None:
        self.objects: dict[str, bytes] = {}
        self.deleted: list[bytes] = []
        self.keeps_conditions = keeps_conditions
        self.knows_conditions = True
        self.refuses = "nothing"
        self.error: Exception | None = None
        self.met = threading.Semaphore(0)
        self._one_at_a_time = threading.Lock()
        self.endpoint = None

    def client(self) -> S3:
        return self

    def get_object(self, Bucket: str, Key: str):  # noqa: N803 - as boto3 calls them
        self._meet()
        if Key not in self.objects:
            raise refusal("NoSuchKey")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": etag(self.objects[Key])}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str, **condition: str):  # noqa: N803
        self._meet()
        if Key.endswith(self.refuses):
            raise refusal("PreconditionFailed")
        if condition and not self.knows_conditions:
            raise refusal("NotImplemented")
        with self._one_at_a_time:
            there = etag(self.objects[Key]) if Key in self.objects else None
            if self.keeps_conditions and "IfNoneMatch" in condition and there:
                raise refusal("PreconditionFailed")
            if self.keeps_conditions and condition.get("IfMatch", there) != there:
                raise refusal("PreconditionFailed" if there else "NoSuchKey")
            self.objects[Key] = Body
        return {"ETag": etag(Body)}

    def delete_object(self, Bucket: str, Key: str, IfMatch: str = ""):  # noqa: N803
        self._meet()
        self.deleted.append(self.objects.pop(Key, b""))

    def _meet(self) -> None:
        if self.error is not None:
            self.met.release()
            raise self.error


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "PutObject")


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'  # noqa: S324 - as S3 has it


def owner(**changed: object) -> Owner:
    """A job on another host, of which nothing can be known from here."""
    elsewhere = {"host": "elsewhere", "boot": "b", "pid": 17, "started_at": "2026-01-02T03:04:05Z"}
    return dataclasses.replace(Owner.this_process(), **{**elsewhere, **changed})


@dataclass
class Place:
    """A lake's owner.json, and who acquires it."""

    uri: str
    s3: S3
    clock: Clock = field(default_factory=Clock)
    warnings: list[str] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)

    @classmethod
    def of(cls, kind: str, folder: Path) -> Place:
        return cls(
            str(folder / "lake") if kind == "local" else "s3a://bucket/lake", S3(kind != "s3 without conditions")
        )

    @property
    def file(self):
        return open_owner_file(self.uri, self.s3, "LAKE_URI")

    def acquire(self, **timing: object) -> Lease:
        clocks = {"clock": self.clock, "sleep": self.clock.sleep}
        lease = Lease.acquire(self.uri, self.s3, "LAKE_URI", self.warnings.append, Timing(**{**clocks, **timing}))
        self.leases.append(lease)
        return lease

    def write(self, content: Owner | bytes) -> None:
        """Somebody writes to owner.json, whatever was there."""
        content = content.to_json() if isinstance(content, Owner) else content
        found = self.file.read()
        assert self.file.replace(content, found[1]) if found else self.file.create(content)

    def remove(self) -> None:
        """Somebody deletes owner.json, and its folder."""
        self.s3.objects.clear()
        shutil.rmtree(self.uri, ignore_errors=True)

    def owner(self) -> Owner | None:
        found = self.file.read()
        return Owner.from_json(found[0]) if found else None
