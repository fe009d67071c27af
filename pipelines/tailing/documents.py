"""What is shown of a record, as a document for JSON and filters. Personal data only where it is asked for.

Enriched events hold none but a `user_id` where the job ran without PSEUDONYM_KEY. A dead letter's payload may hold
anything, and so may the event's id and name that were salvaged from it, unless they look as they should.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.transforms.vocabulary import EVENT_NAMES

_PSEUDONYM = "p1:"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBERS = {"payload_bytes": "dlq.payload.bytes", "attempts": "dlq.attempts", "batch_id": "dlq.batch.id"}


def headers_of(record: Any) -> dict[str, str]:
    """A Kafka record's headers as text; of several with one name the last, which is the pipeline's own."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers or ()}


def enriched_document(record: Any, *, with_personal: bool) -> dict[str, Any]:
    """The enriched event. Raises ValueError where the value is no JSON object."""
    event = json.loads(record.value or b"")
    if not isinstance(event, dict):
        raise ValueError("no JSON object")
    if not (with_personal or str(event.get("user_id", "")).startswith(_PSEUDONYM)):
        event.pop("user_id", None)
    return event


def dead_letter_document(record: Any, headers: Mapping[str, str], *, with_payload: bool) -> dict[str, Any]:
    """Reason, errors and origin of a dead letter; its key, value and own headers only `with_payload`."""
    document: dict[str, Any] = {
        "failed_at": headers.get("dlq.failed.at"),
        "failure_type": headers.get("dlq.failure.type"),
        "failure_stage": headers.get("dlq.failure.stage"),
        "errors": _errors(headers.get("dlq.failure.errors", "")),
        "event_name": _known(headers.get("dlq.event.name"), with_payload, EVENT_NAMES.__contains__),
        "event_id": _known(headers.get("dlq.event.id"), with_payload, _UUID.fullmatch),
        "source": {
            "topic": headers.get("source.topic"),
            "topic_id": headers.get("source.topic_id"),
            "partition": _number(headers.get("source.partition")),
            "offset": _number(headers.get("source.offset")),
        },
        **{field: _number(headers.get(name)) for field, name in _NUMBERS.items()},
        "payload_sha256": headers.get("dlq.payload.sha256"),
        "payload_truncated": headers.get("dlq.payload.truncated") == "true",
    }
    if with_payload:
        document["key"] = _text_or_base64(record.key)
        document["value"] = _text_or_base64(record.value)
        document["headers"] = [[name, _text_or_base64(value)] for name, value in record.headers or ()]
    return document


def _known(value: str | None, always: bool, is_expected: Callable[[str], object]) -> str | None:
    return value if value is not None and (always or is_expected(value)) else None


def _errors(text: str) -> list[Any]:
    try:
        errors = json.loads(text or "[]")
    except ValueError:
        return []
    return errors if isinstance(errors, list) else []


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _text_or_base64(value: bytes | None) -> str | dict[str, str] | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
