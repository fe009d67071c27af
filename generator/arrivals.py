"""What brings a shopper: the referring page, the landing page's query and the event's ``traffic``."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from generator.audience import CHANNELS

# The share of tagged visits whose tracker fills ``traffic``; the others leave it to the reader of the URL.
_TRAFFIC_FILLED = 0.7


@dataclass(frozen=True)
class Arrival:
    """How a visit began; all empty for one that came directly."""

    referrer: str = ""
    query: str = ""
    traffic: dict[str, Any] = field(default_factory=dict)


DIRECT = Arrival()


def draw_arrival(rng: Random) -> Arrival:
    """A visit's beginning. Campaigns tag the URL with ``utm_*`` and ad networks add their click id."""
    channel = CHANNELS.draw(rng)
    if channel.source is None:
        return DIRECT
    campaign = rng.choice(channel.campaigns) if channel.campaigns else None
    click_id = f"{rng.getrandbits(80):020x}" if channel.click_parameter else None
    query = ""
    if campaign:
        query = f"utm_source={channel.source}&utm_medium={channel.medium}&utm_campaign={campaign}"
    if click_id:
        query += f"&{channel.click_parameter}={click_id}"
    fields = {
        "source": channel.source,
        "medium": channel.medium,
        "campaign": campaign,
        "click_id": click_id,
    }
    is_filled = not campaign or rng.random() < _TRAFFIC_FILLED
    traffic = {name: value for name, value in fields.items() if value is not None} if is_filled else {}
    return Arrival(channel.referrer or "", query, traffic)
