"""A building block for work on few records, which Spark interprets: code generated for the rare is compiled for all."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F


def let(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body` of `value`, with `value` evaluated once, interpreted; null stays null.

    Higher-order functions are interpreted, and evaluate what a lambda captures from outside again for each element; so
    `body` should capture nothing. What is null for most records wants a cheaper condition around it.
    """
    return F.get(F.transform(F.array(value), lambda v: F.when(v.isNotNull(), body(v))), 0)
