"""What people are told about a stream that broke."""

from __future__ import annotations

import pytest

from pipelines.cli import ConfigurationError, RunFailed, StoppedByPolicy
from pipelines.stream_errors import failure_of

_DESCRIPTION = """
=== Streaming Query ===
Identifier: enrich [id = 716e926d, runId = 6d6ad9b1]
Logical Plan:
+- ~StreamingDataSourceV2ScanRelation[key#7, value#8, topic#9] KafkaTable
"""
OF_THE_SOURCE = (
    "[STREAM_FAILED] Query enrich [id = 716e926d, runId = 6d6ad9b1] terminated with exception: "
    "org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: listNodes "
    "SQLSTATE: XXKST" + _DESCRIPTION
)
OF_A_BATCH = (
    "[STREAM_FAILED] Query enrich [id = 716e926d, runId = 6d6ad9b1] terminated with exception: "
    "[FOREACH_BATCH_USER_FUNCTION_ERROR] An error occurred in the user provided function in foreach batch sink.\n"
    "  at org.apache.spark.Somewhere(Somewhere.scala:1)\n"
    "Caused by: org.apache.spark.SparkException: Job aborted\n"
    "Caused by: java.net.ConnectException: Connection refused\n"
    "  at java.base/sun.nio.ch.Net.pollConnect(Native Method)" + _DESCRIPTION
)
OF_A_WILD_TIME = (
    "[STREAM_FAILED] Query enrich [id = 716e926d, runId = 6d6ad9b1] terminated with exception: Job aborted\n"
    "  at org.apache.spark.sql.kafka010.KafkaRecordToRowConverter.toUnsafeRow(KafkaRecordToRowConverter.scala:1)\n"
    "Caused by: java.lang.ArithmeticException: long overflow" + _DESCRIPTION
)
OF_PYTHON = (
    "[STREAM_FAILED] Query enrich [id = 716e926d, runId = 6d6ad9b1] terminated with exception: "
    "[FOREACH_BATCH_USER_FUNCTION_ERROR] An error occurred in the user provided function in foreach batch sink. "
    "Reason: An exception was raised by the Python Proxy. Return Message: Traceback (most recent call last):\n"
    '  File "offsets.py", line 1, in find\n'
    "    return offsets[3]\n"
    "KeyError: 3\n"
    "\n"
    "The above exception was the direct cause of the following exception:\n"
    "\n"
    "Traceback (most recent call last):\n"
    '  File "topic_watch.py", line 2, in ask\n'
    "    raise error\n"
    "kafka.errors.UnknownTopicOrPartitionError: partition 3\n"
    " SQLSTATE: 39000 SQLSTATE: XXKST" + _DESCRIPTION
)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        pytest.param(
            OF_THE_SOURCE,
            "The stream stopped: org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node "
            "assignment. Call: listNodes",
            id="source",
        ),
        pytest.param(OF_A_BATCH, "The stream stopped: java.net.ConnectException: Connection refused", id="batch"),
        pytest.param(
            OF_PYTHON, "The stream stopped: kafka.errors.UnknownTopicOrPartitionError: partition 3", id="Python"
        ),
        pytest.param("", "The stream stopped: RuntimeError", id="nothing"),
    ],
)
def test_the_innermost_cause_is_told_and_not_the_plan(told, line):
    failure = failure_of(RuntimeError(told))
    assert isinstance(failure, RunFailed)
    assert failure.message == line


def test_lost_records_are_a_policy():
    told = "Some data may have been lost because they are not available in Kafka any more" + _DESCRIPTION
    assert isinstance(failure_of(RuntimeError(told)), StoppedByPolicy)


def test_what_is_a_line_already_stays():
    error = ConfigurationError("TOPIC: no.")
    assert failure_of(error) is error


def test_a_timestamp_beyond_all_calendars_is_named_with_the_topics_setting():
    failure = failure_of(RuntimeError(OF_A_WILD_TIME))
    assert isinstance(failure, RunFailed)
    assert "producers' time" in failure.message
    assert "make topics" in failure.message
