"""Where a visit came from: page, campaign, referrer. Queries may hold personal data, so only a few keys survive."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_HOST = r"^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#:@]+)"
_PATH = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)"
_KEPT_PARAMETER = r"^(?:utm_[a-z]+|q|page|sort|category)="
_UTM = {"source": "source", "medium": "medium", "campaign": "campaign", "term": "term", "content": "content"}


def with_page(events: DataFrame) -> DataFrame:
    """Add page_host, page_path, page_query (only utm_*, q, page, sort, category) and referrer_host."""
    query = F.regexp_extract(F.substring_index("event.page.url", "#", 1), r"\?(.*)", 1)
    kept = F.filter(F.split(query, "&"), lambda p: p.rlike(_KEPT_PARAMETER))
    return events.withColumns(
        {
            "page_host": host(F.col("event.page.url")),
            "page_path": _not_empty(F.regexp_extract("event.page.url", _PATH, 1)),
            "page_query": F.when(query != "", _not_empty(F.array_join(kept, "&"))),
            "referrer_host": host(F.col("event.page.referrer")),
        }
    )


def with_campaign(events: DataFrame) -> DataFrame:
    """Add utm_*: from `traffic`, or from page_query where traffic is empty."""
    return events.withColumns({f"utm_{name}": _campaign(field, name) for name, field in _UTM.items()})


def with_referrer_medium(events: DataFrame, referrers: Sequence[tuple[str, str]]) -> DataFrame:
    """Add referrer_medium by referrer_host: search, social, email, internal, direct or other.

    `referrers`: (medium, regular expression over the host). Internal is the page's own host.
    """
    referrer_host = F.col("referrer_host")
    medium = F.when(referrer_host.isNull(), "direct").when(referrer_host == F.col("page_host"), "internal")
    # E-mail before search: mail.google.com is both.
    for name, pattern in sorted(referrers, key=lambda row: row[0] != "email"):
        medium = medium.when(referrer_host.rlike(pattern), name)
    return events.withColumn("referrer_medium", medium.otherwise("other"))


def without_query(url: Column) -> Column:
    """A URL without user, query and fragment."""
    bare = F.substring_index(F.substring_index(url, "?", 1), "#", 1)
    return F.when(bare.contains("@"), F.regexp_replace(bare, r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/]*@", "$1")).otherwise(
        bare
    )


def host(url: Column) -> Column:
    """The lower-case host of a URL, without port; null if it has none."""
    return _not_empty(F.lower(F.regexp_extract(url, _HOST, 1)))


def _campaign(field: str, name: str) -> Column:
    traffic = F.col("event.traffic")
    empty = F.coalesce(*[traffic[f] for f in _UTM.values()]).isNull()
    in_query = F.regexp_extract("page_query", rf"(?:^|&)utm_{name}=([^&]*)", 1)
    decoded = F.coalesce(F.try_url_decode(in_query), in_query)
    return F.when(empty, _not_empty(decoded)).otherwise(traffic[field])


def _not_empty(text: Column) -> Column:
    return F.when(text != "", text)
