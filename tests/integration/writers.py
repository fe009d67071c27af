"""Processes that want to be the one writer of a lake: started here, told what to do line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping

_TIMEOUT_SECONDS = 60


class Writer:
    """A process with a lease, or one that asks for it."""

    def __init__(self, environment: Mapping[str, str], uri: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, uri],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answer()

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, command: str) -> None:
        """Have it acquire, check, release, or say what it was warned of."""
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """What came of it: "done", or the type of an error and its text."""
        return json.loads(self._process.stdout.readline())

    def do(self, command: str) -> str:
        self.tell(command)
        return self.answer()

    def timed(self, command: str) -> tuple[str, float]:
        """The answer, and how many seconds it took."""
        started = time.monotonic()
        return self.do(command), time.monotonic() - started

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> None:
        """kill -9; nothing is cleaned up."""
        self._process.kill()
        self._process.communicate(timeout=_TIMEOUT_SECONDS)


def main(uri: str) -> None:
    """The other side: a process that obeys."""
    from pipelines.clients import S3Settings
    from pipelines.lease import Lease

    s3 = S3Settings(os.environ.get("AWS_ENDPOINT_URL"))
    warnings: list[str] = []
    lease = None
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        answer = "done"
        try:
            if line.strip() == "acquire":
                lease = Lease.acquire(uri, s3, "LAKE_URI", warnings.append)
            elif line.strip() == "warnings":
                answer = "\n".join(warnings)
            else:
                getattr(lease, line.strip())()
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
