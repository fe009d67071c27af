"""The Compose files and Dockerfiles, read against rules: pins, ports, secrets, limits, rights, health.

No Docker needed. That each rule can fail is in test_compose_rules.py.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from compose_rules import (
    MODEL_RULES,
    ROOTLESS_IMAGES,
    built_images,
    default_image,
    privileged,
    secrets_in_sight,
    services,
    split_image,
)
from compose_sources import (
    merged,
    optional_secrets,
    other_defaults,
    parse,
    repeated_keys,
    schema_errors,
    unbraced_variables,
    undocumented_variables,
)
from dockerfile_rules import (
    DOCKERFILE_RULES,
    base_defaults,
    root_at_the_end,
)

from infra.env_file import parse_template

HERE = Path(__file__).parent
INFRA = HERE.parents[1] / "infra"
BASE = (INFRA / "docker-compose.yml").read_text(encoding="utf-8")
SECURE = (INFRA / "docker-compose.secure.yml").read_text(encoding="utf-8")
TEMPLATE = parse_template((INFRA / ".env.example").read_text(encoding="utf-8"))
SECRETS = {setting.name for setting in TEMPLATE if setting.length}
DOCKERFILES = sorted(INFRA.rglob("Dockerfile"))
# From github.com/compose-spec/compose-go/v2 v2.16.2, unchanged; see compose-spec.NOTICE.
SPECIFICATION = (HERE / "compose-spec.json").read_bytes()
SPECIFICATION_SHA256 = "f266dcbb043229405d7cedd5aec918f9102c2b3d5e3850808fdd8edd564a43ff"
# Read by Docker Compose itself, not by the files.
COMPOSE_OWN = {"COMPOSE_PROJECT_NAME"}

STACKS = pytest.mark.parametrize(
    "stack", [parse(BASE), merged(parse(BASE), parse(SECURE))], ids=["plain", "secure"]
)  # fmt: skip
FILES = pytest.mark.parametrize("source", [BASE, SECURE], ids=["plain", "secure"])


def dockerfile(build):
    """The Dockerfile that an image is built from."""
    return (INFRA / build["context"] / build.get("dockerfile", "Dockerfile")).resolve()


def with_a_user_of_its_own(stack):
    """Services whose image does not end as root: known images, and those built here."""
    rootless = {reference for reference, build in built_images(stack).items()
                if not root_at_the_end(dockerfile(build).read_text(encoding="utf-8"))}  # fmt: skip
    return frozenset(
        name
        for name, service in services(stack)
        if service["image"] in rootless or split_image(default_image(service["image"]))[0] in ROOTLESS_IMAGES
    )


@FILES
def test_the_files_keep_to_the_compose_specification(source):
    assert schema_errors(source, json.loads(SPECIFICATION)) == []


@STACKS
@pytest.mark.parametrize("rule", MODEL_RULES, ids=lambda rule: rule.__name__)
def test_the_services_keep_the_rule(stack, rule):
    assert rule(stack) == []


@STACKS
def test_no_service_has_more_rights_than_it_needs(stack):
    assert privileged(stack, with_a_user_of_its_own(stack)) == []


@STACKS
def test_secrets_are_in_the_environment_only(stack):
    assert secrets_in_sight(stack, SECRETS) == []


@FILES
def test_no_secret_has_a_default(source):
    assert optional_secrets(source, SECRETS) == []


@FILES
def test_no_key_stands_twice(source):
    assert repeated_keys(source) == []


@FILES
def test_variables_are_in_braces(source):
    assert unbraced_variables(source) == []


def test_the_template_has_every_variable_and_no_other():
    assert undocumented_variables([BASE, SECURE], {setting.name for setting in TEMPLATE} - COMPOSE_OWN) == []


def test_the_template_shows_the_files_defaults():
    assert other_defaults([BASE, SECURE], {s.name: s.default for s in TEMPLATE if not s.length}) == []


@pytest.mark.parametrize("rule", DOCKERFILE_RULES, ids=lambda rule: rule.__name__)
def test_the_dockerfiles_keep_the_rule(rule):
    assert DOCKERFILES
    assert [f"{file.parent.name}: {problem}" for file in DOCKERFILES for problem in rule(file.read_text("utf-8"))] == []


@STACKS
def test_compose_and_dockerfile_build_on_the_same_images(stack):
    assert built_images(stack)
    for build in built_images(stack).values():
        arguments = (build.get("args") or {}).items()
        given = {name: default_image(str(value)) for name, value in arguments if name.endswith("_BASE_IMAGE")}
        assert given == base_defaults(dockerfile(build).read_text(encoding="utf-8"))


@pytest.mark.parametrize("program", [("docker", "compose"), ("docker-compose",)], ids=" ".join)
@pytest.mark.parametrize(
    "files", [["docker-compose.yml"], ["docker-compose.yml", "docker-compose.secure.yml"]], ids=len
)
def test_docker_compose_reads_the_files(program, files):
    if not shutil.which(program[0]) or subprocess.run([*program, "version"], capture_output=True).returncode:
        pytest.skip(f"no {' '.join(program)}")
    made_up = {setting.name: "x" for setting in TEMPLATE if setting.length}
    command = [*program, *(part for file in files for part in ("-f", file)), "config", "--quiet"]
    done = subprocess.run(command, cwd=INFRA, env={**os.environ, **made_up}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_specification_is_the_published_one():
    assert hashlib.sha256(SPECIFICATION).hexdigest() == SPECIFICATION_SHA256
