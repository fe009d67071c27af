"""Rules on the services of Compose files: each gives the services that break it, with the reason.

The rules see ``${NAME:-default}`` itself, not what it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from compose_sources import VARIABLE, Model

_EXACT_TAG = re.compile(r"[^:]*\d+\.\d+\.\d+|.*(?<!\d)20\d\d-?\d\d-?\d\d(?!\d)")
_SECRET_WORDS = {"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "KEY", "TOKEN"}
# Names of files are no secrets; Confluent's images call the name of a password file CREDENTIALS.
_FILE_WORDS = {"FILE", "FILENAME", "LOCATION", "PATH", "DIR", "CREDENTIALS"}
_JAAS_PASSWORD = re.compile(r"""password\s*=\s*\\?["']?(?!\\?["']?\$\{)[^\s"']""", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\$\{env:[A-Z_]+\}")
_BOTH_ARCHITECTURES = {
    "confluentinc/cp-kafka", "confluentinc/cp-zookeeper", "python", "golang", "debian", "ghcr.io/kafbat/kafka-ui",
}  # fmt: skip
# Images whose own last USER is not root: Confluent's is appuser (1000), Kafka UI's is kafkaui.
ROOTLESS_IMAGES = {"confluentinc/cp-kafka", "confluentinc/cp-zookeeper", "ghcr.io/kafbat/kafka-ui"}


def services(model: Model) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, service) of each."""
    yield from (model.get("services") or {}).items()


def is_job(service: Mapping[str, Any]) -> bool:
    """Runs once, to its end."""
    return service.get("restart") == "no"


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """A service's environment, from a mapping or from a list."""
    told = service.get("environment") or {}
    pairs = told.items() if isinstance(told, dict) else (each.partition("=")[::2] for each in told)
    return {str(name): "" if value is None else str(value) for name, value in pairs}


def built_images(model: Model) -> dict[str, dict[str, Any]]:
    """References of the images that a service of these files builds, with how; others may use them."""
    return {service["image"]: service["build"] for _, service in services(model) if "build" in service}


def default_image(reference: str) -> str:
    """``python:3.11.14`` of ``${PYTHON_BASE_IMAGE:-python:3.11.14}``."""
    match = VARIABLE.fullmatch(reference)
    return match[3] or "" if match else reference


def split_image(image: str) -> tuple[str, str]:
    """(repository, tag or digest) of an image without a variable."""
    repository, digest_mark, digest = image.partition("@")
    head, colon, tag = repository.rpartition(":")
    if not colon or "/" in tag:
        head, tag = repository, ""
    return head, digest if digest_mark else tag


def has_exact_tag(image: str) -> bool:
    """A tag with three numbers or a date, or a digest: not one that is moved from release to release."""
    tag = split_image(image)[1]
    return tag.startswith("sha256:") or bool(_EXACT_TAG.match(tag))


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, and not the name of a file with one."""
    words = set(name.upper().split("_"))
    return bool(words & _SECRET_WORDS) and not words & _FILE_WORDS


def inexact_images(model: Model) -> list[str]:
    """Images that may be another tomorrow, that no variable can replace, or that nobody publishes any more."""
    found = []
    for name, service in services(model):
        reference = str(service.get("image", ""))
        image = default_image(reference)
        repository, tag = split_image(image)
        if not re.fullmatch(r"\$\{[A-Z_]+_IMAGE:-.+\}", reference):
            found.append(f"{name}: {reference or 'no image'} is not ${{…_IMAGE:-default}}")
        if not has_exact_tag(image):
            found.append(f"{name}: {image} has no exact tag")
        if "bitnami" in repository or (repository.startswith("confluentinc/") and not tag.startswith("7.9.")):
            found.append(f"{name}: {image} is not to be used")
        if reference not in built_images(model) and repository not in _BOTH_ARCHITECTURES:
            found.append(f"{name}: {repository} is not known to exist for amd64 and arm64")
    return found


def inexact_build_arguments(model: Model) -> list[str]:
    """Base images in build arguments without an exact default tag or without a variable."""
    found = []
    for name, service in services(model):
        build = service.get("build") or {}
        for argument, value in (build.get("args") or {} if isinstance(build, dict) else {}).items():
            if argument.endswith("_IMAGE"):
                image = default_image(str(value))
                repository, _ = split_image(image)
                if not VARIABLE.fullmatch(str(value)) or not has_exact_tag(image):
                    found.append(f"{name}: {argument} is not ${{{argument}:-exact default}}")
                if repository not in _BOTH_ARCHITECTURES:
                    found.append(f"{name}: {repository} is not known to exist for amd64 and arm64")
    return found


def open_ports(model: Model) -> list[str]:
    """Ports published to others than this machine, or not by a variable."""
    wanted = re.compile(r"127\.0\.0\.1:\$\{[A-Z_0-9]+_PORT:-\d+\}:\d+(/tcp)?")
    return [f"{name}: {port}" for name, service in services(model) for port in service.get("ports") or []
            if not wanted.fullmatch(str(port))]  # fmt: skip


def guessable_secrets(model: Model) -> list[str]:
    """Secrets in the environment that are not ``${NAME:?…}``; ``$${env:NAME}`` is Kafka's reference to such a one."""
    found = []
    for name, service in services(model):
        for variable, told in environment(service).items():
            value = _REFERENCE.sub("${NAME:?}", told)
            if (
                is_secret_name(variable) and not re.fullmatch(r"\$\{[A-Z_0-9]+:\?[^}]*\}", value)
            ) or _JAAS_PASSWORD.search(value):
                found.append(f"{name}: {variable}")
    return found


