"""The rights on Kafka: the table itself. tests/integration/test_secured_kafka.py shows that a broker keeps to it."""

from __future__ import annotations

from click.testing import CliRunner
from kafka.admin import ACLOperation, ResourceType

from infra.access import main, rights
from pipelines.settings import Topics

RIGHTS = rights(Topics("r", "e", "d"))


def topics_with(user: str, operation: ACLOperation) -> set[str]:
    return {r.name for r in RIGHTS[user] if (r.resource, r.operation) == (ResourceType.TOPIC, operation)}


def test_the_generator_may_write_raw_events_and_nothing_else():
    assert [str(right) for right in RIGHTS["generator"]] == ["WRITE topic r"]


def test_enrich_writes_its_sinks_and_never_raw():
    assert topics_with("enrich", ACLOperation.WRITE) == {"e", "d"}
    assert topics_with("enrich", ACLOperation.READ) == {"r", "e", "d"}


def test_an_analyst_reads_and_never_writes():
    assert {right.operation for right in RIGHTS["analyst"]} == {ACLOperation.READ}


def test_nobody_has_a_right_on_the_cluster_or_on_all_topics():
    given = [right for user in RIGHTS.values() for right in user]
    assert {right.resource for right in given} <= {ResourceType.TOPIC, ResourceType.GROUP}
    assert not [
        right for right in given if right.name == "*" or (right.resource == ResourceType.TOPIC and right.is_prefix)
    ]


def test_missing_passwords_are_named_and_given_ones_not_shown():
    given = {"GENERATOR_KAFKA_PASSWORD": "given-and-secret", "ENRICH_KAFKA_PASSWORD": "", "ANALYST_KAFKA_PASSWORD": ""}
    result = CliRunner().invoke(main, [], env=given)
    assert result.exit_code == 2
    assert "ENRICH_KAFKA_PASSWORD, ANALYST_KAFKA_PASSWORD" in result.output
    assert "GENERATOR" not in result.output
    assert "given-and-secret" not in result.output
