"""One line for people about a stream that broke, out of what Spark says about it at length."""

from __future__ import annotations

import re

import click

from pipelines.cli import RunFailed, StoppedByPolicy

# Spark ends its message with a description of the query: identifiers, offsets, plans.
_DESCRIPTION = "=== Streaming Query ==="
_PREAMBLE = re.compile(r"^\[STREAM_FAILED\] .*? terminated with exception: ")
_SQLSTATE = re.compile(r" SQLSTATE: \w{5}$")
_CAUSED_BY = "Caused by: "
_TRACEBACK = "Traceback (most recent call last):"
_LONGEST = 300


def tells_of_data_loss(error: Exception) -> bool:
    """Whether Spark's Kafka source missed records (failOnDataLoss)."""
    return "failOnDataLoss" in str(error) or "Some data may have been lost" in str(error)


def failure_of(error: Exception) -> click.ClickException:
    """What to end the job with: policies and settings as they are, the rest as RunFailed with its innermost cause."""
    if isinstance(error, click.ClickException):
        return error
    if tells_of_data_loss(error):
        return StoppedByPolicy(
            "Raw records that were not processed yet are gone (retention, or a re-created topic): nothing was "
            "skipped, nothing written. Start again to see which. See docs/operations.md, “Data loss”."
        )
    if "long overflow" in str(error) and "KafkaRecordToRowConverter" in str(error):
        return RunFailed(
            "The stream stopped: a raw record has a timestamp beyond all calendars, which Spark cannot read, as the "
            "topic keeps the producers' time. make topics makes it the broker's for records to come; how to give up "
            "those up to the bad one: docs/operations.md, “Data loss”."
        )
    return RunFailed(f"The stream stopped: {_cause(error)[:_LONGEST]}")


def _cause(error: Exception) -> str:
    """The innermost cause that Java or Python names; else the message without what Spark puts around it."""
    told = str(error).split(_DESCRIPTION)[0]
    lines = [line.rstrip() for line in told.splitlines() if line.strip() and not line.strip().startswith("at ")]
    if causes := [line for line in lines if line.startswith(_CAUSED_BY)]:
        return causes[-1].removeprefix(_CAUSED_BY)
    frames = [number for number, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    if raised := [line for line in lines[frames[-1] + 1 :] if not line.startswith(" ")] if frames else []:
        return raised[0]
    message = _PREAMBLE.sub("", lines[0].strip()) if lines else type(error).__name__
    return _SQLSTATE.sub("", message)
