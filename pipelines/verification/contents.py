"""What of a raw event is compared with its enriched record: SQL over the JSON text, for millions of records.

Compared are the declared texts and what rules read: event_id, money, quantities. Not compared are `platform` and
`sent_at` (a value that is not allowed is taken out), `user_id` and the URLs of `page` (made less private), the
counters of session and item, and what the enrichment adds. A text of another JSON type counts as absent, as the
contract has it. The digest of two documents is the same where they have the same values, whatever their spelling:
17 or 17.00, é or \\u00e9, one order of keys or another.
"""

from __future__ import annotations

import json
from typing import Any

# Larger values are not parsed here: no accepted event is as large with MAX_EVENT_BYTES as it is by default.
MAX_EXAMINED_BYTES = 4 << 20

_TEXTS = ("schema_version", "event_name", "event_time", "anonymous_id", "session_id")
_NESTED_TEXTS = {
    "page": ("title",),
    "device": ("category", "screen", "language"),
    "geo": ("country", "region", "city"),
    "traffic": ("source", "medium", "campaign", "term", "content", "click_id"),
    "ecommerce": (
        "transaction_id", "cart_id", "currency", "coupon", "payment_type", "shipping_tier", "item_list_id",
        "search_term", "refund_reason",
    ),
}  # fmt: skip
_MONEY = ("value", "tax", "shipping", "discount")
_ITEM_TEXTS = ("item_id", "item_name", "item_brand", "item_category", "item_variant", "coupon")
_ITEM_NUMBERS = ("price", "list_price", "discount", "quantity")


def _shape() -> dict[str, Any]:
    """For json_transform. A text is taken as JSON, so that its type still shows."""
    nested = {name: dict.fromkeys(texts, "JSON") for name, texts in _NESTED_TEXTS.items()}
    nested["ecommerce"] |= dict.fromkeys(_MONEY, "DOUBLE")
    items = dict.fromkeys(_ITEM_TEXTS, "JSON") | dict.fromkeys(_ITEM_NUMBERS, "DOUBLE")
    return {"event_id": "VARCHAR", **dict.fromkeys(_TEXTS, "JSON"), **nested, "items": [items]}


def _text(path: str) -> str:
    return f"case when starts_with({path}::varchar, '\"') then {path}::varchar end"


def _event(shape: dict[str, Any]) -> str:
    """The document in `value` (a blob) as a struct; null where it is no JSON object."""
    text = "try(decode(value))"
    return f"case when json_valid({text}) then json_transform({text}, '{json.dumps(shape)}') end"


RAW_EVENT = _event(_shape())
_ENRICHED_SHAPE = _shape() | {"ip_address": "JSON", "enrichment": {"event_fingerprint": "BIGINT"}}
_ENRICHED_SHAPE["device"] |= {"user_agent": "JSON"}
ENRICHED_EVENT = _event(_ENRICHED_SHAPE)
# Both are SQL over the struct as `event`.
IS_PRIVATE = "(event.ip_address is not null or event.device.user_agent is not null)"
CONTENT = "hash({texts}, {numbers}, list_transform(event.items, lambda item: hash({item})))".format(
    texts=", ".join(
        [_text(f"event.{name}") for name in _TEXTS]
        + [_text(f"event.{struct}.{name}") for struct, names in _NESTED_TEXTS.items() for name in names]
    ),
    numbers=", ".join(f"event.ecommerce.{name}" for name in _MONEY),
    item=", ".join([_text(f"item.{name}") for name in _ITEM_TEXTS] + [f"item.{name}" for name in _ITEM_NUMBERS]),
)
