"""The cheap proof: one regular expression over a document's shape says whether it holds just what is declared.

`shape_of` parses the text as the value of a two-field object whose second key is a NONCE drawn at start, and asks
Spark for the types (`schema_of_variant`). Nobody can write the nonce, so a shape that ends in it proves that the
text is exactly one JSON value: trailing garbage, a second document or a truncation never get there. The parser is
strict (RFC 8259) and refuses duplicate keys. The shape lists every key with its JSON type, sorted, odd names
quoted, so a match of `declared_shape` proves: only declared keys, each with its declared JSON type or null, money
with at most two decimals. What does not match is not wrong yet: `diagnosis` finds out.
"""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms.json_values import let

# A shape longer than this has more keys than the contract; it is not worth matching.
MAX_SHAPE_LENGTH = 8192


def wrapped(text: Column, nonce: str) -> Column:
    """`text` as the value of key ``a`` in a variant whose only other key is ``z<nonce>``; null if that fails."""
    return F.try_parse_json(F.concat(F.lit('{"a":'), text, F.lit(f',"z{nonce}":null}}')))


def unwrapped(document: Column, nonce: str) -> Column:
    """The value in a wrapped text, as a variant; null unless the text was exactly one JSON value."""
    entries = F.try_variant_get(document, "$", "map<string,variant>")
    return let(
        entries,
        lambda e: F.when(F.map_keys(e) == F.array(F.lit("a"), F.lit(f"z{nonce}")), F.try_element_at(e, F.lit("a"))),
    )


def shape_of(document: Column) -> Column:
    """The types of a variant as text, e.g. ``OBJECT<a: OBJECT<event_id: STRING>, z…: VOID>``."""
    return F.schema_of_variant(document)


def has_declared_shape(shape: Column, nonce: str) -> Column:
    """True where the shape is exactly what the event contract declares; null counts as false."""
    pattern = rf"\AOBJECT<a: {declared_shape(schemas.EVENT)}, z{nonce}: VOID>\z"
    return F.coalesce((F.length(shape) <= MAX_SHAPE_LENGTH) & shape.rlike(pattern), F.lit(False))


def declared_shape(data_type: T.DataType) -> str:
    """A regular expression for the shapes that a value of `data_type` may have."""
    if isinstance(data_type, T.StructType):
        return rf"(?:OBJECT<{''.join(map(_field, sorted(data_type, key=lambda f: f.name)))}>|VOID)"
    if isinstance(data_type, T.ArrayType):
        return rf"(?:ARRAY<{declared_shape(data_type.elementType)}>|VOID)"
    if isinstance(data_type, T.StringType):
        return "(?:STRING|VOID)"
    if isinstance(data_type, T.IntegerType):
        return "(?:BIGINT|VOID)"
    if isinstance(data_type, T.DecimalType):
        return rf"(?:BIGINT|DECIMAL\(\d+,[0-{data_type.scale}]\)|VOID)"
    raise TypeError(f"no JSON shape for {data_type}")


def _field(field: T.StructField) -> str:
    return rf"(?:{re.escape(field.name)}: {declared_shape(field.dataType)}(?:, )?)?"
