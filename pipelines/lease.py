"""The lease: one job at a time writes to a lake, and one to a checkpoint.

Reads and writes: ``<uri>/_control/owner.json``, which names the owner and changes with each heartbeat (2 s).
Guarantees: a second job is refused while the first one's heartbeat is seen to go on, and takes over when it was not
seen for 8 s, at once where the owner's process has certainly ended. A job that lost its lease stops at its next check.
Who lives is judged by watching, on one's own clock, never by comparing the clocks of two hosts. On a store that
refuses a second creation, and a replacement of something else, one of several that start at once gets the lease. Where
it does not, the lease is advisory: that is found out by trying, and said.

This is not fencing: no sink asks whether a write comes from the owner. What remains is the write that begins after a
check has passed and goes on when the lease is lost: by a job that is paused just there for longer than the expiry, or
whose lake is cut off from it, or whose Python process was killed while Spark's JVM finishes what it has in hand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from pipelines.cli import RunFailed, StoppedByPolicy
from pipelines.clients import S3Settings
from pipelines.lease_owner import Owner
from pipelines.lease_stores import LocalOwnerFile, S3OwnerFile, open_owner_file
from pipelines.lease_watch import Timing, Watch

_ATTEMPTS = 5
_RELEASE_SECONDS = 10.0


class LeaseLost(StoppedByPolicy):
    """Somebody else has become the owner: this job must not write any more."""


class Lease:
    """The right to write to one place, kept by a thread until it is released or lost. See `acquire`."""

    def __init__(self, place: str, file: S3OwnerFile | LocalOwnerFile, timing: Timing) -> None:
        """Of `place` (setting=URI), not acquired yet."""
        self._place = place
        self._file = file
        self._timing = timing
        self._owner = Owner.this_process()
        self._tag = ""
        self._renewed_at = 0.0
        self._lost: str | None = None
        self._released = threading.Event()
        self._renewing = threading.Lock()
        self._heart = threading.Thread(target=self._beat, name=f"lease of {place}", daemon=True)

    @classmethod
    def acquire(
        cls, uri: str, s3: S3Settings, setting: str, warn: Callable[[str], None], timing: Timing | None = None
    ) -> Lease:
        """Become the one writer of `uri`, the value of LAKE_URI or CHECKPOINT_URI, named by `setting`.

        Takes up to expiry + heartbeat where an owner may be dead. Raises StoppedByPolicy naming the owner (host, pid,
        since when) if it lives, and ConfigurationError if the place cannot be written. `warn` hears of a takeover,
        and of a place where the lease is advisory or not kept at all.
        """
        place = f"{setting}={uri}"
        file = open_owner_file(uri, s3, setting)
        if file is None:
            warn(f"{place}: no lease is kept on this file system: see to it that only one job writes there.")
            return _NoLease()
        if not file.is_exclusive:
            warn(
                f"{place}: the lease against a second job is advisory, since this store does not keep conditional "
                "writes: of two jobs that start at the same moment, both may write for some seconds."
            )
        lease = cls(place, file, timing or Timing())
        lease._become_owner(warn)
        lease._heart.start()
        return lease

    def check(self) -> None:
        """Raise LeaseLost if somebody else owns it.

        Where the last renewal is so old that less than a heartbeat remains, it is renewed now. Errors of the store
        are raised as they are: they are no loss.
        """
        if self._released.is_set():
            raise LeaseLost(f"{self._place}: this job has released its lease and writes no more.")
        if self._lost is None:
            self._renew(older_than=self._timing.expiry_seconds - self._timing.heartbeat_seconds)
        if self._lost is not None:
            raise LeaseLost(self._lost)

    def release(self) -> None:
        """Stop the heartbeat and remove owner.json if it is still ours. Never raises, and waits for some seconds only.

        Where the store does not answer, owner.json stays behind, and the next job takes over as from a dead one.
        """
        self._released.set()
        if self._heart.is_alive():
            self._heart.join(_RELEASE_SECONDS)

    def _become_owner(self, warn: Callable[[str], None]) -> None:
        watch, refusals = Watch(self._timing), 0
        while True:
            asked_at = self._timing.clock()
            found = self._file.read()
            owner, end = None, ""
            if found is not None:
                owner = Owner.from_json(found[0])
                watch.saw(found[1], asked_at)
                end = self._end_of(owner, watch)
            if found is None or end:
                if self._wrote(found[1] if found else None, asked_at):
                    if end:
                        warn(f"{self._place}: taken over from {owner or 'an owner.json that names nobody'}, {end}.")
                    return
                refusals += 1
                if refusals == _ATTEMPTS:
                    raise self._refused(owner)
            self._timing.sleep(self._timing.look_seconds)

    def _end_of(self, owner: Owner | None, watch: Watch) -> str:
        """How the owner ended, empty while that is not known. Raises StoppedByPolicy if it lives."""
        if owner is not None and owner.is_certainly_gone(self._owner):
            return "which no longer runs"
        if watch.has_changed:
            raise self._refused(owner)
        return f"silent for {self._timing.expiry_seconds:.0f} s" if watch.is_expired else ""

    def _wrote(self, expected_tag: str | None, at: float) -> bool:
        """Write our record in place of the expected one (None: there is none), and keep it."""
        content = self._owner.to_json()
        tag = self._file.create(content) if expected_tag is None else self._file.replace(content, expected_tag)
        if tag is not None and not self._file.is_exclusive:
            # Others that start now may write over it: the last one wins.
            self._timing.sleep(self._timing.settle_seconds)
        if tag is None or not self._file.is_exclusive:
            # A refusal may be the answer to a repeated request whose first answer got lost.
            found = self._file.read()
            tag = found[1] if found is not None and self._is_ours(found[0]) else None
        if tag is None:
            return False
        self._tag, self._renewed_at = tag, at
        return True

    def _refused(self, owner: Owner | None) -> StoppedByPolicy:
        return StoppedByPolicy(
            f"{self._place} is in use by {owner or 'a job that its owner.json does not name'}: "
            "only one job may write there. Stop that one, or give this one another place."
        )

    def _beat(self) -> None:
        while not self._released.wait(self._timing.heartbeat_seconds):
            with suppress(Exception):  # the store is away: nobody else can become the owner there, or check() will tell
                self._renew()
        with suppress(Exception):
            self._renew()  # whoever watches starts to wait anew: it cannot become the owner before we are done
            self._file.remove(self._tag)

    def _renew(self, older_than: float = 0.0) -> None:
        """Write the next heartbeat if the last one is so old, or note that the lease is lost."""
        if older_than and self._timing.clock() - self._renewed_at < older_than:
            return  # without waiting for a renewal that hangs
        with self._renewing:
            asked_at = self._timing.clock()
            age = asked_at - self._renewed_at
            if self._lost is not None or age < older_than:
                return
            self._owner = self._owner.next_heartbeat()
            for _ in range(_ATTEMPTS):
                tag = self._file.replace(self._owner.to_json(), self._tag)
                if tag is None:
                    found = self._file.read()
                    if found is not None and self._is_ours(found[0]):
                        # An earlier request that arrived though its answer did not.
                        self._tag = found[1]
                        continue
                    # Nobody can have become the owner so soon: it was deleted by hand.
                    if found is None and age < self._timing.expiry_seconds:
                        tag = self._file.create(self._owner.to_json())
                    if tag is None:
                        self._lost = self._loss(Owner.from_json(found[0]) if found else None)
                        return
                self._tag, self._renewed_at = tag, asked_at
                return
        raise RunFailed(f"{self._place}: the store refuses to renew the lease, though nobody else has it. Start again.")

    def _is_ours(self, content: bytes) -> bool:
        owner = Owner.from_json(content)
        return owner is not None and owner.owner == self._owner.owner

    def _loss(self, owner: Owner | None) -> str:
        return (
            f"{self._place} now belongs to {owner or 'nobody (its owner.json is gone or names none)'}: this job was "
            "paused or cut off for too long and writes no more. Let one of them run only."
        )


class _NoLease(Lease):
    """Where none is kept."""

    def __init__(self) -> None:
        """Nothing to keep."""

    def check(self) -> None:
        """Nothing to check."""

    def release(self) -> None:
        """Nothing to release."""
