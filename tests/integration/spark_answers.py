"""Spark's answers to the questions: ``spark-submit spark_answers.py <lake>`` prints them as JSON, values as text."""

from __future__ import annotations

import json
import os
import sys

from pipelines import questions
from pipelines.clients import S3Settings
from pipelines.lake import TABLES, Lake
from pipelines.session import start_session


def main(uri: str) -> None:
    spark = start_session("questions", S3Settings(os.environ.get("AWS_ENDPOINT_URL"), os.environ["AWS_REGION"]))
    for table in TABLES:
        spark.read.format("delta").load(Lake(uri).path(table)).createOrReplaceTempView(table)
    answers = {
        name: [[str(value) for value in row] for row in spark.sql(questions.question(name, "Spark")).collect()]
        for name in questions.names()
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