def secrets_in_sight(model: Model, secrets: set[str]) -> list[str]:
    """Secrets outside the environment: in commands, health checks, labels and build arguments others can see them."""
    found = []
    for name, service in services(model):
        for key, value in service.items():
            names = {match[1] for match in VARIABLE.finditer(str(value))} & secrets
            if key != "environment":
                found += [f"{name}: {key} has {secret}" for secret in sorted(names)]
    return found


def unbounded(model: Model) -> list[str]:
    """Services that may take all memory or disk: no memory limit, or logs without an end."""
    found = []
    for name, service in services(model):
        limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
        if not (service.get("mem_limit") or limits.get("memory")):
            found.append(f"{name}: no memory limit")
        options = (service.get("logging") or {}).get("options") or {}
        if not {"max-size", "max-file"} <= options.keys():
            found.append(f"{name}: no log rotation")
    return found


def privileged(model: Model, rootless: frozenset[str] = frozenset()) -> list[str]:
    """Services with more rights than they need; `rootless` names those whose image ends with a user of its own."""
    found = []
    for name, service in services(model):
        if service.get("cap_drop") != ["ALL"]:
            found.append(f"{name}: cap_drop is not [ALL]")
        if "no-new-privileges:true" not in (service.get("security_opt") or []):
            found.append(f"{name}: no-new-privileges is missing")
        user = str(service.get("user", ""))
        if user.split(":")[0] in ("root", "0") or not (user or name in rootless):
            found.append(f"{name}: runs as root, or nothing says otherwise")
        more = [key for key in ("privileged", "cap_add", "devices", "pid", "ipc", "userns_mode") if service.get(key)]
        more += ["network_mode: host"] if service.get("network_mode") == "host" else []
        more += ["docker.sock"] if "docker.sock" in str(service.get("volumes")) else []
        found += [f"{name}: {key}" for key in more]
    return found


def unwatched(model: Model) -> list[str]:
    """Services that run on and on without a health check, or whose restart policy suits neither them nor a job."""
    awaited = {target for _, service in services(model) for target in service.get("depends_on") or {}}
    found = []
    for name, service in services(model):
        if not is_job(service):
            check = service.get("healthcheck") or {}
            if not check.get("test") or check.get("disable"):
                found.append(f"{name}: no health check")
            if service.get("restart") not in ("unless-stopped", "on-failure"):
                found.append(f"{name}: restart is {service.get('restart')}")
        elif name not in awaited and not service.get("profiles"):
            found.append(f"{name}: a job that nobody waits for")
    return found


def hopeless_waits(model: Model) -> list[str]:
    """Dependencies that can never be fulfilled, or that do not wait."""
    known = dict(services(model))
    found = []
    for name, service in known.items():
        waits = service.get("depends_on") or {}
        if not isinstance(waits, dict):
            found.append(f"{name}: depends_on without conditions")
            continue
        for target, wait in waits.items():
            condition = wait.get("condition")
            if target not in known:
                found.append(f"{name}: {target} does not exist")
            elif condition == "service_healthy" and not known[target].get("healthcheck"):
                found.append(f"{name}: {target} has no health check")
            elif condition == "service_completed_successfully" and not is_job(known[target]):
                found.append(f"{name}: {target} does not end")
            elif condition not in ("service_healthy", "service_completed_successfully"):
                found.append(f"{name}: waits for {target} to be {condition}")
            elif set(known[target].get("profiles") or []) - set(service.get("profiles") or []):
                found.append(f"{name}: {target} starts with a profile only")
    return found


MODEL_RULES: tuple[Callable[[Model], list[str]], ...] = (
    inexact_images, inexact_build_arguments, open_ports, guessable_secrets, unbounded, unwatched, hopeless_waits,
)  # fmt: skip
