"""What became of one raw record, as a test looks at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.sql import Row

from pipelines import schemas


def parsed(text: str | bytes) -> Any:
    """JSON with its numbers exactly as written."""
    return json.loads(text, parse_float=Decimal)


def public(value: Any) -> Any:
    """A producer's JSON without its nulls."""
    if isinstance(value, list):
        return [public(element) for element in value]
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if v is not None}
    return value


def declared(document: dict[str, Any]) -> dict[str, Any]:
    """The declared fields of a document as a consumer should find them."""
    event = public({k: v for k, v in document.items() if k in schemas.EVENT.names and k != "ip_address"})
    event.get("device", {}).pop("user_agent", None)
    for name in ("url", "referrer"):
        if name in event.get("page", {}):
            event["page"][name] = event["page"][name].split("?")[0].split("#")[0]
    return event


@dataclass(frozen=True)
class Observed:
    """The rows of `to_outcomes` and of both tables, and the Kafka records, that one raw record led to."""

    outcomes: list[Row]
    events: list[Row]
    dead_letters: list[Row]
    records: list[Row]

    @property
    def outcome(self) -> Row:
        """Its only outcome."""
        (outcome,) = self.outcomes
        return outcome

    @property
    def accepted(self) -> bool:
        """Whether it is an accepted event."""
        return self.outcome.failure is None

    @property
    def verdict(self) -> str:
        """`accepted`, or the failure's type."""
        return "accepted" if self.accepted else self.outcome.failure.type

    @property
    def stage(self) -> str:
        """The stage at which it failed, or `accepted`."""
        return "accepted" if self.accepted else self.outcome.failure.stage

    @property
    def errors(self) -> list[Row]:
        """What is wrong with it; nothing if it is accepted."""
        return self.outcome.failure.errors if self.outcome.failure else []

    @property
    def complaints(self) -> set[tuple[str, str]]:
        """(path, keyword) of each error."""
        return {(error.path, error.keyword) for error in self.errors}

    @property
    def event(self) -> Row:
        """The event of an accepted record."""
        assert self.accepted, self.outcome.failure
        return self.outcome.event

    @property
    def warnings(self) -> list[Row]:
        """The warnings of an accepted record."""
        assert self.accepted, self.outcome.failure
        return self.outcome.warnings or []

    @property
    def warned(self) -> set[tuple[str, str]]:
        """(path, keyword) of each warning of an accepted record."""
        return {(warning.path, warning.keyword) for warning in self.warnings}

    @property
    def rescued(self) -> dict[str, Any]:
        """The rescued data of an accepted record."""
        assert self.accepted, self.outcome.failure
        return parsed(self.outcome.rescued_data or "{}")

    @property
    def record(self) -> Row:
        """Its only Kafka record: key, value, headers, topic, partition."""
        (record,) = self.records
        return record

    @property
    def row(self) -> Row:
        """Its only row in the tables."""
        (row,) = self.events + self.dead_letters
        return row

    @property
    def enriched(self) -> dict[str, Any]:
        """The value of its enriched record."""
        assert self.accepted, self.outcome.failure
        return parsed(bytes(self.record.value))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of its Kafka record as text."""
        return {key: bytes(value).decode(errors="replace") for key, value in self.record.headers if value is not None}
