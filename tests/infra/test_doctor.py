"""The checks on machines that are made up: no Docker is needed, and none is asked, unless a test says so."""

import dataclasses
import json

import pytest

from infra.doctor import __main__ as doctor
from infra.doctor.checks import ERROR, NOTE, OK, WARNING, findings, numbers
from infra.doctor.facts import Container, Facts, Settings, published, required_names
from infra.doctor.ports import describe, inodes
from infra.env_file import Setting

GIB = 1024**3
FILE = {"COMPOSE_PROJECT_NAME": "shop", "SPARK_WORKERS": "1", "KAFKA_PORT": "9092", "KAFKA_UI_PORT": "8090", "KEY": "x"}
TEMPLATE = [
    Setting(name, "" if name == "KEY" else value, (), 20 if name == "KEY" else None) for name, value in FILE.items()
]
INFO = {
    "ServerVersion": "28.2.2",
    "OSType": "linux",
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "Architecture": "x86_64",
    "MemTotal": 16 * GIB,
    "MemoryLimit": True,
    "NCPU": 4,
    "DockerRootDir": "/var/lib/docker",
    "Name": "machine",
}
SETTINGS = Settings(TEMPLATE, frozenset({"KEY"}), FILE)
LINUX = Facts(
    system="Linux",
    machine="x86_64",
    is_wsl=False,
    client="Docker version 28.2.2",
    info=INFO,
    engine_error="",
    least_api="1.24",
    context="default",
    endpoint="unix:///var/run/docker.sock",
    environment={},
    compose=("docker compose", "2.39.4"),
    settings=SETTINGS,
    free_bytes=50 * GIB,
)
MAC = dataclasses.replace(LINUX, system="Darwin", machine="arm64", context="desktop-linux", free_bytes=None)


def machine(base=LINUX, settings=None, **changes):
    """A machine: `base` with changes to what docker info tells (upper case) and to other facts."""
    info = {name: value for name, value in changes.items() if name[0].isupper()}
    facts = {name: value for name, value in changes.items() if not name[0].isupper()}
    facts.setdefault("info", {**INFO, **info})
    return dataclasses.replace(base, settings=dataclasses.replace(SETTINGS, **(settings or {})), **facts)


def outcome(check, facts, profiles=()):
    """The worst finding of one check: status and text."""
    found = [each for each in findings(facts, profiles) if each.check == check]
    worst = max(found, key=lambda each: [NOTE, OK, WARNING, ERROR].index(each.status))
    return worst.status, worst.text


def unreachable(base=LINUX, says="Cannot connect to the Docker daemon", **changes):
    """What is said of an engine that does not answer."""
    return outcome("engine", machine(base, info=None, engine_error=says, **changes))


def test_a_good_machine_has_nothing_in_the_way():
    assert {each.status for each in findings(LINUX)} == {OK}


def test_docker_is_missing():
    assert outcome("docker", machine(client=None, info=None))[0] == ERROR
    assert outcome("engine", machine(client=None, info=None))[0] == NOTE


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        ({}, "systemctl start docker"),
        ({"says": "permission denied while trying to connect to /var/run/docker.sock"}, "usermod -aG docker"),
        ({"base": MAC}, "open -a Docker"),
        ({"base": MAC, "context": "colima"}, "colima start"),
        ({"is_wsl": True}, "WSL integration"),
        ({"context": "desktop-linux"}, "docker-desktop"),
        ({"context": "office"}, "the context office"),
        ({"environment": {"DOCKER_HOST": "tcp://10.0.0.1:2376"}}, "DOCKER_HOST=tcp://10.0.0.1:2376"),
    ],
)
def test_an_engine_that_does_not_answer_comes_with_the_remedy_of_the_machine(facts, remedy):
    status, text = unreachable(**facts)
    assert status == ERROR
    assert remedy in text


@pytest.mark.parametrize(
    ("version", "status"),
    [("20.10.24+dfsg1", OK), ("29.0.0-rc.1", OK), ("19.03.15", ERROR), ("1.13.1", ERROR), ("library-import", WARNING)],
)
def test_engines_from_20_10_on_will_do(version, status):
    assert outcome("engine", machine(ServerVersion=version))[0] == status


def test_windows_containers_and_podman_are_told_apart():
    assert outcome("engine", machine(OSType="windows"))[0] == ERROR
    assert outcome("engine", machine(info={"host": {"os": "linux"}}))[0] == WARNING


