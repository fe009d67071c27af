"""What the visitor used: browser, operating system, kind of device, and whether it is a bot."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_APP_SYSTEMS = {"ios": "iOS", "android": "Android"}


def with_agent(events: DataFrame, rules: Sequence[tuple[str, str, str]]) -> DataFrame:
    """Add browser, os, device_class (desktop, mobile, tablet, bot) and is_bot, null or false where unknown.

    `rules`: (column, regular expression over the user agent, value); the first match per column wins.
    Without a telling user agent, the app's platform names the os and device.category the class.
    """
    agent, platform = F.col("event.device.user_agent"), F.col("event.platform")
    is_bot = F.coalesce(_first(rules, "is_bot", agent).isNotNull(), F.lit(False))
    app_os = F.when(platform == "ios", _APP_SYSTEMS["ios"]).when(platform == "android", _APP_SYSTEMS["android"])
    category = F.lower("event.device.category")
    declared_class = F.when(category.isin("desktop", "mobile", "tablet"), category)
    return events.withColumns(
        {
            "browser": _first(rules, "browser", agent),
            "os": F.coalesce(_first(rules, "os", agent), app_os),
            "device_class": F.when(is_bot, "bot").otherwise(
                F.coalesce(_first(rules, "device_class", agent), declared_class)
            ),
            "is_bot": is_bot,
        }
    )


def _first(rules: Sequence[tuple[str, str, str]], column: str, agent: Column) -> Column:
    matches = [F.when(agent.rlike(pattern), value) for name, pattern, value in rules if name == column]
    return F.coalesce(*matches, F.lit(None).cast("string"))
