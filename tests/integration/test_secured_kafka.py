"""A broker with TLS, SCRAM and rights: who gets in, who may do what, and what a refusal looks like."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import kafka.errors
import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from secured import ADMIN, ANALYST, ENRICH, GENERATOR, done, program, read, send

from pipelines.clients import KafkaSettings

pytestmark = pytest.mark.integration

SEND = ("generator", "--sink", "kafka", "--count", "20", "--rate", "0", "--no-summary")
TOPICS, VERIFY = ("pipelines.topics",), ("pipelines.verify",)


def complaint(*command: str, environment: dict[str, str]) -> str:
    """The one line with which a program ends within a minute, exit code 2; it shows no secret."""
    started = time.monotonic()
    result = program(*command, environment=environment)
    assert result.returncode == 2, result.stdout + result.stderr
    assert time.monotonic() - started < 60
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert environment["KAFKA_SASL_PASSWORD"] not in line
    return line


def test_the_generator_sends_and_the_analyst_reads_it(secured_kafka):
    topic = secured_kafka.topics.raw
    mine = uuid.uuid4().hex.encode()
    done(program(*SEND, environment=secured_kafka.environment(GENERATOR)))
    send(secured_kafka.settings(GENERATOR), topic, mine)
    assert mine in read(secured_kafka.settings(ANALYST), topic)


def test_the_generator_cannot_read_what_it_wrote(secured_kafka):
    with pytest.raises(kafka.errors.TopicAuthorizationFailedError):
        read(secured_kafka.settings(GENERATOR), secured_kafka.topics.raw)


def test_enrich_cannot_write_raw_events(secured_kafka):
    with pytest.raises(kafka.errors.TopicAuthorizationFailedError):
        send(secured_kafka.settings(ENRICH), secured_kafka.topics.raw)


@pytest.mark.parametrize("topic", ["raw", "enriched", "dead_letter"])
def test_an_analyst_cannot_write(secured_kafka, topic):
    with pytest.raises(kafka.errors.TopicAuthorizationFailedError):
        send(secured_kafka.settings(ANALYST), getattr(secured_kafka.topics, topic))


def test_an_analyst_has_consumer_groups_of_his_own_name_only(secured_kafka):
    done(program(*SEND, environment=secured_kafka.environment(GENERATOR)))
    settings, topic = secured_kafka.settings(ANALYST), secured_kafka.topics.raw
    assert read(settings, topic, group=f"analyst-{uuid.uuid4().hex[:6]}")
    with pytest.raises(kafka.errors.GroupAuthorizationFailedError):
        read(settings, topic, group="somebody-elses")


def test_whoever_has_no_name_gets_no_answer(secured_kafka):
    with pytest.raises(kafka.errors.KafkaError):
        KafkaSettings(f"127.0.0.1:{secured_kafka.port}").admin(bootstrap_timeout_ms=3_000)


def test_granting_again_changes_nothing(secured_kafka):
    lines = done(secured_kafka.grant()).splitlines()
    assert [line.split(":")[0] for line in lines] == [GENERATOR, ENRICH, ANALYST]
    assert all("rights as they were" in line for line in lines)


def test_granting_takes_away_what_is_not_in_the_table_and_leaves_others_alone(secured_kafka):
    admin = secured_kafka.settings(ADMIN).admin()
    resource = ResourcePattern(ResourceType.TOPIC, secured_kafka.topics.raw)
    other, stale = (
        ACL(f"User:{user}", "*", ACLOperation.DELETE, ACLPermissionType.ALLOW, resource)
        for user in ("other", GENERATOR)
    )
    try:
        assert not admin.create_acls([other, stale])["failed"]
        assert "1 taken away" in done(secured_kafka.grant()).splitlines()[0]
        present, _ = admin.describe_acls(other)
        assert present == [other]
        assert admin.describe_acls(stale)[0] == []
    finally:
        admin.delete_acls([other, stale])
        admin.close()


def test_granting_needs_the_administrator(secured_kafka):
    passwords = {f"{user.upper()}_KAFKA_PASSWORD": "another-password" for user in (GENERATOR, ENRICH, ANALYST)}
    line = complaint("infra.access", environment={**secured_kafka.environment(ANALYST), **passwords})
    assert "must be the administrator" in line
    assert "another-password" not in line


PROGRAMS = {"generator": (SEND, GENERATOR), "topics": (TOPICS, ADMIN), "verify": (VERIFY, ANALYST)}
REFUSED = {
    "wrong password": ({"KAFKA_SASL_PASSWORD": "wrong-password"}, "refused the credentials of user"),
    "unknown user": ({"KAFKA_SASL_USERNAME": "nobody"}, "refused the credentials of user nobody"),
    "plain text": ({"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "set KAFKA_SECURITY_PROTOCOL=SASL_SSL"),
    "unknown authority": ({"KAFKA_SSL_CA_LOCATION": ""}, "check KAFKA_SSL_CA_LOCATION"),
}


@pytest.fixture(scope="module")
def complaints(secured_kafka):
    """(program, setting) → its complaint, to come; four at a time, as they mostly wait."""
    with ThreadPoolExecutor(4) as pool:
        yield {
            (name, setting): pool.submit(complaint, *command, environment=secured_kafka.environment(user, **changed))
            for name, (command, user) in PROGRAMS.items()
            for setting, (changed, _) in REFUSED.items()
        }


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("setting", REFUSED)
def test_a_refused_program_says_why_in_one_line(complaints, name, setting):
    assert REFUSED[setting][1] in complaints[name, setting].result()


@pytest.mark.parametrize(
    ("command", "user", "said"),
    [
        (SEND, ANALYST, "user analyst lacks WRITE on RAW_TOPIC=raw"),
        (VERIFY, GENERATOR, "user generator lacks READ on RAW_TOPIC=raw, DESCRIBE on ENRICHED_TOPIC=enriched"),
        (TOPICS, ENRICH, "User enrich lacks CREATE, ALTER"),
        (TOPICS, GENERATOR, "run this as the administrator"),
    ],
)
def test_a_missing_right_is_named_with_user_and_topic(secured_kafka, command, user, said):
    assert said in complaint(*command, environment=secured_kafka.environment(user))


def test_the_job_names_a_missing_right_before_spark_starts(secured_kafka):
    """The check comes first, so neither JVM nor store is needed."""
    line = complaint("pipelines.enrich", environment=secured_kafka.environment(ANALYST))
    assert "user analyst lacks WRITE on ENRICHED_TOPIC=enriched, WRITE on DEAD_LETTER_TOPIC=dead" in line


def test_a_topic_that_a_user_may_not_see_is_not_called_missing(secured_kafka):
    line = complaint(*VERIFY, environment=secured_kafka.environment(ANALYST, RAW_TOPIC="elsewhere"))
    assert "lacks DESCRIBE on RAW_TOPIC=elsewhere (or it is missing: Kafka does not say)" in line


def test_a_missing_topic_is_called_missing_for_those_who_may_see_it(secured_kafka):
    line = complaint(*VERIFY, environment=secured_kafka.environment(ADMIN, RAW_TOPIC="elsewhere"))
    assert "Missing topic: RAW_TOPIC=elsewhere" in line
