"""What holds for every raw record, whatever is in it. A claim is a function that is true of a judged record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from contract_model import MALFORMED, PRECEDENCE, values
from contract_types import Number
from judging import Judged
from near_events import SECRET, SECRET_NUMBER
from pyspark.sql import Row

MAX_ERRORS = 20
_NOT_TOLD = ("ip_address", "device.user_agent", "page.url", "page.referrer")


def has_one_outcome(judged: Judged) -> bool:
    """No record is lost, none made up."""
    return len(judged.rows) == 1


def is_accepted_or_dead(judged: Judged) -> bool:
    """Never both, never neither."""
    return (judged.outcome.event is None) == (judged.outcome.enriched is None) == (judged.outcome.failure is not None)


def does_not_depend_on_neighbours_order_or_partition(judged: Judged) -> bool:
    """The second outcome is the first, in every column."""
    return judged.rows == judged.again


def fails_in_the_words_of_the_contract(judged: Judged) -> bool:
    """A failure has a type of the contract, a stage, and 1 to 20 errors that say what they are about."""
    failure = judged.outcome.failure
    return failure is None or (
        failure.type in PRECEDENCE
        and failure.stage in ("decode", "parse", "validate", "enrich")
        and 1 <= len(failure.errors) <= MAX_ERRORS
        and all(None not in (e.path, e.keyword, e.expected, e.message) for e in failure.errors)
    )


def keeps_its_bytes_when_dead(judged: Judged) -> bool:
    """Value, key and headers of a dead record are the raw ones, and nothing was cut."""
    outcome, record = judged.outcome, judged.record
    headers = None if record.headers is None else [Row(key=k, value=v) for k, v in record.headers]
    return outcome.failure is None or (
        (outcome.value, outcome.key, outcome.headers, outcome.payload_truncated)
        == (record.bytes, record.key, headers, False)
    )  # fmt: skip


def tells_no_value(judged: Judged) -> bool:
    """What stands in values only is in no error, warning or path."""
    told = str((judged.outcome.failure, judged.outcome.warnings))
    return not any(secret in told and not _is_in_a_key(secret, judged) for secret in (SECRET, SECRET_NUMBER))


def is_json_where_the_grammar_says_so(judged: Judged) -> bool:
    """NOT_JSON and NOT_OBJECT exactly where RFC 8259's grammar and the pipeline's limits say so."""
    about_json = {"NOT_JSON", "NOT_OBJECT"}
    return {judged.failure_type} & about_json == {judged.predicted.failure_type} & about_json


def fails_as_the_contract_says(judged: Judged) -> bool:
    """The failure's type is the model's."""
    return judged.failure_type == judged.predicted.failure_type


def names_every_failing_field(judged: Judged) -> bool:
    """The errors are the model's complaints, each once; of more than 20, any 20.

    A malformed text may be beyond the parser's limits as well: then either word is right.
    """
    failure = judged.outcome.failure
    if judged.predicted.complaints == (MALFORMED,) and judged.failure_type == "NOT_JSON":
        return [e.keyword for e in failure.errors] in (["malformed"], ["parser_limit"])
    named = Counter((e.path, e.keyword) for e in failure.errors) if failure else Counter()
    failing = Counter((c.path, c.keyword) for c in judged.predicted.complaints)
    return named <= failing and named.total() == min(failing.total(), MAX_ERRORS)


def has_the_values_that_were_sent(judged: Judged) -> bool:
    """An accepted event holds the values that fit, exactly; what is private is left out."""
    event = judged.outcome.event
    if event is None or judged.predicted.event is None:
        return event is None
    held, sent = values(_as_dict(event)), values(judged.predicted.event)
    return all(held.get(path) == sent.get(path) for path in {*held, *sent} - {*_NOT_TOLD})


CLAIMS: tuple[Callable[[Judged], bool], ...] = (
    has_one_outcome, is_accepted_or_dead, does_not_depend_on_neighbours_order_or_partition,
    fails_in_the_words_of_the_contract, keeps_its_bytes_when_dead, tells_no_value, is_json_where_the_grammar_says_so,
    fails_as_the_contract_says, names_every_failing_field, has_the_values_that_were_sent,
)  # fmt: skip


def _is_in_a_key(secret: str, judged: Judged) -> bool:
    keys: list[str] = []

    def collect(members: list[tuple[str, Any]]) -> None:
        keys.extend(key for key, _ in members)

    try:
        json.loads(judged.record.bytes or b"", object_pairs_hook=collect, parse_int=Number, parse_float=Decimal)
    except ValueError:
        return False
    return any(secret in key for key in keys)


def _as_dict(event: Row) -> dict[str, Any]:
    return {**event.asDict(recursive=True)}
