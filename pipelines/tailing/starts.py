"""Where to begin reading: the words of ``--from``."""

from __future__ import annotations

import datetime
import re

BEGINNING, END = "beginning", "end"
# Or a time: milliseconds since 1970, as Kafka counts them.
Start = str | int
_AGE = re.compile(r"(\d{1,9})\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")


def parse_start(text: str, now: datetime.datetime) -> Start:
    """`text` is beginning, end, an age such as 10m (s, m, h, d), or an RFC 3339 time with a zone.

    Raises ValueError, whose text is for people.
    """
    word = text.strip()
    if word.lower() in {BEGINNING, END}:
        return word.lower()
    if age := _AGE.fullmatch(word):
        return max(0, round(now.timestamp() * 1000) - int(age[1]) * _SECONDS[age[2]] * 1000)
    try:
        if not _TIME.fullmatch(word):
            raise ValueError
        # Python 3.10 takes fractions of exactly 3 or 6 digits, and no Z.
        whole, fraction, zone = re.fullmatch(r"(.{16}(?::\d\d)?)(\.\d+)?(.+)", word).groups()  # type: ignore[union-attr]
        at = datetime.datetime.fromisoformat(whole + ("+00:00" if zone in "Zz" else zone))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is none of: beginning, end, an age such as 10m or 2h, a time such as 2026-11-26T07:00:00Z."
        ) from error
    return max(0, round((at.timestamp() + float(fraction or 0)) * 1000))
