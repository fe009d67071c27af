"""How long a broken batch is tried again: servers come back, and the job need not be started by hand then."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from pipelines.cli import ConfigurationError, RunFailed
from pipelines.shutdown import Shutdown

# What errors of servers and networks look like, in the chain of causes that Spark reports.
_OF_SERVERS = re.compile(
    r"ServerAway|org\.apache\.kafka\.common\.errors|kafka\.errors|botocore|TimeoutException|java\.net\.|java\.nio\.channels"
    r"|javax\.net\.ssl|SdkClientException|SdkException|S3Exception|AWS\w*Exception|NoHttpResponse|SocketException"
    r"|Connection (?:refused|reset)|UnknownHost|java\.io\.(?:IO|InterruptedIO|EOF|UncheckedIO)Exception"
    r"|Generic S3 error|error sending request|operation timed out"  # delta-rs
    r"|No space left|ExecutorLostFailure|FetchFailed|kafka\.admin|Failed to (?:construct|update)"
)
# What comes out the same however often it is tried.
_HOPELESS = re.compile(
    r"RecordTooLarge|AnalysisException|OutOfMemoryError|AuthorizationException|AuthenticationException"
    r"|NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|SerializationException|InvalidTopicException|TypeError|AttributeError|KeyError|AssertionError"
)


class ServerAway(RunFailed):
    """A server that answered when the job started does not answer now."""


@contextmanager
def of_the_store() -> Iterator[None]:
    """What could be opened when the job started and cannot now is a matter of servers."""
    try:
        yield
    except ConfigurationError as error:
        raise ServerAway(error.message) from error


def worth_another_try(error: str) -> bool:
    """Whether the text of an error (with its causes) speaks of servers that may come back."""
    return bool(_OF_SERVERS.search(error)) and not _HOPELESS.search(error)


class Patience:
    """Waiting times that double from 1 to 30 seconds, until nothing has gone well for `seconds`."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._failing_since: float | None = None
        self._wait = 1.0

    def succeeded(self) -> None:
        """Something went well."""
        self._failing_since, self._wait = None, 1.0

    def next_wait(self) -> float | None:
        """Seconds to wait before the next try, or None: it has gone on for too long."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= self._seconds:
            return None
        wait, self._wait = self._wait, min(self._wait * 2, 30.0)
        return wait


def keep_trying(
    attempt: Callable[[], None],
    explain: Callable[[Exception], click.ClickException],
    patience: Patience,
    shutdown: Shutdown,
    warn: Callable[[str], None],
) -> None:
    """Run `attempt` until it ends by itself; again after errors of servers, as long as patience lasts.

    Raises what `explain` makes of the error: at once where another try would not help.
    """
    while True:
        try:
            return attempt()
        except Exception as error:
            failure = explain(error)
            wait = patience.next_wait() if isinstance(failure, RunFailed) else None
            if wait is None or not worth_another_try(f"{type(error).__module__}.{type(error).__name__} {error}"):
                if isinstance(failure, RunFailed):
                    failure = RunFailed(
                        f"{failure.message} Nothing is lost: started again, the job resumes "
                        "(--debug shows the traceback)."
                    )
                raise failure from error
            warn(f"{failure.message} Trying again in {wait:.0f} s.")
            if shutdown.wait(wait):
                raise RunFailed(
                    "Stopped while waiting for a server: the batch in hand is not finished and is repeated "
                    "at the next start."
                ) from error
