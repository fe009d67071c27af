"""Stand-ins for the images that cannot be pulled here, under the very tags that the compose files name.

They honour the part of the real images' documented contract that the files use (environment, user, paths, port,
the tools of the health checks) and nothing more. Everything is built on a Debian made by debootstrap.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from infra import jars

STANDINS = Path(__file__).parent / "standins"
BASE = "debian-bootstrapped"
_HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_PULL_SECONDS = 300
# A marker on each: `docker image ls --filter label=stand-in` lists them.
LABEL = "stand-in"


def provide(images: Iterable[str], say: Callable[[str], None]) -> list[str]:
    """Have all `images`: those that the engine holds, else pulled, else a stand-in. Returns the stand-ins' tags.

    Raises RuntimeError for an image that can neither be pulled nor be stood in for.
    """
    standing_in = []
    for image in sorted(set(images)):
        if not _exists(image):
            if _pull(image):
                say(f"{image}: pulled")
                continue
            say(f"{image}: cannot be pulled, a stand-in is made")
            _build(image)
        if _is_standin(image):
            standing_in.append(image)
    return standing_in


def _build(image: str) -> None:
    name = image.partition(":")[0].rpartition("/")[2]
    if name not in _RECIPES:
        raise RuntimeError(f"{image} can neither be pulled nor be stood in for: add a recipe to {__file__}.")
    if not _exists(BASE):
        _bootstrap()
    with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
        context = Path(folder)
        recipe, *arguments = _RECIPES[name](context, name)
        shutil.copyfile(STANDINS / recipe, context / "Dockerfile")
        _run("docker", "build", "--quiet", "--label", LABEL, "--tag", image, *arguments, folder)


def _python(context: Path, name: str) -> list[str]:
    _copy_certificates(context)
    return ["python.Dockerfile"]


def _golang(context: Path, name: str) -> list[str]:
    _copy_certificates(context)
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    shutil.copytree(root, context / "go", symlinks=True)
    return ["golang.Dockerfile"]


def _confluent(context: Path, name: str) -> list[str]:
    (context / "jars").mkdir()
    for jar in jars.fetch(jars.KAFKA):
        shutil.copyfile(jar, context / "jars" / jar.name)
    for file in ("run", "log4j.properties"):
        shutil.copyfile(STANDINS / file, context / file)
    return ["confluent.Dockerfile", "--build-arg", f"SERVER={name.removeprefix('cp-')}"]


def _ui(context: Path, name: str) -> list[str]:
    shutil.copyfile(STANDINS / "ui.py", context / "ui.py")
    return ["ui.Dockerfile"]


_RECIPES = {
    "python": _python,
    "golang": _golang,
    "cp-zookeeper": _confluent,
    "cp-kafka": _confluent,
    "kafka-ui": _ui,
}


def _copy_certificates(context: Path) -> None:
    target = context / "certificates"
    target.mkdir()
    for certificate in _HOST_CERTIFICATES.glob("*.crt"):
        shutil.copyfile(certificate, target / certificate.name)


def _bootstrap() -> None:
    with tempfile.TemporaryDirectory(prefix="debootstrap-") as folder:
        _run("debootstrap", "--variant=minbase", "bookworm", folder)
        archive = subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE)
        subprocess.run(["docker", "import", "-", BASE], stdin=archive.stdout, check=True, stdout=subprocess.DEVNULL)
        archive.wait()


def _exists(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def _is_standin(image: str) -> bool:
    command = ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image]
    return LABEL in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _pull(image: str) -> bool:
    try:
        command = ["docker", "pull", "--quiet", image]
        return subprocess.run(command, capture_output=True, check=False, timeout=_PULL_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _run(*command: str) -> None:
    """Run to the end; its output only if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")


if __name__ == "__main__":
    provide(sys.argv[1:], print)
