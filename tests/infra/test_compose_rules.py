"""Each rule on Compose files and Dockerfiles lets a good file pass and can fail."""

import json
from pathlib import Path

import pytest
from compose_rules import (
    guessable_secrets,
    hopeless_waits,
    inexact_build_arguments,
    inexact_images,
    open_ports,
    privileged,
    secrets_in_sight,
    unbounded,
    unwatched,
)
from compose_sources import (
    interpolated,
    merged,
    optional_secrets,
    other_defaults,
    parse,
    repeated_keys,
    schema_errors,
    unbraced_variables,
    undocumented_variables,
    variables,
)
from dockerfile_rules import (
    baked_secrets,
    downloads_unchecked,
    loose_bases,
    root_at_the_end,
)

SPECIFICATION = Path(__file__).with_name("compose-spec.json").read_bytes()
GOOD = """\
services:
  broker:
    image: ${KAFKA_IMAGE:-confluentinc/cp-kafka:7.9.6}
    user: "1000:1000"
    restart: unless-stopped
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    mem_limit: 1g
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    ports: ["127.0.0.1:${KAFKA_PORT:-9092}:9092"]
    environment:
      ADMIN_PASSWORD: ${ADMIN_PASSWORD:?run make env}
      SSL_KEYSTORE_LOCATION: /certificates/broker.p12
      JAAS: user="admin" password="${ADMIN_PASSWORD:?run make env}";
    command: ["start", "$$HOME"]
    healthcheck: {test: ["CMD", "true"]}
    depends_on:
      init: {condition: service_completed_successfully}
  init:
    image: ${OWN_IMAGE:-shop/init:0.1.0}
    build:
      context: .
      args: {PYTHON_BASE_IMAGE: "${PYTHON_BASE_IMAGE:-python:3.11.16-slim-bookworm}"}
    user: app
    restart: "no"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    mem_limit: 256m
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
"""
GOOD_DOCKERFILE = """\
ARG PYTHON_BASE_IMAGE=python:3.11.16-slim-bookworm
FROM ${PYTHON_BASE_IMAGE} AS build
# ADD https://example.com/x
RUN pip install \\
    wheel
FROM ${PYTHON_BASE_IMAGE}
COPY --from=build /x /x
ENV SSL_KEY_FILE=/certificates/key.pem PATH=/opt:$PATH
USER app
"""


