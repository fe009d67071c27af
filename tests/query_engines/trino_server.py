"""A Trino of one process on the loopback interface, with the lake's tables registered in it."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import trino

from infra import trino as installed
from infra.local.ports import HOST, free_ports
from pipelines.lake import TABLES, Lake

START_SECONDS = 300
_CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
node.bind-ip={host}
node.internal-address={host}
http-server.http.port={port}
http-server.log.enabled=false
discovery.uri=http://{host}:{port}
query.max-memory=400MB
query.max-memory-per-node=400MB
memory.heap-headroom-per-node=200MB
"""
_CATALOG = """\
connector.name=delta_lake
hive.metastore=file
hive.metastore.catalog.dir=local:///catalog
fs.native-local.enabled=true
local.location={folder}
fs.native-s3.enabled=true
s3.endpoint=${{ENV:AWS_ENDPOINT_URL}}
s3.region=${{ENV:AWS_REGION}}
s3.path-style-access=true
s3.aws-access-key=${{ENV:AWS_ACCESS_KEY_ID}}
s3.aws-secret-key=${{ENV:AWS_SECRET_ACCESS_KEY}}
delta.register-table-procedure.enabled=true
"""


class TrinoServer:
    """Started in a folder of its own, with the environment that names the store and its keys."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        catalogs = self._folder / "catalogs"
        catalogs.mkdir()
        (self._folder / "config.properties").write_text(_CONFIG.format(host=HOST, port=self._port))
        (catalogs / "lake.properties").write_text(_CATALOG.format(folder=self._folder))
        home = installed.fetch()
        settings = {
            "node.environment": "test",
            "node.id": "one",
            "node.data-dir": self._folder / "data",
            "plugin.dir": home / "plugin",
            "catalog.config-dir": catalogs,
            "config": self._folder / "config.properties",
            "jdk.attach.allowAttachSelf": "true",
            "user.timezone": "UTC",
        }
        command = [
            installed.trino_java(),
            "-Xmx1G",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            *(f"-D{name}={value}" for name, value in settings.items()),
            "-cp",
            f"{home}/lib/*",
            "io.trino.server.TrinoServer",
        ]
        with (self._folder / "trino.log").open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, cwd=self._folder)
        self._await()

    def register(self, lake: Lake) -> None:
        """Make the lake's tables known, by their places alone."""
        self.rows("create schema lake.shop")
        for table in TABLES:
            place = lake.delta_rs_path(table)
            self.rows(f"call lake.system.register_table('shop', '{table}', '{place}')")

    def rows(self, sql: str) -> list[list[object]]:
        """The rows of a statement's answer."""
        connection = trino.dbapi.connect(
            host=HOST, port=self._port, user="test", catalog="lake", schema="shop", timezone="UTC"
        )
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()
        finally:
            connection.close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def _await(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "trino.log").read_text()[-3_000:]
            assert time.monotonic() < deadline, "Trino does not answer"
            time.sleep(1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._port}/v1/info", timeout=5) as answer:
                if b'"starting":false' not in answer.read():
                    return False
            return self.rows("select 1 from lake.information_schema.schemata limit 1") == [[1]]
        except (URLError, OSError, trino.exceptions.TrinoQueryError):  # at first it may know of no node
            return False
