"""The lake's bucket and its user: what is refused before a server is asked, and what the policy allows."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from infra.bucket import ensure_bucket, main, policy_for
from infra.local.ports import HOST, free_ports
from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings


def test_the_policy_names_one_bucket_and_no_wildcard_action():
    statements = policy_for("lake")["Statement"]
    assert [statement["Resource"] for statement in statements] == [["arn:aws:s3:::lake"], ["arn:aws:s3:::lake/*"]]
    assert not [action for statement in statements for action in statement["Action"] if "*" in action]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"LAKE_URI": "/a/local/path"}, "LAKE_URI=/a/local/path"),
        ({"LAKE_URI": "s3a://lake", "LAKE_ACCESS_KEY_ID": "user"}, "LAKE_SECRET_ACCESS_KEY"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(environment, named):
    empty = {"LAKE_ACCESS_KEY_ID": "", "LAKE_SECRET_ACCESS_KEY": ""}
    result = CliRunner().invoke(main, [], env={**empty, **environment})
    assert result.exit_code == 2
    assert named in result.output
    assert len(result.output.splitlines()) == 1


def test_a_server_that_does_not_come_up_is_one_line(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    endpoint = f"http://{HOST}:{free_ports(1)[0]}"
    with pytest.raises(ConfigurationError, match=f"No S3 server answers at AWS_ENDPOINT_URL={endpoint}"):
        ensure_bucket("lake", "s3a://lake", S3Settings(endpoint), wait_seconds=0.5)
