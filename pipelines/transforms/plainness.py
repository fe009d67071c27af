"""The cheapest proof: one regular expression over the text itself says whether it holds just what is declared.

Most producers write plain documents: an object of declared keys in the order of the contract, each with a value of its
declared type or null, no more white space than one blank after a colon or comma, no surrogates as escapes. That is a
regular language, as the contract's depth is bounded. A text that matches is one valid JSON object (RFC 8259) that
repeats no key, and `from_json` loses and coerces nothing in it. What is not plain is not wrong: `shape` and
`diagnosis` find out, for more.

Every loop is possessive, so matching takes linear time and no stack.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary

# Larger texts are rare; they would only make hostile ones dear.
MAX_PLAIN_BYTES = 65_536

_CHARACTERS = r'[^"\\\x00-\x1f]*+'
_STRING = rf'"{_CHARACTERS}(?:\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{{4}}){_CHARACTERS})*+"'
_INTEGER = r"(?:0|-?[1-9][0-9]{0,8}+)"
_MONEY = r"-?(?:0|[1-9][0-9]{0,9}+)(?:\.[0-9]{1,2}+)?+"
# Instants that any calendar has: 29 February is left to others.
_DATE = (
    r"[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9}+)?+(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"
_OPTIONAL_VALUES = {
    "sent_at": f'"{_DATE}T{_TIME}"',
    "platform": f'"(?:{"|".join(vocabulary.PLATFORMS)})"',
}


def is_plain(text: Column) -> Column:
    """Whether the text is proven to be one JSON object of the declared shape; null is not."""
    fits = F.octet_length(text) <= MAX_PLAIN_BYTES
    return F.coalesce(fits & text.rlike(rf"\A{_plain(schemas.EVENT, _OPTIONAL_VALUES)}\z"), F.lit(False))


def _plain(data_type: T.DataType, special: dict[str, str] | None = None) -> str:
    """A regular expression for the plain JSON texts of a type, but null."""
    if isinstance(data_type, T.StructType):
        values = {f.name: (special or {}).get(f.name) or _plain(f.dataType) for f in data_type}
        after = r'(?:, ?(?=")|(?=\}))'
        return r"\{" + "".join(f'(?:"{name}": ?(?:{value}|null){after})?+' for name, value in values.items()) + r"\}"
    if isinstance(data_type, T.ArrayType):
        return rf"\[(?:{_plain(data_type.elementType)}(?:, ?(?=\{{)|(?=\])))*+\]"
    if isinstance(data_type, T.IntegerType):
        return _INTEGER
    return _MONEY if isinstance(data_type, T.DecimalType) else _STRING
