"""The files of a checkpoint, through Hadoop: it may be on any file system that Spark knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from py4j.java_gateway import is_instance_of
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from pipelines.checkpoint_format import DamagedFileError
from pipelines.cli import ConfigurationError


class CheckpointFiles:
    """Files below `uri`; names are relative to it."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._spark = spark
        self._uri = uri.rstrip("/")

    def text(self, name: str) -> str:
        """A small file. Raises DamagedFileError where it is missing, empty, no text, or not what its checksum says.

        Spark itself ignores the checksums that Hadoop keeps in .crc files beside local ones.
        """
        try:
            content = self._java(lambda: self._read(name), name)
        except FileNotFoundError:
            raise DamagedFileError(f"{name} is missing") from None
        if not content:
            raise DamagedFileError(f"{name} is empty")
        try:
            return bytes(content).decode("utf-8")
        except UnicodeDecodeError:
            raise DamagedFileError(f"{name} is damaged") from None

    def list(self, folder: str) -> list[str]:
        """The names in a folder, .crc files included; none where it is missing."""
        try:
            return [str(status.getPath().getName()) for status in self._java(lambda: self._statuses(folder))]
        except FileNotFoundError:
            return []

    def move(self, names: Iterable[str], target: str) -> None:
        """Rename each to its name in the folder `target`, which is made, in this order."""
        self._java(lambda: self._raw().mkdirs(self._path(target)))
        for name in names:
            move = partial(self._raw().rename, self._path(f"{self._uri}/{name}"), self._path(f"{target}/{name}"))
            if not self._java(move):
                raise ConfigurationError(
                    f"CHECKPOINT_URI={self._uri}: {name} cannot be moved to {target}: move all but _control/ by hand."
                )

    def _read(self, name: str) -> Any:
        place = self._path(f"{self._uri}/{name}")
        stream = place.getFileSystem(self._conf()).open(place)
        try:
            return self._jvm().org.apache.commons.io.IOUtils.toByteArray(stream)
        finally:
            stream.close()

    def _statuses(self, folder: str) -> Any:
        return self._raw().listStatus(self._path(f"{self._uri}/{folder}"))

    def _raw(self) -> Any:
        """The file system, without the layer that hides .crc files."""
        system = self._path(self._uri).getFileSystem(self._conf())
        checksummed = is_instance_of(
            self._spark.sparkContext._gateway, system, "org.apache.hadoop.fs.ChecksumFileSystem"
        )
        return system.getRawFileSystem() if checksummed else system

    def _path(self, uri: str) -> Any:
        return self._jvm().org.apache.hadoop.fs.Path(uri)

    def _jvm(self) -> Any:
        return self._spark._jvm

    def _conf(self) -> Any:
        return self._spark._jsc.hadoopConfiguration()

    def _java(self, call: Callable[[], Any], name: str = "") -> Any:
        """Call Hadoop about `name`; its exceptions become FileNotFoundError, DamagedFileError or ConfigurationError."""
        try:
            return call()
        except Py4JJavaError as error:
            kind = str(error.java_exception.getClass().getSimpleName())
            said = str(error.java_exception.getMessage()).splitlines()[0]
            if kind == "FileNotFoundException" and "does not exist" in said:
                raise FileNotFoundError(said) from error
            if kind == "FileNotFoundException" and "Is a directory" in said:
                raise DamagedFileError(f"{name} is a folder") from error
            if kind == "ChecksumException":
                raise DamagedFileError(f"{name} is not what its checksum (.crc) says") from error
            raise ConfigurationError(
                f"CHECKPOINT_URI={self._uri} cannot be used ({kind}: {said[:200]}): "
                "give permission or name another place."
            ) from error
        except PySparkException as error:
            raise ConfigurationError(f"CHECKPOINT_URI={self._uri} is no place that Spark knows: correct it.") from error
