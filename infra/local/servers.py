"""The servers: how each is configured, started and asked for its health.

All listen on the loopback interface only, with modest heaps and bounded logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra import jars
from infra.java import find_java
from infra.local import health, templates
from infra.local.minio import find_minio
from infra.local.ports import HOST
from infra.local.processes import ServerProcess
from infra.local.state import State
from pipelines.cli import ConfigurationError

ZOOKEEPER, KAFKA, S3 = "zookeeper", "kafka", "s3"
ALL_SERVERS = (ZOOKEEPER, KAFKA, S3)  # in the order they start


@dataclass(frozen=True)
class Server:
    """One server of a stack."""

    name: str
    program: str
    port: int
    process: ServerProcess
    log: Path
    data: Path
    is_healthy: Callable[[], bool]
    command: Callable[[], list[str]]  # called at start only: it may fetch jars
    files: Mapping[Path, str] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def start(self) -> int:
        """Write the configuration and start the process; returns its pid."""
        command = self.command()
        for folder in (self.data, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in self.files.items():
            path.touch(mode=0o600)
            path.write_text(_escaped(text) if path.suffix == ".properties" else text, encoding="utf-8")
        return self.process.start(command, self.environment)


def _escaped(text: str) -> str:
    r"""As java.util.Properties reads it, which is in ISO-8859-1: all beyond ASCII as \uXXXX."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def server(name: str, home: Path, state: State) -> Server:
    """The server `name` (zookeeper, kafka or s3) of the stack in `home`."""
    if name == ZOOKEEPER:
        return _zookeeper(home, state)
    if name == KAFKA:
        return _kafka(home, state)
    return _minio(home, state) if state.s3_server == "minio" else _s3proxy(home, state)


def _zookeeper(home: Path, state: State) -> Server:
    port, folder = state.ports.zookeeper, home / "zookeeper"
    config, logging = folder / "zookeeper.properties", folder / "log4j.properties"
    log = home / "logs" / "zookeeper.log"
    return Server(
        name=ZOOKEEPER,
        program="ZooKeeper",
        port=port,
        process=_process(home, ZOOKEEPER, config),
        log=log,
        data=folder / "data",
        is_healthy=lambda: health.zookeeper_answers(port),
        command=lambda: _java(
            "kafka",
            "256m",
            [f"-Dlog4j.configuration=file:{logging}"],
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            str(config),
        ),
        files={
            config: templates.ZOOKEEPER.format(host=HOST, port=port, data=folder / "data"),
            logging: templates.LOG4J.format(log=log),
        },
    )


def _kafka(home: Path, state: State) -> Server:
    port, folder = state.ports.kafka, home / "kafka"
    config, logging = folder / "server.properties", folder / "log4j.properties"
    log = home / "logs" / "kafka.log"
    return Server(
        name=KAFKA,
        program="Kafka",
        port=port,
        process=_process(home, KAFKA, config),
        log=log,
        data=folder / "data",
        is_healthy=lambda: health.kafka_answers(port),
        command=lambda: _java("kafka", "512m", [f"-Dlog4j.configuration=file:{logging}"], "kafka.Kafka", str(config)),
        files={
            config: templates.KAFKA.format(
                host=HOST, port=port, zookeeper_port=state.ports.zookeeper, data=folder / "data"
            ),
            logging: templates.LOG4J.format(log=log),
        },
    )


def _s3proxy(home: Path, state: State) -> Server:
    port, folder = state.ports.s3, home / "s3proxy"
    config, logging = folder / "s3proxy.properties", folder / "logback.xml"
    log = home / "logs" / "s3proxy.log"
    return Server(
        name=S3,
        program="S3Proxy",
        port=port,
        process=_process(home, S3, config),
        log=log,
        data=folder / "data",
        is_healthy=lambda: health.s3_answers(state),
        command=lambda: _java(
            "s3proxy",
            "512m",
            [f"-Dlogback.configurationFile={logging}"],
            "org.gaul.s3proxy.Main",
            "--properties",
            str(config),
        ),
        files={
            config: templates.S3PROXY.format(
                host=HOST,
                port=port,
                data=folder / "data",
                access_key=state.access_key,
                secret_key=state.secret_key,
            ),
            logging: templates.LOGBACK.format(log=log),
        },
    )


def _minio(home: Path, state: State) -> Server:
    port, folder = state.ports.s3, home / "minio"
    data = folder / "data"

    def command() -> list[str]:
        binary = find_minio()
        if binary is None:
            raise ConfigurationError(
                "This stack's store is MinIO's and no `minio` is found: run `make minio`, set MINIO_BINARY, "
                "or start anew with `make clean` (deletes the stack's data)."
            )
        flags = ["--quiet", "--address", f"{HOST}:{port}", "--certs-dir", str(folder / "certs")]
        return [str(binary), "server", *flags, str(data)]

    process = _process(home, S3, data)
    return Server(
        name=S3,
        program="MinIO",
        port=port,
        process=process,
        log=process.console,
        data=data,
        is_healthy=lambda: health.s3_answers(state),
        command=command,
        files={},
        environment={
            "MINIO_ROOT_USER": state.access_key,
            "MINIO_ROOT_PASSWORD": state.secret_key,
            "MINIO_BROWSER": "off",  # the console would listen on one more port
            "MINIO_UPDATE": "off",
        },
    )


def _process(home: Path, name: str, own_path: Path) -> ServerProcess:
    return ServerProcess(name, f" {own_path}", home / "run" / f"{name}.pid", home / "logs" / f"{name}.out")


def _java(jar_set: str, heap: str, options: list[str], main: str, *arguments: str) -> list[str]:
    fetched = jars.fetch(jars.KAFKA if jar_set == "kafka" else jars.S3PROXY)
    flags = [
        f"-Xmx{heap}",
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.awt.headless=true",
        "-XX:+ExitOnOutOfMemoryError",
    ]
    return [find_java(), *flags, *options, "-cp", f"{fetched[0].parent}/*", main, *arguments]
