"""Who may do what on Kafka: create users and grant rights with ``python -m infra.access``.

Reads:  the administrator's credentials from KAFKA_SASL_USERNAME, … as every program; GENERATOR_KAFKA_PASSWORD,
        ENRICH_KAFKA_PASSWORD and ANALYST_KAFKA_PASSWORD.
Writes: the users' passwords (SCRAM-SHA-512) and their access control lists.
Guarantees: safe to repeat. Afterwards these users have exactly the rights below; other users' stay as they are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import click
import kafka.errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, debug_option, kafka_options, run, topic_options
from pipelines.clients import KafkaSettings, kafka_problem
from pipelines.settings import Topics

MECHANISM = ScramMechanism.SCRAM_SHA_512
ITERATIONS = 16_384  # Kafka's upper limit; RFC 7677 asks for 15,000 or more
WAIT_MS = 60_000
_REQUEST_MS = 20_000
READ, WRITE = ACLOperation.READ, ACLOperation.WRITE
TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP


@dataclass(frozen=True, order=True)
class Right:
    """One operation on one resource, or on all whose names start with `name`. READ and WRITE include DESCRIBE."""

    resource: ResourceType
    name: str
    operation: ACLOperation
    is_prefix: bool = False

    def __str__(self) -> str:
        return f"{self.operation.name} {self.resource.name.lower()} {self.name}{'*' if self.is_prefix else ''}"


def rights(topics: Topics) -> dict[str, tuple[Right, ...]]:
    """User → everything that user may do. What is not listed is refused.

    Seen in the broker's log of what is asked for (Kafka 3.9.2, Spark 4.2.0): idempotent producers need no right on the
    cluster where they may write a topic, and Spark's source none on a group, as it assigns partitions by itself.
    Topics are the administrator's to create (`make topics`).
    """
    return {
        "generator": (Right(TOPIC, topics.raw, WRITE),),
        "enrich": (
            Right(TOPIC, topics.raw, READ),
            Right(TOPIC, topics.enriched, WRITE),
            Right(TOPIC, topics.dead_letter, WRITE),
            # To look, after a crash, at what its sinks have already.
            Right(TOPIC, topics.enriched, READ),
            Right(TOPIC, topics.dead_letter, READ),
        ),
        "analyst": (
            Right(TOPIC, topics.raw, READ),
            Right(TOPIC, topics.enriched, READ),
            Right(TOPIC, topics.dead_letter, READ),
            Right(GROUP, "analyst", READ, is_prefix=True),
        ),
    }


def password_variable(user: str) -> str:
    """The environment variable with a user's password."""
    return f"{user.upper()}_KAFKA_PASSWORD"


def grant(settings: KafkaSettings, topics: Topics, passwords: dict[str, str]) -> list[str]:
    """Set the passwords and make the users' rights what `rights` says; returns a line per user.

    Waits up to a minute for a broker that does not answer. Raises ConfigurationError where that is not possible.
    """
    try:
        admin = settings.admin(bootstrap_timeout_ms=WAIT_MS, request_timeout_ms=_REQUEST_MS)
    except (kafka.errors.KafkaError, OSError, ValueError) as error:
        raise kafka_problem(error, settings) from error
    try:
        _set_passwords(admin, passwords)
        return [_grant_one(admin, user, wanted) for user, wanted in rights(topics).items()]
    except kafka.errors.AuthorizationError as error:
        user = settings.for_python().get("sasl_plain_username")
        raise ConfigurationError(
            f"User {user} may not manage users and rights ({type(error).__name__}): "
            "KAFKA_SASL_USERNAME must be the administrator, one of the broker's super.users."
        ) from error
    except kafka.errors.SecurityDisabledError as error:
        raise ConfigurationError("The broker has no authorizer: set authorizer.class.name and super.users.") from error
    except kafka.errors.KafkaError as error:
        raise ConfigurationError(f"The rights could not be granted ({type(error).__name__}): try again.") from error
    finally:
        admin.close()


def _set_passwords(admin: Any, passwords: dict[str, str]) -> None:
    """Each with a fresh salt, as the broker does not tell whether a password is the one it has."""
    changes = [
        UserScramCredentialUpsertion(user, MECHANISM, password, iterations=ITERATIONS)
        for user, password in passwords.items()
    ]
    for user, problem in admin.alter_user_scram_credentials(changes).items():
        if problem is not None:
            raise ConfigurationError(
                f"The password of {user} could not be set ({problem}): KAFKA_SASL_USERNAME must be the administrator."
            )


def _grant_one(admin: Any, user: str, wanted: Iterable[Right]) -> str:
    principal = f"User:{user}"
    present, _ = admin.describe_acls(_filter(principal))
    missing = [acl for acl in (_acl(principal, right) for right in wanted) if acl not in present]
    stale = [acl for acl in present if acl not in {_acl(principal, right) for right in wanted}]
    if missing:
        failed = admin.create_acls(missing)["failed"]
        if failed:
            raise failed[0]()
    if stale:
        for _, _, error in admin.delete_acls([_exactly(acl) for acl in stale]):
            if error is not kafka.errors.NoError:
                raise error()
    done = [f"{len(missing)} granted" if missing else "", f"{len(stale)} taken away" if stale else ""]
    changes = ", ".join(part for part in done if part) or "as they were"
    return f"{user}: password set, rights {changes}: {'; '.join(map(str, wanted))}"


def _acl(principal: str, right: Right) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if right.is_prefix else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(right.resource, right.name, pattern)
    return ACL(principal, "*", right.operation, ACLPermissionType.ALLOW, resource)


def _exactly(acl: ACL) -> ACLFilter:
    where = acl.resource_pattern
    resource = ResourcePatternFilter(where.resource_type, where.resource_name, where.pattern_type)
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, resource)


def _filter(principal: str) -> ACLFilter:
    """All rights of a user."""
    everywhere = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(principal, None, ACLOperation.ANY, ACLPermissionType.ANY, everywhere)


@click.command(context_settings=CONTEXT_SETTINGS)
@kafka_options
@topic_options
@debug_option
def main(
    bootstrap_servers: str,
    kafka_config: str | None,
    raw_topic: str,
    enriched_topic: str,
    dead_letter_topic: str,
    debug: bool,
) -> None:
    """Create the users generator, enrich and analyst and give them the rights that they need. Safe to repeat.

    Run it as the broker's administrator. The users' passwords are GENERATOR_KAFKA_PASSWORD, ENRICH_KAFKA_PASSWORD
    and ANALYST_KAFKA_PASSWORD, from the environment.
    """
    topics = Topics(raw_topic, enriched_topic, dead_letter_topic)
    passwords = {user: os.environ.get(password_variable(user), "") for user in rights(topics)}
    unset = [password_variable(user) for user, password in passwords.items() if not password]
    if unset:
        raise ConfigurationError(f"Not set: {', '.join(unset)}.")
    for line in grant(KafkaSettings.load(bootstrap_servers, kafka_config), topics, passwords):
        click.echo(line)


if __name__ == "__main__":
    sys.exit(run(main))
