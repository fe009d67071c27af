"""What a stack records, and how wishes and records meet."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from infra.local import Stack, choice
from infra.local.ports import free_ports
from infra.local.state import FILE_NAME, Ports, State, new_state, read_state, write_state
from pipelines.cli import ConfigurationError


def recorded(ports: Ports = Ports(), s3_server: str = "s3proxy") -> State:  # noqa: B008 - frozen
    """A state as an earlier `up` left it."""
    return new_state(ports, s3_server)


def chosen(state: State | None, *, running: bool = False, s3_server: str | None = None, **ports: int) -> State:
    """The choice for these wishes."""
    return choice.choose(Path("/home"), state, ports, s3_server, running)


def test_a_state_is_read_back_and_private(tmp_path: Path) -> None:
    state = recorded(Ports(zookeeper=1, kafka=2, s3=3))
    write_state(tmp_path, state)

    assert read_state(tmp_path) == state
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_credentials_are_random_and_not_in_the_repr() -> None:
    first, second = recorded(), recorded()
    assert first.access_key != second.access_key
    assert first.secret_key != second.secret_key
    assert first.secret_key not in repr(first)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "something else"}', '{"format": null}'])
def test_a_damaged_state_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ConfigurationError, match=r"stack\.json cannot be read"):
        read_state(tmp_path)


def test_a_new_stack_takes_minio_where_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_minio", lambda: Path("/bin/minio"))
    assert chosen(None).s3_server == "minio"
    monkeypatch.setattr(choice, "find_minio", lambda: None)
    assert chosen(None).s3_server == "s3proxy"


def test_a_recorded_s3_server_stays_when_minio_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_minio", lambda: Path("/bin/minio"))
    assert chosen(recorded(s3_server="s3proxy")).s3_server == "s3proxy"


def test_another_s3_server_needs_a_clean() -> None:
    with pytest.raises(ConfigurationError, match="`make clean` first"):
        chosen(recorded(s3_server="s3proxy"), s3_server="minio")


def test_ports_are_recorded_and_may_change_while_nothing_runs() -> None:
    state = recorded(Ports(kafka=19092))
    assert chosen(state).ports.kafka == 19092
    assert chosen(state, kafka=29092).ports == Ports(kafka=29092)


def test_ports_of_a_running_stack_stay() -> None:
    with pytest.raises(ConfigurationError, match="kafka on port 19092, not 29092: `make down` first"):
        chosen(recorded(Ports(kafka=19092)), running=True, kafka=29092)


def test_recorded_minio_without_a_binary_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.servers.find_minio", lambda: None)
    write_state(tmp_path, recorded(Ports(*free_ports(3)), s3_server="minio"))  # the usual ones may be somebody's
    with pytest.raises(ConfigurationError, match=r"run `make minio`, set MINIO_BINARY, .*`make clean`"):
        Stack(tmp_path, servers=("s3",)).up()


def test_the_environment_names_servers_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = recorded(Ports(kafka=1, s3=2))
    write_state(tmp_path, state)
    monkeypatch.setenv("PATH", "/usr/bin")

    settings = Stack(tmp_path).environment()

    assert settings["PATH"].endswith("/bin:/usr/bin")
    assert settings["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:1"
    assert settings["AWS_ENDPOINT_URL"] == "http://127.0.0.1:2"
    assert settings["AWS_SECRET_ACCESS_KEY"] == state.secret_key
    assert settings["LAKE_URI"] == "s3a://ecommerce-lake"
    assert settings["CHECKPOINT_URI"] == str(tmp_path / "checkpoint")


def test_the_default_stack_leaves_the_checkpoint_to_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.environment.DEFAULT_HOME", tmp_path)
    write_state(tmp_path, recorded())
    assert "CHECKPOINT_URI" not in Stack(tmp_path).environment()


def test_a_stack_that_never_ran_has_no_environment(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no local stack in .*: start one with `make up`"):
        Stack(tmp_path).environment()


def test_clean_deletes_no_folder_but_a_stacks(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigurationError, match="not a stack's folder: not deleted"):
        Stack(tmp_path).clean()
    with pytest.raises(ConfigurationError, match="not empty and not a stack's folder"):
        Stack(tmp_path).up()
    assert (tmp_path / "thesis.tex").exists()


def test_clean_of_nothing_is_nothing(tmp_path: Path) -> None:
    assert Stack(tmp_path / "absent").clean() is False