@pytest.mark.parametrize(
    ("compose", "api", "status"),
    [
        (None, "1.24", ERROR),
        (("docker compose", "v2.5.0"), "1.24", OK),
        (("docker compose", "5.0.1"), "1.44", OK),
        (("docker-compose", "1.29.2"), "1.12", WARNING),
        (("docker-compose", "1.29.2"), "1.44", ERROR),
        (("docker-compose", "1.25.0"), "1.12", ERROR),
        (("docker compose", "dev"), "1.12", WARNING),
    ],
)
def test_compose_is_new_enough_for_the_files_and_for_the_engine(compose, api, status):
    assert outcome("compose", machine(compose=compose, least_api=api))[0] == status


def test_compose_1_that_is_told_to_speak_a_newer_api_is_believed():
    facts = machine(compose=("docker-compose", "1.29.2"), least_api="1.44", environment={"COMPOSE_API_VERSION": "1.44"})
    assert outcome("compose", facts)[0] == WARNING


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (machine(Architecture="aarch64"), OK),
        (machine(MAC, Architecture="aarch64"), OK),
        (machine(Architecture="ppc64le"), ERROR),
        (machine(environment={"DOCKER_DEFAULT_PLATFORM": "linux/amd64"}), OK),
        (machine(environment={"DOCKER_DEFAULT_PLATFORM": "linux/arm64/v8"}), WARNING),
        (machine(MAC, Architecture="aarch64", environment={"DOCKER_DEFAULT_PLATFORM": "linux/amd64"}), WARNING),
        (machine(MAC, Architecture="x86_64"), WARNING),
    ],
)
def test_processors_that_are_emulated_or_have_no_images_are_told(facts, status):
    assert outcome("architecture", facts)[0] == status


@pytest.mark.parametrize(
    ("gib", "workers", "status"),
    [(3.8, 1, ERROR), (5.8, 1, WARNING), (7.7, 1, OK), (7.7, 3, ERROR), (9.6, 3, WARNING), (16, 3, OK)],
)
def test_memory_suffices_for_the_containers_and_each_further_worker(gib, workers, status):
    facts = machine(MemTotal=int(gib * GIB), settings={"file": {**FILE, "SPARK_WORKERS": str(workers)}})
    assert outcome("memory", facts)[0] == status


@pytest.mark.parametrize(
    ("base", "info", "remedy"),
    [
        (MAC, {"OperatingSystem": "Docker Desktop"}, "Settings → Resources"),
        (MAC, {"Name": "colima"}, "colima start --memory 8"),
        (MAC, {"Name": "orbstack"}, "virtual machine"),
        (LINUX, {}, "a machine with 8 GiB"),
    ],
)
def test_low_memory_comes_with_the_remedy_of_the_engine(base, info, remedy):
    assert remedy in outcome("memory", machine(base, MemTotal=4 * GIB, **info))[1]


def test_an_engine_that_cannot_limit_memory_is_told():
    assert outcome("memory", machine(MemoryLimit=False))[0] == WARNING


def test_one_processor_is_slow_but_works():
    assert outcome("processors", machine(NCPU=1))[0] == WARNING


@pytest.mark.parametrize(
    ("gib", "volumes", "status"), [(12, [], OK), (9, [], ERROR), (9, ["shop_kafka-data"], OK), (2, ["x"], ERROR)]
)
def test_the_first_build_needs_more_room_than_later_runs(gib, volumes, status):
    assert outcome("disk", machine(free_bytes=gib * GIB, volumes=volumes))[0] == status


def test_the_room_in_a_virtual_machine_is_not_made_up():
    status, text = outcome("disk", machine(MAC, disk_use="Images 3.1GB"))
    assert status == NOTE
    assert "cannot be seen" in text
    assert "Images 3.1GB" in text


@pytest.mark.parametrize(
    ("settings", "status", "says"),
    [
        ({"file": None}, NOTE, "make env"),
        ({"file": {**FILE, "KEY": ""}}, ERROR, "KEY"),
        ({"error": "infra/.env line 3 is not NAME=value."}, ERROR, "line 3"),
        ({"is_private": False}, WARNING, "chmod 600"),
        ({"file": {**FILE, "KAFKA_PROT": "1"}}, WARNING, "KAFKA_PROT"),
        ({"file": {**FILE, "COMPOSE_PROFILES": "ui"}}, OK, ""),
        ({"file": {**FILE, "COMPOSE_PROJECT_NAME": "My Shop"}}, ERROR, "My Shop"),
        ({"shell": {"KEY": "other"}}, WARNING, "unset KEY"),
        ({"shell": {"KEY": "x"}}, OK, ""),
    ],
)
def test_the_settings_are_there_private_and_what_they_seem(settings, status, says):
    found = outcome("settings", machine(settings=settings))
    assert found[0] == status
    assert says in found[1]


