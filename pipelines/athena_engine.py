"""Running SQL in Athena, and what its refusals mean."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from pipelines.cli import ConfigurationError, RunFailed

_POLL_SECONDS = 0.5
_DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedException"}


@dataclass(frozen=True)
class Answer:
    """The first page of a result: the columns' names, and the rows as Athena's text."""

    columns: list[str]
    rows: list[list[str | None]]


class Athena:
    """A workgroup of Athena and the catalogue it reads, Glue's. Errors are one line for a person."""

    def __init__(self, athena: Any, glue: Any, workgroup: str, results: str | None, seconds: float = 120) -> None:
        """`athena`, `glue`: boto3's clients; `results`: where results go, unless the workgroup says so."""
        self._athena = athena
        self._glue = glue
        self._options = {"WorkGroup": workgroup}
        if results:
            self._options["ResultConfiguration"] = {"OutputLocation": results}  # type: ignore[assignment]
        self._seconds = seconds

    def location(self, database: str, table: str) -> str | None:
        """Where Glue says that a table lies; None where it knows none."""
        try:
            found = self._glue.get_table(DatabaseName=database, Name=table)["Table"]
        except ClientError as error:
            if _code(error) == "EntityNotFoundException":
                return None
            raise _problem(error) from error
        except BotoCoreError as error:
            raise _problem(error) from error
        return str(found.get("StorageDescriptor", {}).get("Location", ""))

    def run(self, sql: str) -> str:
        """Run a statement to its end; returns its id. A run that is interrupted or takes too long is cancelled."""
        try:
            execution: str = self._athena.start_query_execution(QueryString=sql, **self._options)["QueryExecutionId"]
            try:
                status = self._await(execution)
            except BaseException:
                self._athena.stop_query_execution(QueryExecutionId=execution)
                raise
        except (ClientError, BotoCoreError) as error:
            raise _problem(error) from error
        if status["State"] != "SUCCEEDED":
            raise RunFailed(f"Athena: {status.get('StateChangeReason') or status['State']} ({sql})")
        return execution

    def ask(self, sql: str) -> Answer:
        """The answer to a query of few rows."""
        execution = self.run(sql)
        try:
            result = self._athena.get_query_results(QueryExecutionId=execution)["ResultSet"]
        except (ClientError, BotoCoreError) as error:
            raise _problem(error) from error
        columns = [column["Name"] for column in result["ResultSetMetadata"]["ColumnInfo"]]
        rows = [[cell.get("VarCharValue") for cell in row.get("Data", [])] for row in result["Rows"]]
        return Answer(columns, rows[1:])  # the first one repeats the names

    def _await(self, execution: str) -> dict[str, Any]:
        deadline = time.monotonic() + self._seconds
        while True:
            status: dict[str, Any] = self._athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"][
                "Status"
            ]
            if status["State"] not in {"QUEUED", "RUNNING"}:
                return status
            if time.monotonic() > deadline:
                raise RunFailed(f"Athena has not answered within {self._seconds:.0f} s: try again later.")
            time.sleep(_POLL_SECONDS)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _problem(error: Exception) -> ConfigurationError:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return ConfigurationError(
            "No AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        )
    if not isinstance(error, ClientError):
        return ConfigurationError(f"AWS does not answer ({type(error).__name__}): check AWS_REGION and the network.")
    message = str(error.response.get("Error", {}).get("Message", "")).partition("\n")[0]
    if _code(error) in _DENIED:
        return ConfigurationError(
            f"AWS: lacks the right to {error.operation_name}; --policy registrar prints the rights. {message}".rstrip()
        )
    if "output location" in message.lower():
        return ConfigurationError("The workgroup has no place for results: set ATHENA_RESULTS_URI=s3://bucket/path.")
    return ConfigurationError(f"AWS answered {error.operation_name} with {_code(error)}: {message}")
