"""What brings a visitor: the referring page, the landing page's query and the event's ``traffic``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.audience import CHANNELS, Channel
from generator.chance import Chance, Flags, Int, thresholds
from generator.profiles import Profile

# The share of tagged visits whose tracker fills ``traffic``; the others leave it to the reader of the URL.
_TRAFFIC_FILLED = 0.7
# The share of those who come back to a cart because of a mail that reminded them of it.
_REMINDED = 0.4


@dataclass(frozen=True)
class Origin:
    """A channel with one of its campaigns, if it has any."""

    channel: Channel
    campaign: str | None = None


_NEWSLETTER = Channel("newsletter", "email", None)
_USUAL = tuple(
    (weight / max(1, len(channel.campaigns)), Origin(channel, campaign))
    for weight, channel in CHANNELS
    for campaign in channel.campaigns or (None,)
)
_REMINDER = len(_USUAL)
_PUSHES = (
    Origin(_NEWSLETTER, "black_friday"),
    Origin(Channel("google", "cpc", "https://www.google.com/", (), "gclid"), "black_friday"),
    Origin(Channel("facebook", "paid_social", "https://l.facebook.com/", (), "fbclid"), "black_friday"),
)
ORIGINS = (*(origin for _, origin in _USUAL), Origin(_NEWSLETTER, "cart_reminder"), *_PUSHES)
DIRECT = next(place for place, origin in enumerate(ORIGINS) if origin.channel.source is None)
_TABLE = thresholds([weight for weight, _ in _USUAL])


def draw_origins(chance: Chance, profile: Profile, comes_directly: Flags, is_reminded: Flags) -> Int:
    """A place in ORIGINS for each visit. Campaigns of the profile come in addition to the usual channels."""
    count = len(comes_directly)
    origin = chance.pick(_TABLE, count)
    pushed = chance.hits(profile.campaign_share, count)
    origin = np.where(pushed, _REMINDER + 1 + chance.below(len(_PUSHES), count), origin)
    origin = np.where(is_reminded & chance.hits(_REMINDED, count), _REMINDER, origin)
    return np.where(comes_directly, DIRECT, origin)


def fills_traffic(chance: Chance, origin: Int) -> Flags:
    """Whether the tracker says in ``traffic`` where the visit comes from."""
    tagged = np.array([each.campaign is not None for each in ORIGINS])[origin]
    known = np.array([each.channel.source is not None for each in ORIGINS])[origin]
    return known & (~tagged | chance.hits(_TRAFFIC_FILLED, len(origin)))
