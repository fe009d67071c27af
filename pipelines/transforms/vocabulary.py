"""The words and limits that the event contract (schema version 1-0-0) is written in."""

from __future__ import annotations

MODEL, REVISION, ADDITION = 1, 0, 0
SCHEMA_VERSION = f"{MODEL}-{REVISION}-{ADDITION}"

# GA4 e-commerce event names.
EVENT_NAMES = (
    "page_view",
    "search",
    "view_item_list",
    "select_item",
    "view_item",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "refund",
    "login",
    "sign_up",
)
NEEDS_ITEMS = (
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
)
NEEDS_TRANSACTION = ("purchase", "refund")
PLATFORMS = ("web", "ios", "android")
MAX_ITEMS = 200

REQUIRED = ("event_id", "event_name", "event_time", "anonymous_id", "session_id")
MONEY_FIELDS = ("value", "tax", "shipping", "discount")
ITEM_MONEY_FIELDS = ("price", "list_price", "discount")

# A wrong JSON type here rejects the record: the field is required, or a rule reads it.
# Anywhere else the value is rescued and the record accepted with a warning.
CRITICAL = frozenset(
    {*REQUIRED, "schema_version", "ecommerce", "items", "ecommerce.currency", "ecommerce.transaction_id"}
    | {f"ecommerce.{name}" for name in MONEY_FIELDS}
    | {f"items[].{name}" for name in ("item_id", "item_name", "quantity", *ITEM_MONEY_FIELDS)}
)

# Never repeated outside raw, dead_letter_queue and dead_letters (page.* may carry queries with personal data).
PRIVATE = frozenset({"ip_address", "user_id", "device", "device.user_agent", "page", "page.url", "page.referrer"})

# Bytes.
DEFAULT_MAX_EVENT_BYTES = 921_600


def sink_record_bytes(max_event_bytes: int) -> int:
    """The largest record of the sink topics: their max.message.bytes and the producer's max.request.size."""
    return 2 * max_event_bytes + 64 * 1024


# RFC 3339 with an upper-case T and a zone; https://www.rfc-editor.org/rfc/rfc3339#section-5.6
RFC3339 = r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\z"

# The failure types in the order in which the first match names the record's failure.
FAILURE_TYPES = (
    "EMPTY_VALUE",
    "SIZE_VIOLATION",
    "NOT_UTF8",
    "NOT_JSON",
    "NOT_OBJECT",
    "UNSUPPORTED_SCHEMA_VERSION",
    "MISSING_REQUIRED",
    "TYPE_MISMATCH",
    "INVALID_VALUE",
    "TIMESTAMP_INVALID",
    "TIMESTAMP_FUTURE",
    "TIMESTAMP_ANCIENT",
    "ENRICHMENT_FAILURE",
    "REPLAY_EXHAUSTED",
)

# ISO 4217 alphabetic codes in use, funds and metals left out.
CURRENCIES = tuple(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
    TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