def test_volumes_without_their_secrets_are_told_apart_from_a_new_machine():
    assert "compose-clean" in outcome("settings", machine(settings={"file": None}, volumes=["shop_minio-data"]))[1]


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        (machine(), OK, "free: 9092"),
        (machine(taken={9092: "java, pid 7"}), ERROR, "java, pid 7: stop it, or choose another KAFKA_PORT"),
        (machine(taken={9092: ""}), ERROR, "another user"),
        (machine(taken={9092: "the local servers of `make up`, pid 7"}), ERROR, "`make down`"),
        (machine(taken={9092: ""}, containers=[Container("shop_kafka_1", "shop", frozenset({9092}))]), OK, "are up"),
        (machine(taken={9092: ""}, containers=[Container("other", "x", frozenset({9092}))]), ERROR, "container other"),
        (machine(settings={"file": {**FILE, "KAFKA_PORT": "0"}}), ERROR, "no port"),
        (machine(settings={"shell": {"KAFKA_PORT": "19092"}}), OK, "free: 19092"),
    ],
)
def test_a_port_is_free_or_its_holder_is_named(facts, status, says):
    found = outcome("ports", facts)
    assert found[0] == status
    assert says in found[1]


def test_a_profile_s_port_counts_with_the_profile_only():
    facts = machine(taken={8090: "nginx, pid 9"})
    assert outcome("ports", facts)[0] == OK
    assert outcome("ports", facts, ("ui",))[0] == ERROR


def test_two_settings_cannot_have_one_port():
    facts = machine(settings={"file": {**FILE, "KAFKA_UI_PORT": "9092"}})
    assert outcome("ports", facts, ("ui",)) == (ERROR, "KAFKA_PORT, KAFKA_UI_PORT are all 9092: each needs a port of "
                                                "its own in infra/.env.")  # fmt: skip


def test_published_ports_are_read_from_docker_ps():
    told = "0.0.0.0:8080->80/tcp, :::8080->80/tcp, 127.0.0.1:9000-9001->9000-9001/tcp, [::]:7->7/tcp, 2181/tcp"
    assert published(told) == {8080, 9000, 9001, 7}


def test_names_that_compose_insists_on_are_read_from_its_files():
    assert required_names(["a: ${A:?run make env}\nb: ${B:-x} ${C?}", "d: ${D:?no}"]) == {"A", "C", "D"}


def test_listening_sockets_are_read_from_the_kernel_s_table():
    table = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:2384 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
"""
    assert inodes(table, 9092) == {"4711"}
    assert inodes(table, 2181) == set()


def test_programs_are_named_without_their_folders():
    assert describe("7", ["/usr/bin/java", "-Xmx1g"]) == "java, pid 7"
    assert describe("7", []) == "pid 7"


@pytest.mark.parametrize(
    ("version", "parts"), [("v20.10.24+dfsg1", (20, 10, 24)), ("5", (5,)), ("dev", None), ("", None)]
)
def test_versions_are_their_leading_numbers(version, parts):
    assert numbers(version) == parts


@pytest.mark.parametrize(("facts", "code"), [(LINUX, 0), (machine(NCPU=1), 0), (machine(client=None, info=None), 1)])
def test_only_an_error_fails_the_command(facts, code, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "gather", lambda secure: facts)
    assert doctor.main([]) == code
    capsys.readouterr()
    assert doctor.main(["--json"]) == code
    assert json.loads(capsys.readouterr().out)["ok"] == (code == 0)


def test_a_terminal_without_utf_8_gets_plain_characters():
    found = findings(machine(MAC, MemTotal=4 * GIB, OperatingSystem="Docker Desktop"))
    assert doctor.report(found, "ascii").isascii()
    assert "✗" in doctor.report(found, "utf-8")


def test_this_machine_is_looked_at_without_a_crash(capsys):
    assert doctor.main(["--secure", "--profile", "ui"]) in (0, 1)
    assert capsys.readouterr().out
