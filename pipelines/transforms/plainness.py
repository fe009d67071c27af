"""The cheapest proofs: one regular expression over the text itself says whether it holds just what is declared.

Most producers write plain documents: an object of declared keys in the order of the contract, each with a value of its
declared type or null, no more white space than one blank after a colon or comma, no surrogates as escapes. That is a
regular language, as the contract's depth is bounded. A text that matches is one valid JSON object (RFC 8259) that
repeats no key, and `from_json` loses and coerces nothing in it. What is not plain is not wrong: `shape` and
`diagnosis` find out, for more.

Most plain documents are clean besides: their values keep every rule of `validation` that the text alone can tell of,
so that none of those is looked at again.

Every loop is possessive, so matching takes linear time and no stack.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary

# Larger texts are rare; they would only make hostile ones dear.
MAX_PLAIN_BYTES = 65_536

_CHARACTERS = r'[^"\\\x00-\x1f]*+'
_REST = rf'{_CHARACTERS}(?:\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{{4}}){_CHARACTERS})*+"'
_STRING = rf'"{_REST}'
_INTEGER = r"(?:0|-?[1-9][0-9]{0,8}+)"
_AMOUNT = r"(?:0|[1-9][0-9]{0,9}+)(?:\.[0-9]{1,2}+)?+"
_MONEY = rf"-?{_AMOUNT}"
# Instants that any calendar has: 29 February is left to others.
_DATE = (
    r"[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9}+)?+(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"
_INSTANT = f'"{_DATE}T{_TIME}"'
# After a member: the next one follows, or the object ends.
_AFTER = r'(?:, ?(?=")|(?=\}))'

# A member of an object: (path, type) → regular expression.
_Member = Callable[[str, T.DataType], str]


def is_plain(text: Column) -> Column:
    """Whether the text is proven to be one JSON object of the declared shape; null is not."""
    return _matches(text, _object("", schemas.EVENT, _plain_member))


def is_clean(text: Column) -> Column:
    """Whether the text is plain and proven to keep all rules but those on its time and arrival; null is not.

    Events that need items or a transaction are not looked into so closely: they are few.
    """
    return _matches(text, _object("", schemas.EVENT, _clean_member))


def _matches(text: Column, pattern: str) -> Column:
    fits = F.octet_length(text) <= MAX_PLAIN_BYTES
    return F.coalesce(fits & text.rlike(rf"\A{pattern}\z"), F.lit(False))


def _object(path: str, fields: T.StructType, member: _Member) -> str:
    prefix = f"{path}." if path else ""
    return r"\{" + "".join(member(prefix + f.name, f.dataType) for f in fields) + r"\}"


def _member(path: str, value: str) -> str:
    return rf'"{path.rpartition(".")[2]}": ?{value}{_AFTER}'


def _optional(path: str, value: str) -> str:
    return f"(?:{_member(path, f'(?:{value}|null)')})?+"


_PLAIN_VALUES = {"sent_at": _INSTANT, "platform": f'"(?:{"|".join(vocabulary.PLATFORMS)})"'}


def _value(path: str, data_type: T.DataType, member: _Member) -> str:
    """A regular expression for the values of a type, but null."""
    if isinstance(data_type, T.StructType):
        return _object(path, data_type, member)
    if isinstance(data_type, T.ArrayType):
        element = _value(path, data_type.elementType, member)
        return rf"\[(?:{element}(?:, ?(?=\{{)|(?=\]))){{0,{vocabulary.MAX_ITEMS}}}+\]"
    if isinstance(data_type, T.IntegerType):
        return _INTEGER
    return _MONEY if isinstance(data_type, T.DecimalType) else _STRING


def _plain_member(path: str, data_type: T.DataType) -> str:
    return _optional(path, _PLAIN_VALUES.get(path) or _value(path, data_type, _plain_member))


def _one_of(words: tuple[str, ...]) -> str:
    """A JSON string of the words. The engine tries one alternative after the other: initials first."""
    initials = sorted({word[0] for word in words})
    branches = [(letter, "|".join(word[1:] for word in words if word[0] == letter)) for letter in initials]
    return '"(?:' + "|".join(f"{letter}(?:{rest})" for letter, rest in branches) + ')"'


_HEX = "[0-9a-fA-F]"
_GIVEN = rf'"[!#-\[\]-~]{_REST}'  # not blank: begins with a visible character
_NEEDY = {*vocabulary.NEEDS_ITEMS, *vocabulary.NEEDS_TRANSACTION}
_CURRENCY = _one_of(vocabulary.CURRENCIES)
_REQUIRED_VALUES = {
    "event_id": f'"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"',
    "event_name": _one_of(tuple(name for name in vocabulary.EVENT_NAMES if name not in _NEEDY)),
    "event_time": _INSTANT,
    "anonymous_id": _GIVEN,
    "session_id": _GIVEN,
    "items.item_id": _GIVEN,
}
_CLEAN_VALUES = {
    **_PLAIN_VALUES,
    "schema_version": f'"{vocabulary.SCHEMA_VERSION}"',
    "items.price": _AMOUNT,
    "items.quantity": "[1-9][0-9]{0,8}+",
}


def _clean_member(path: str, data_type: T.DataType) -> str:
    if path in _REQUIRED_VALUES:
        return _member(path, _REQUIRED_VALUES[path])
    if path == "ecommerce.value":  # with a currency, its neighbour, or null
        whole = _member(path, _MONEY) + _member("currency", _CURRENCY)
        return f"(?:{whole}|{_optional(path, 'null')}{_optional('currency', _CURRENCY)})"
    if path == "ecommerce.currency":
        return ""
    return _optional(path, _CLEAN_VALUES.get(path) or _value(path, data_type, _clean_member))
