"""The local stack: ZooKeeper, Kafka and an S3 server as plain processes of one folder."""

from __future__ import annotations

import fcntl
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.java import find_java
from infra.local import choice, health
from infra.local.checks import is_own_folder, last_error, require_own_folder, require_room
from infra.local.environment import environment
from infra.local.ports import HOST
from infra.local.servers import ALL_SERVERS, KAFKA, S3, ZOOKEEPER, Server, server
from infra.local.state import DEFAULT_HOME, FILE_NAME, LOCK_NAME, State, read_state, write_state
from pipelines.cli import ConfigurationError, RunFailed

START_SECONDS = 120.0


@dataclass(frozen=True)
class ServerStatus:
    """One row of `status`."""

    name: str
    program: str
    pid: int | None
    port: int
    is_healthy: bool


class Stack:
    """The servers of one folder. Every method may be called from any process at any time."""

    def __init__(
        self,
        home: Path = DEFAULT_HOME,
        *,
        ports: Mapping[str, int] | None = None,
        s3_server: str | None = None,
        servers: Sequence[str] = ALL_SERVERS,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """`ports` (by server name) and `s3_server` (minio, s3proxy) are for `up`; default: as recorded.

        `servers` may name fewer than all, e.g. a second S3 server beside another stack's.
        """
        self.home = home.expanduser().resolve()
        self._ports = dict(ports or {})
        self._s3_server = s3_server
        self._names = [name for name in ALL_SERVERS if name in servers]
        self._report = report

    @property
    def state(self) -> State:
        """What is recorded; ConfigurationError when there was never an `up`."""
        state = read_state(self.home)
        if state is None:
            raise ConfigurationError(f"There is no local stack in {self.home}: start one with `make up`.")
        return state

    def up(self) -> bool:
        """Start what does not run and wait until all servers answer. False when nothing had to be started.

        Raises ConfigurationError or RunFailed with one line; whatever this call started is stopped then.
        """
        find_java()
        require_own_folder(self.home)
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            recorded = read_state(self.home)
            running = [each for each in self._servers(recorded) if each.process.pid()] if recorded else []
            state = choice.choose(self.home, recorded, self._ports, self._s3_server, running=bool(running))
            missing = [each for each in self._servers(state) if each.process.pid() is None]
            require_room(self.home, missing)
            if state != recorded:
                write_state(self.home, state)
            started: list[Server] = []
            try:
                self._start_all(state, missing, started)
            except BaseException:
                for each in reversed(started):
                    each.process.stop()
                raise
        return bool(started)

    def down(self) -> list[str]:
        """Stop the servers, Kafka before ZooKeeper; returns the programs that ran."""
        state = read_state(self.home)
        if state is None:
            return []
        with self._locked():
            return [each.program for each in reversed(self._servers(state)) if each.process.stop()]

    def clean(self) -> bool:
        """Stop the servers and delete the folder with all data. False when there was none."""
        if not self.home.exists():
            return False
        if not is_own_folder(self.home):
            raise ConfigurationError(f"{self.home} has no {FILE_NAME}, so it is not a stack's folder: not deleted.")
        self.down()
        shutil.rmtree(self.home)
        return True

    def status(self) -> list[ServerStatus]:
        """One row per server."""
        rows = []
        for each in self._servers(self.state):
            pid = each.process.pid()
            rows.append(ServerStatus(each.name, each.program, pid, each.port, pid is not None and each.is_healthy()))
        return rows

    def environment(self) -> dict[str, str]:
        """The settings that make programs of this project use this stack."""
        return environment(self.home, self.state, self._names)

    def pid(self, name: str) -> int | None:
        """The process id of one server while it runs."""
        return server(name, self.home, self.state).process.pid()

    def start(self, name: str) -> None:
        """Start one server unless it runs, and wait until it answers."""
        state = self.state
        one = server(name, self.home, state)
        with self._locked():
            self._start_all(state, [one] if one.process.pid() is None else [], [], [one])

    def stop(self, name: str) -> bool:
        """Stop one server gracefully."""
        return server(name, self.home, self.state).process.stop()

    def kill(self, name: str) -> bool:
        """kill -9 one server."""
        return server(name, self.home, self.state).process.kill()

    def pause(self, name: str) -> bool:
        """SIGSTOP one server: it keeps its connections and answers nothing."""
        return server(name, self.home, self.state).process.signal(signal.SIGSTOP)

    def resume(self, name: str) -> bool:
        """SIGCONT one server."""
        return server(name, self.home, self.state).process.signal(signal.SIGCONT)

    def wait_healthy(self, name: str, seconds: float = START_SECONDS) -> None:
        """Wait until one server answers."""
        self._wait_for(server(name, self.home, self.state), seconds)

    def _servers(self, state: State) -> list[Server]:
        return [server(name, self.home, state) for name in self._names]

    def _start_all(
        self, state: State, missing: list[Server], started: list[Server], awaited: list[Server] | None = None
    ) -> None:
        """Start `missing` in order, noting each in `started`, then wait for all that are `awaited`."""
        for each in missing:
            each.command()  # fetches jars: nothing runs while the network is slow
        for each in missing:
            if each.name == KAFKA:
                self._wait_for_zookeeper(state)
            self._report(f"Starting {each.program} on {HOST}:{each.port} …")
            started.append(each)
            each.start()
        for each in self._servers(state) if awaited is None else awaited:
            self._wait_for(each, START_SECONDS)
            if each.name == S3:
                health.create_bucket(state)

    def _wait_for_zookeeper(self, state: State) -> None:
        """ZooKeeper must answer and have forgotten a broker that was killed: its id is taken until then."""
        if ZOOKEEPER in self._names:
            self._wait_for(server(ZOOKEEPER, self.home, state), START_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        while health.broker_is_registered(state.ports.zookeeper) and time.monotonic() < deadline:
            time.sleep(0.2)

    def _wait_for(self, each: Server, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not each.is_healthy():
            if each.process.pid() is None:
                raise RunFailed(f"{each.program} stopped while starting: {last_error(each)}. Log: {each.log}")
            if time.monotonic() > deadline:
                raise RunFailed(
                    f"{each.program} runs but does not answer on port {each.port} within {seconds:.0f} s: "
                    f"`make down`, then `make up`. Log: {each.log}"
                )
            time.sleep(0.2)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up`, `down` or `start` at a time."""
        with (self.home / LOCK_NAME).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._report(f"Another command works on {self.home}: waiting …")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
