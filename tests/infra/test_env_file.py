import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import env_file
from infra.env_file import EnvFileError, complete, draw, main, parse_env, parse_template

ROOT = Path(__file__).parents[2]
TEMPLATE = """\
# What this file is.

# Kafka.
KAFKA_PORT=9092

# Secret, 20 characters: the administrator's name.
ADMIN_NAME=
# Another image.
#KAFKA_IMAGE=confluentinc/cp-kafka:7.9.6
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / ".env"


def test_a_new_file_is_the_template_with_its_secrets_drawn():
    text, added = complete(None, TEMPLATE)
    assert re.fullmatch(re.escape(TEMPLATE).replace("ADMIN_NAME=", "ADMIN_NAME=[A-Za-z][A-Za-z0-9]{19}"), text)
    assert added == ["KAFKA_PORT", "ADMIN_NAME"]


def test_two_files_have_different_secrets():
    assert complete(None, TEMPLATE) != complete(None, TEMPLATE)


def test_secrets_have_letters_and_digits_only_and_yaml_takes_none_for_a_number():
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9]{31}", draw(32)) for _ in range(200))


def test_a_complete_file_stays_as_it_is():
    text, _ = complete(None, TEMPLATE)
    assert complete(text, TEMPLATE) == (text, [])


def test_only_what_is_missing_is_added_with_its_comment():
    text, added = complete("# mine\nKAFKA_PORT = 19092 # taken\n", TEMPLATE)
    kept, _, new = text.partition("\n\n")
    assert kept == "# mine\nKAFKA_PORT = 19092 # taken"
    assert re.fullmatch("# Secret, 20 characters: the administrator's name.\nADMIN_NAME=[A-Za-z0-9]{20}\n", new)
    assert added == ["ADMIN_NAME"]


def test_a_last_line_without_its_end_is_not_grown():
    text, _ = complete("KAFKA_PORT=19092", TEMPLATE)
    assert parse_env(text, "it")["KAFKA_PORT"] == "19092"


@pytest.mark.parametrize("empty", ["ADMIN_NAME=", 'ADMIN_NAME=""', "ADMIN_NAME= # fill me", "ADMIN_NAME=\r"])
def test_an_empty_secret_is_drawn_where_it_stands(empty):
    text, added = complete(f"{empty}\nKAFKA_PORT=1\n", TEMPLATE)
    assert re.match("ADMIN_NAME=[A-Za-z0-9]{20}\r?\nKAFKA_PORT=1\n$", text)
    assert added == ["ADMIN_NAME"]


def test_a_setting_that_was_emptied_on_purpose_stays_empty():
    text, added = complete("KAFKA_PORT=\nADMIN_NAME=x\n", TEMPLATE)
    assert (text, added) == ("KAFKA_PORT=\nADMIN_NAME=x\n", [])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=a b", "a b"),
        ("export NAME=x", "x"),
        ("NAME = x  ", "x"),
        ("NAME='a # b' # c", "a # b"),
        ("NAME='a b'", "a b"),
        ('NAME="a=b"', "a=b"),
        ("NAME=a#b", "a#b"),
        ("NAME=#b", "#b"),
        ("NAME=a # b", "a"),
        ("NAME=", ""),
    ],
)
def test_lines_are_read_as_docker_compose_reads_them(line, value):
    assert parse_env(line, "it") == {"NAME": value}


@pytest.mark.parametrize("line", ["s3cret", "s3 cret=x", "NAME='s3cret", "=s3cret"])
def test_a_broken_line_is_named_by_its_number_and_never_shown(line):
    with pytest.raises(EnvFileError, match=r"\.env line 2") as raised:
        parse_env(f"A=1\n{line}\n", ".env")
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize("line", ["NAME=", "# Secret, 20 characters: a name.\nNAME=admin"])
def test_a_template_has_secrets_without_a_value_and_values_for_the_rest(line):
    with pytest.raises(EnvFileError, match="NAME needs"):
        parse_template(line)


def test_the_file_can_be_read_by_its_owner_only(file):
    assert main(["--file", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == [".env"]


def test_no_secret_is_printed(file, capsys):
    main(["--file", str(file)])
    values = parse_env(file.read_text(encoding="utf-8"), "it")
    secrets = [
        values[setting.name] for setting in parse_template(env_file.TEMPLATE.read_text("utf-8")) if setting.length
    ]
    printed = "".join(capsys.readouterr())
    assert secrets
    assert not [secret for secret in secrets if secret in printed]


def test_a_second_run_changes_nothing(file, capsys):
    main(["--file", str(file)])
    before = file.read_bytes(), file.stat().st_ino
    assert main(["--file", str(file)]) == 0
    assert (file.read_bytes(), file.stat().st_ino) == before
    assert "nothing to add" in capsys.readouterr().out


def test_a_file_that_others_could_read_is_closed_and_that_is_said(file, capsys):
    main(["--file", str(file)])
    file.chmod(0o644)
    assert main(["--file", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "could be read by others" in capsys.readouterr().out


def test_a_link_to_the_file_stays_a_link(file, tmp_path):
    real = tmp_path / "elsewhere"
    real.write_text("KAFKA_PORT=1\n", encoding="utf-8")
    file.symlink_to(real)
    assert main(["--file", str(file)]) == 0
    assert file.is_symlink()
    assert "MINIO_ROOT_USER" in real.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"broken\n", b"A=\xff\n"])
def test_a_file_that_cannot_be_used_is_one_line_and_is_left_alone(file, content, capsys):
    file.write_bytes(content)
    assert main(["--file", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert file.read_bytes() == content


def test_a_folder_in_the_file_s_place_is_one_line(file, capsys):
    file.mkdir()
    assert main(["--file", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_git_ignores_the_file_and_not_the_template():
    ignored = subprocess.run(["git", "check-ignore", "infra/.env"], cwd=ROOT, capture_output=True, check=False)
    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.returncode == 0
    template = ["git", "check-ignore", "infra/.env.example"]
    assert subprocess.run(template, cwd=ROOT, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("module", ["infra.env_file", "infra.doctor"])
def test_the_commands_run_without_anything_installed(module):
    isolated = [sys.executable, "-S", "-m", module, "--help"]
    assert subprocess.run(isolated, cwd=ROOT, capture_output=True, check=False).returncode == 0
