"""What disks, power cuts and people do to a checkpoint's files, and what is to be said about it.

Each damage is a function of the checkpoint's folder. It starts from three committed batches of the topic `raw`.
"""

from __future__ import annotations

import shutil
from pathlib import Path


def remove(folder: Path, *names: str) -> None:
    """Files as Hadoop removes them, with their checksums; or folders."""
    for name in names:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        (path.parent / f".{path.name}.crc").unlink(missing_ok=True)


def write(folder: Path, name: str, text: str) -> None:
    remove(folder, name)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def cut(folder: Path, name: str, characters: int) -> None:
    write(folder, name, (folder / name).read_text()[:-characters])


def replace(folder: Path, name: str, old: str, new: str) -> None:
    write(folder, name, (folder / name).read_text().replace(old, new))


def only_batch_0(folder: Path) -> None:
    remove(folder, "offsets/1", "offsets/2", "commits/0", "commits/1", "commits/2")


def line(name: str, text: str):
    """Puts `text` in the place of a log's last line."""
    return lambda f: write(f, name, "\n".join([*(f / name).read_text().split("\n")[:-1], text]))


MOVE_AWAY = {
    "metadata is lost": (lambda f: remove(f, "metadata"), "metadata is missing"),
    "metadata is lost, and only the place of the start is left": (
        lambda f: remove(f, "metadata", "offsets", "commits"), "metadata is missing"),
    "metadata is lost, and only the offsets are left": (
        lambda f: remove(f, "metadata", "sources", "commits"), "metadata is missing"),
    "metadata is empty": (lambda f: write(f, "metadata", ""), "metadata is empty"),
    "metadata is garbage": (lambda f: write(f, "metadata", "garbage"), "metadata is damaged"),
    "metadata has no id": (lambda f: write(f, "metadata", "{}"), "metadata is damaged"),
    "metadata was changed behind its checksum": (
        lambda f: (f / "metadata").write_text('{"id":"00000000-0000-4000-8000-000000000000"}'), "metadata is not what"),
    "newest offsets are empty": (lambda f: write(f, "offsets/2", ""), "offsets/2 is empty"),
    "newest offsets are garbage": (lambda f: write(f, "offsets/2", "garbage\n"), "offsets/2 begins with 'garbage'"),
    "newest offsets are of another version": (
        lambda f: replace(f, "offsets/2", "v1", "v2"), "offsets/2 begins with 'v2'"),
    "newest offsets are no text": (lambda f: (f / "offsets/2").write_bytes(b"\xff\xfe"), "offsets/2 is damaged"),
    "newest offsets end in the version": (lambda f: write(f, "offsets/2", "v1"), "offsets/2 is cut off"),
    "newest offsets end in the metadata": (lambda f: write(f, "offsets/2", 'v1\n{"batch'), "offsets/2 is damaged"),
    "newest offsets end before the source": (line("offsets/2", ""), "offsets/2 is damaged"),
    "newest offsets end within the source": (lambda f: cut(f, "offsets/2", 3), "offsets/2 is damaged"),
    "newest offsets have no source": (line("offsets/2", "-"), "offsets/2 is damaged"),
    "newest offsets have no number": (line("offsets/2", '{"raw": {"0": "7", "1": 4}}'), "offsets/2 is damaged"),
    "newest offsets go back": (line("offsets/2", '{"raw": {"0": 4, "1": 4}}'), "offsets/2 ends before it begins"),
    "newest offsets lack a partition": (line("offsets/2", '{"raw": {"0": 7}}'), "offsets/2 ends before it begins"),
    "newest offsets are a folder": (
        lambda f: (remove(f, "offsets/2"), (f / "offsets/2").mkdir()), "offsets/2 is a folder"),
    "newest offsets do not say when": (lambda f: write(f, "offsets/2", 'v1\n{}\n{"raw": {"0": 7}}'), "2 is damaged"),
    "newest offsets are gone, their commit is there": (
        lambda f: remove(f, "offsets/2"), "offsets/2 is missing, though commits/2"),
    "all offsets are gone": (lambda f: remove(f, "offsets"), "offsets/2 is missing, though commits/2"),
    "offsets before the newest are gone": (lambda f: remove(f, "offsets/1"), "offsets/1 is missing"),
    "offsets before the newest are empty": (lambda f: write(f, "offsets/1", ""), "offsets/1 is empty"),
    "offsets before the newest are cut off": (lambda f: cut(f, "offsets/1", 3), "offsets/1 is damaged"),
    "two commits are gone": (lambda f: remove(f, "commits/1", "commits/2"), "commits/1 is missing"),
    "all commits are gone": (lambda f: remove(f, "commits"), "commits/1 is missing"),
    "the commit before an open batch is empty": (
        lambda f: (remove(f, "commits/2"), write(f, "commits/1", "")), "commits/1 is empty"),
    "the place of the start is gone, and needed": (
        lambda f: (only_batch_0(f), remove(f, "sources")), "sources/0/0 is missing"),
    "the place of the start is empty, and needed": (
        lambda f: (only_batch_0(f), write(f, "sources/0/0", "")), "sources/0/0 is empty"),
    "the place of the start is cut off, and needed": (
        lambda f: (only_batch_0(f), cut(f, "sources/0/0", 3)), "sources/0/0 is damaged"),
    "the place of the start is damaged before the first batch": (
        lambda f: (remove(f, "offsets", "commits"), write(f, "sources/0/0", "\0v1\n")), "sources/0/0 is damaged"),
}  # fmt: skip
DELETE = {
    "newest commit is empty": (lambda f: write(f, "commits/2", ""), "commits/2 is empty"),
    "newest commit is garbage": (lambda f: write(f, "commits/2", "garbage\n"), "commits/2 begins with 'garbage'"),
    "newest commit is cut off": (lambda f: cut(f, "commits/2", 3), "commits/2 is damaged"),
    "newest commit was changed behind its checksum": (
        lambda f: (f / "commits/2").write_text('v1\n{"nextBatchWatermarkMs":1}'), "commits/2 is not what its checksum"),
    "newest commit was removed without its checksum": (
        lambda f: (f / "commits" / "2").unlink(), "commits/.2.crc: a checksum without file"),
    "a batch was removed without its checksums": (
        lambda f: (remove(f, "offsets/2", "commits/2"), (f / "offsets/.2.crc").touch(), (f / "commits/.2.crc").touch()),
        "offsets/.2.crc, commits/.2.crc: checksums without file"),
    "the place of the start was removed without its checksum": (
        lambda f: (remove(f, "offsets", "commits", "sources/0/0"), (f / "sources/0/.0.crc").touch()),
        "sources/0/.0.crc: a checksum without file"),
    "nothing but a checksum is left": (
        lambda f: (remove(f, "metadata", "offsets", "commits", "sources"), (f / ".metadata.crc").touch()),
        ".metadata.crc: a checksum without file"),
}  # fmt: skip
FOREIGN = {
    "another topic": (line("offsets/2", '{"other": {"0": 7}}'), "offsets/2 is of other, and RAW_TOPIC is raw"),
    "two topics": (line("offsets/2", '{"raw": {"0": 7}, "other": {"0": 7}}'), "is of raw, other, and RAW_TOPIC is raw"),
    "a file source": (line("offsets/2", '{"logOffset": 3}'), "another source than Kafka"),
    "a rate source": (line("offsets/2", "12"), "another source than Kafka"),
    "two sources": (line("offsets/2", '{"raw": {"0": 7}}\n{"raw": {"0": 7}}'), "2 sources"),
    "a query with state": (lambda f: (f / "state").mkdir(), "state/"),
    "a Delta table": (lambda f: (f / "_delta_log").mkdir(), "Delta table"),
}  # fmt: skip
