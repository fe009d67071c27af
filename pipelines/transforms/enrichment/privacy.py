"""What leaves the raw topic about a person: a network prefix instead of an address, a pseudonym instead of an id."""

from __future__ import annotations

import hashlib

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.transforms.enrichment.web import without_query

_IPV4 = r"\A(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\z"
# Eight groups, or fewer around one "::".
_IPV6 = (
    r"\A(?=.{2,39}\z)(?!.*::.*::)(?!.*:::)(?!:[^:])(?!.*[^:]:\z)"
    r"(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
    r"|(?:[0-9a-fA-F]{1,4}:){7}:|:(?::[0-9a-fA-F]{1,4}){7}"
    r"|(?=.*::)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})\z"
)
_BLOCK_BYTES = 64


def with_ip_prefix(events: DataFrame) -> DataFrame:
    """Add ip_prefix: the /24 of an IPv4 address, the /48 of an IPv6 address, null for anything else."""
    address = F.col("event.ip_address")
    before_gap = F.split(F.substring_index(address, "::", 1), ":")
    groups = F.slice(F.concat(before_gap, F.array(F.lit("0"), F.lit("0"), F.lit("0"))), 1, 3)
    short = F.transform(groups, lambda g: F.regexp_replace(F.regexp_replace(F.lower(g), "^0+", ""), "^$", "0"))
    prefix = (
        F.when(address.rlike(_IPV4), F.concat(F.substring_index(address, ".", 3), F.lit(".0/24")))
        .when(address.rlike(_IPV6), F.concat(F.array_join(short, ":"), F.lit("::/48")))
    )  # fmt: skip
    return events.withColumn("ip_prefix", prefix)


def with_pseudonym(events: DataFrame, key: bytes | None) -> DataFrame:
    """Add user_pseudonym = ``p1:`` + HMAC-SHA-256(key, user_id) in hex; null without a key or a user.

    RFC 2104 over Spark's sha2. The two padded keys are 64-byte literals, which the Spark configuration redacts
    from plans and the UI (spark.sql.redaction.string.regex).
    """
    user = F.col("event.user_id")
    return events.withColumn(
        "user_pseudonym",
        F.lit(None).cast("string") if key is None else F.concat(F.lit("p1:"), _hmac_sha256(key, user)),
    )


def without_private_fields(events: DataFrame, has_key: bool) -> DataFrame:
    """Take out of `event`: ip_address, device.user_agent, URL queries; and user_id if there is a pseudonym."""
    event = (
        F.col("event")
        .dropFields("ip_address", "device.user_agent")
        .withField("page", _without_queries(F.col("event.page")))
    )
    if has_key:
        event = event.withField("user_id", F.col("user_pseudonym"))
    return events.withColumn("event", F.when(F.col("event").isNotNull(), event))


def _without_queries(page: Column) -> Column:
    clean = F.struct(
        without_query(page["url"]).alias("url"),
        page["title"].alias("title"),
        without_query(page["referrer"]).alias("referrer"),
    )
    return F.when(page.isNotNull(), clean)


def _hmac_sha256(key: bytes, text: Column) -> Column:
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner = F.lit(bytes(b ^ 0x36 for b in block))
    outer = F.lit(bytes(b ^ 0x5C for b in block))
    digest = F.unhex(F.sha2(F.concat(inner, text.cast("binary")), 256))
    return F.sha2(F.concat(outer, digest), 256)