def seen(rule, source):
    """A rule's findings on the text of a Compose file."""
    if rule in (optional_secrets, secrets_in_sight):
        return rule(source if rule is optional_secrets else parse(source), {"ADMIN_PASSWORD"})
    if rule is schema_errors:
        return rule(source, json.loads(SPECIFICATION))
    return rule(source) if rule in (unbraced_variables, repeated_keys) else rule(parse(source))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (schema_errors, "mem_limit: 1g", "memory_limit: 1g"),
        (schema_errors, "cap_drop: [ALL]", "cap_drop: ALL"),
        (inexact_images, "cp-kafka:7.9.6", "cp-kafka:latest"),
        (inexact_images, "cp-kafka:7.9.6", "cp-kafka"),
        (inexact_images, "cp-kafka:7.9.6", "cp-kafka:7.9"),
        (inexact_images, "cp-kafka:7.9.6", "cp-kafka:8.0.0"),
        (inexact_images, "confluentinc/cp-kafka:7.9.6", "bitnami/kafka:3.9.0"),
        (inexact_images, "confluentinc/cp-kafka:7.9.6", "somebody/kafka:3.9.0"),
        (inexact_images, "${KAFKA_IMAGE:-confluentinc/cp-kafka:7.9.6}", "confluentinc/cp-kafka:7.9.6"),
        (inexact_images, "${KAFKA_IMAGE:-confluentinc/cp-kafka:7.9.6}", "${KAFKA_IMAGE:?run make env}"),
        (inexact_build_arguments, "python:3.11.16-slim-bookworm", "python:3.11-slim"),
        (inexact_build_arguments, '"${PYTHON_BASE_IMAGE:-python:3.11.16-slim-bookworm}"', "python:3.11.14"),
        (inexact_build_arguments, "python:3.11.16-slim-bookworm", "somebody/python:3.11.14"),
        (open_ports, "127.0.0.1:", ""),
        (open_ports, "127.0.0.1:", "0.0.0.0:"),
        (open_ports, "${KAFKA_PORT:-9092}", "9092"),
        (guessable_secrets, "ADMIN_PASSWORD: ${ADMIN_PASSWORD:?run make env}", "ADMIN_PASSWORD: admin"),
        (guessable_secrets, "ADMIN_PASSWORD: ${ADMIN_PASSWORD:?run make env}", "SECRET_KEY: ${SECRET_KEY:-x}"),
        (guessable_secrets, "ADMIN_PASSWORD: ${ADMIN_PASSWORD:?run make env}", "TOKEN: ${TOKEN}"),
        (guessable_secrets, 'password="${ADMIN_PASSWORD:?run make env}"', 'password="admin"'),
        (optional_secrets, 'password="${ADMIN_PASSWORD:?run make env}"', 'password="${ADMIN_PASSWORD:-x}"'),
        (optional_secrets, "ADMIN_PASSWORD: ${ADMIN_PASSWORD:?run make env}", "X: ${ADMIN_PASSWORD}"),
        (secrets_in_sight, '"start"', '"start", "${ADMIN_PASSWORD:?run make env}"'),
        (repeated_keys, "mem_limit: 1g", "mem_limit: 1g\n    mem_limit: 2g"),
        (repeated_keys, "{driver: json-file", "{driver: json-file, driver: local"),
        (unbraced_variables, '"$$HOME"', '"$HOME"'),
        (unbounded, "    mem_limit: 1g\n", ""),
        (unbounded, "max-size: 10m, ", ""),
        (privileged, "    cap_drop: [ALL]\n", ""),
        (privileged, "no-new-privileges:true", "seccomp:unconfined"),
        (privileged, 'user: "1000:1000"', 'user: "0"'),
        (privileged, '    user: "1000:1000"\n', ""),
        (privileged, "mem_limit: 1g", "mem_limit: 1g\n    privileged: true"),
        (privileged, "mem_limit: 1g", "mem_limit: 1g\n    cap_add: [SYS_ADMIN]"),
        (privileged, "mem_limit: 1g", "mem_limit: 1g\n    network_mode: host"),
        (privileged, "mem_limit: 1g", 'mem_limit: 1g\n    volumes: ["/var/run/docker.sock:/x"]'),
        (unwatched, '    healthcheck: {test: ["CMD", "true"]}\n', ""),
        (unwatched, "restart: unless-stopped", "restart: always"),
        (unwatched, "    restart: unless-stopped\n", ""),
        (unwatched, "    depends_on:\n      init: {condition: service_completed_successfully}\n", ""),
        (hopeless_waits, "init: {condition", "nobody: {condition"),
        (hopeless_waits, "service_completed_successfully", "service_healthy"),
        (hopeless_waits, "service_completed_successfully", "service_started"),
        (hopeless_waits, "\n      init: {condition: service_completed_successfully}", " [init]"),
        (hopeless_waits, 'restart: "no"', "restart: on-failure"),
        (hopeless_waits, "user: app", "user: app\n    profiles: [tools]"),
    ],
)
def test_each_rule_can_fail(rule, good, bad):
    assert good in GOOD
    assert not seen(rule, GOOD)
    assert seen(rule, GOOD.replace(good, bad, 1))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (loose_bases, "=python:3.11.16-slim-bookworm", "=python:3.11"),
        (loose_bases, "ARG PYTHON_BASE_IMAGE=python:3.11.16-slim-bookworm", "ARG PYTHON_BASE_IMAGE"),
        (loose_bases, "FROM ${PYTHON_BASE_IMAGE}\n", "FROM python:3.11.14\n"),
        (root_at_the_end, "USER app\n", ""),
        (root_at_the_end, "USER app\n", "USER app\nUSER root\n"),
        (root_at_the_end, "USER app\n", "USER app\nFROM build\n"),
        (downloads_unchecked, "COPY --from=build /x /x", "ADD https://example.com/x.tar.gz /x"),
        (baked_secrets, "SSL_KEY_FILE=", "SSL_KEY="),
        (baked_secrets, "PATH=", "A=b API_TOKEN="),
        (baked_secrets, "USER app", "ARG PASSWORD\nUSER app"),
    ],
)
def test_each_rule_on_dockerfiles_can_fail(rule, good, bad):
    assert good in GOOD_DOCKERFILE
    assert not rule(GOOD_DOCKERFILE)
    assert rule(GOOD_DOCKERFILE.replace(good, bad, 1))


def test_the_rules_on_the_template_can_fail():
    assert undocumented_variables(["a: ${A:-1} # ${C}"], {"B"}) == [
        "A is not in the template",
        "B is in the template only",
    ]
    assert other_defaults(["a: ${A:-1} ${B:?no} ${C:-3}"], {"A": "2", "B": "2", "C": "3"}) != []
    assert other_defaults(["a: ${A:-1} ${B:?no} ${C:-3}"], {"A": "1", "B": "2", "C": "3"}) == []


def test_files_are_laid_over_each_other_as_compose_does_it():
    base = {"environment": {"A": "1", "B": "1"}, "ports": ["1"], "command": ["a", "b"], "image": "x"}
    over = {"environment": {"B": "2"}, "ports": ["2"], "command": ["c"]}
    assert merged(base, over) == {
        "environment": {"A": "1", "B": "2"},
        "ports": ["1", "2"],
        "command": ["c"],
        "image": "x",
    }


def test_variables_are_read_without_comments_and_without_escaped_ones():
    assert variables("a: ${A} # ${B}\nb: $${C} ${D:-x}-${E:?y}") == {"A", "D", "E"}
    assert interpolated("${A:-1}/${B:?no}/${C}") == "1/1/1"
