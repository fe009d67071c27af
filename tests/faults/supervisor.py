"""A job that is started again when it fails, as systemd would: on exit code 1, never on 2 or 3; and one under load."""

from __future__ import annotations

import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from jobs import Site
from world import lines, wait_for

START_SECONDS = 400
STOP_SECONDS = 60
# Batches stay short however long a start or an outage took.
BATCH = 3_000


class SupervisedJob:
    """The running job of a pipeline. `failures` counts its ends with exit code 1."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self._site = site
        self._arguments = arguments
        self.failures = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        limit = f"--max-offsets-per-trigger={BATCH}"
        return self._site.start_enrich("--trigger", "1 second", limit, *self._arguments)

    def feed(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a generator once the job reads, and wait until two batches are delivered; the generator."""
        wait_for(lambda: "enrich: reading " in self._site.log(), START_SECONDS, "the job's start")
        generator = self._site.start_generator(*arguments)
        self.await_batches(2)
        return generator

    def batches(self) -> int:
        """How many batches were delivered so far."""
        return self._site.log().count("enrich: batch ")

    def await_batches(self, more: int = 1) -> None:
        """Wait until so many more batches are delivered."""
        wanted = self.batches() + more
        wait_for(lambda: self.tend() and self.batches() >= wanted, START_SECONDS, f"{more} more batches")

    @staticmethod
    def await_first(site: Site, process: subprocess.Popen[str]) -> None:
        """Wait until a job that nobody supervises has delivered a batch."""
        wait_for(lambda: "enrich: batch 0" in site.log(), START_SECONDS, "the first batch")
        assert process.poll() is None

    def tend(self) -> bool:
        """Start the job again if it failed; it must have said why in one line."""
        code = self.process.poll()
        if code is not None:
            errors = self._site.errors()
            assert code == 1, self._site.log()
            self.failures += 1
            assert len(errors) == self.failures, self._site.log()
            self.process = self._start()
        return True

    def catch_up(self, seconds: float = 600) -> None:
        """Wait until all that is in the raw topic now is delivered."""
        lag = self._site.start_lag(seconds)
        deadline = time.monotonic() + seconds + 30
        while lag.poll() is None:
            self.tend()
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert lag.returncode == 0, (self._site.folder / "lag.log").read_text() + self._site.log()

    def stop(self) -> float:
        """SIGTERM; the seconds that it took to end with exit code 0."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, self._site.log()
        return time.monotonic() - began


class Load:
    """A pipeline whose job runs through all tests of a file; each feeds it anew and proves everything so far."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.manifest = site.folder / "manifest.jsonl"
        self.job = SupervisedJob(site)
        self._failures = 0

    def feed(self) -> subprocess.Popen[str]:
        """A generator whose first records are delivered."""
        self._failures = self.job.failures
        return self.job.feed("--rate=40", f"--manifest={self.manifest}", "--append", "--malformed-rate=0.02")

    def acknowledged(self) -> int:
        """How many records the generators have acknowledged so far."""
        return lines(self.manifest)

    def settle(self, generator: subprocess.Popen[str], *, may_fail: bool = False) -> None:
        """End the generator in good order and wait until the job has caught up.

        `may_fail`: it may say that some records were not acknowledged (exit code 1).
        """
        generator.terminate()
        code = generator.wait(100)
        assert code == 0 or (may_fail and code == 1), (self.site.folder / "generator.log").read_text()
        self.job.catch_up()

    def how(self) -> str:
        """What the job did since it was last fed."""
        times = self.job.failures - self._failures
        return f"The job ended with 1 and was started again, {times}×." if times else "The job went on by itself."


def running(environment: dict[str, str], folder: Path) -> Iterator[Load]:
    """A job under supervision, stopped in good order at the end."""
    site = Site.create(environment, f"load-{uuid.uuid4().hex[:6]}", folder)
    try:
        load = Load(site)
        yield load
        load.job.stop()
    finally:
        site.kill_all()
