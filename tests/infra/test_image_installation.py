"""The Spark image without a Docker engine: its installation step has all that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dockerfile_rules import instructions

from infra import jars
from infra.places import PROJECT_ROOT, cache_folder
from pipelines import judge_sources

DOCKERFILE = PROJECT_ROOT / "infra" / "spark" / "Dockerfile"


def copied_before_the_installation() -> list[tuple[str, str]]:
    """(what, where to) of each COPY from the context before the RUN that installs the jars."""
    found = []
    for word, rest in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if word == "RUN" and "infra.jars install" in rest:
            return found
        if word == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            found += [(source, target) for source in sources]
    raise AssertionError("no RUN installs the jars")


def copy(source: str, target: str, image: Path) -> None:
    """As COPY does: a folder's content goes into `target`, a file too if that ends with a slash."""
    given, place = PROJECT_ROOT / source, image / target
    if given.is_dir():
        shutil.copytree(given, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        place = place / given.name if target.endswith("/") else place
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given, place)


def test_the_jars_are_installed_from_what_is_copied_before(tmp_path: Path) -> None:
    image, conf = tmp_path / "image", tmp_path / "spark-conf"
    for source, target in copied_before_the_installation():
        copy(source, target, image)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "infra.jars", "install", "--on-every-node", "--conf-dir", str(conf)]

    done = subprocess.run(
        command, cwd=image, env=environment | {"ECOMMERCE_CACHE": str(cache_folder())}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    lines = (conf / "spark-defaults.conf").read_text().splitlines()
    (named,) = (line.split()[1].split(",") for line in lines if line.startswith("spark.jars "))
    assert f"local:{jars.judge_jar()}" in named
    assert any(line.split() == ["spark.sql.catalog.ecommerce", "ecommerce.judge.Functions"] for line in lines)
    assert judge_sources.digest(image / "pipelines" / "jvm") == judge_sources.digest()
