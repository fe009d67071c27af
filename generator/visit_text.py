"""What all events of a visit share, as text: who, from where, with what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from generator.arrivals import ORIGINS
from generator.audience import PLACES
from generator.chance import Flags
from generator.columns import take
from generator.goods import to_json
from generator.hexes import hexes, uuids
from generator.visitors import ALL_DEVICES
from generator.visits import Simulated


class VisitText(NamedTuple):
    """Pieces of JSON in the order in which they stand in an event; `user` counts once the visitor has signed in."""

    key: bytes
    zone: bytes
    ids: bytes
    user: bytes
    number: bytes
    platform: bytes
    device: bytes
    referrer: bytes
    query: bytes
    is_web: bool
    is_ios: bool


def visit_texts(simulated: Simulated, is_mine: Flags) -> Iterator[tuple[int, VisitText]]:
    """(row, text) of the visits of those visitors."""
    visitors, visits = simulated.visitors, simulated.visits
    rows = np.flatnonzero(is_mine[visits.visitor])
    people, visits = take(visitors, rows), take(visits, rows)
    for row, key, session, user, number, device, place, address, origin, fills, click in zip(
        rows.tolist(), uuids(people.anonymous[:, 0], people.anonymous[:, 1]), hexes(visits.session),
        hexes(people.account, 10), people.visits.tolist(), people.device.tolist(), people.place.tolist(),
        people.address.tolist(), visits.origin.tolist(), visits.fills_traffic.tolist(), hexes(visits.click),
        strict=True,
    ):  # fmt: skip
        referrer, query, traffic = _ORIGINS[origin]
        platform, before_address, after_address = _PEOPLE[device][place]
        text = before_address + _ip_address(address) + after_address
        if fills:
            text += traffic.replace(_CLICK, click)
        kind = ALL_DEVICES[device].platform
        yield row, VisitText(
            key, ZONES[device][place],
            b'","anonymous_id":"' + key + b'","session_id":"' + session + b'","user_id":',
            b'"user-' + user + b'"', b',"session_number":%d,"session_event_index":' % number, platform, text, referrer,
            query.replace(_CLICK, click), kind == "web", kind == "ios",
        )  # fmt: skip


def _ip_address(bits: int) -> bytes:
    """An address from a documentation range (RFC 5737, RFC 3849); one in eight is IPv6."""
    if bits & 7 == 0:
        return b"2001:db8:%x:%x::%x" % (bits >> 48, bits >> 32 & 0xFFFF, (bits >> 16 & 0x7FFF) + 1)
    return (b"203.0.113.%d" if bits & 8 else b"198.51.100.%d") % ((bits >> 8) % 254 + 1)


# Stands for the click id.
_CLICK = b"{click}"


def _origins() -> list[tuple[bytes, bytes, bytes]]:
    """(referrer, query, traffic) of each origin."""
    found = []
    for origin in ORIGINS:
        channel = origin.channel
        tags = f"utm_source={channel.source}&utm_medium={channel.medium}&utm_campaign={origin.campaign}"
        query = tags if origin.campaign else ""
        query += f"&{channel.click_parameter}={_CLICK.decode()}" if channel.click_parameter else ""
        click = _CLICK.decode() if channel.click_parameter else None
        fields = {"source": channel.source, "medium": channel.medium, "campaign": origin.campaign, "click_id": click}
        traffic = b',"traffic":' + to_json({name: value for name, value in fields.items() if value})
        found.append(((channel.referrer or "").encode(), query.encode(), traffic))
    return found


def _people() -> list[list[tuple[bytes, bytes, bytes]]]:
    """By device and place: what stands before the page, before the address, and after it."""
    table = []
    for device in ALL_DEVICES:
        row = []
        for _, place in PLACES:
            about = {"category": device.category, "user_agent": device.user_agent}
            about |= {"screen": device.screen} if device.screen else {}
            about["language"] = place.language
            geo = to_json({"country": place.country, "region": place.region, "city": place.city})
            platform = f',"platform":"{device.platform}","page":'.encode()
            row.append((platform, b',"device":' + to_json(about) + b',"ip_address":"', b'","geo":' + geo))
        table.append(row)
    return table


def _zone(minutes: int) -> bytes:
    return b"%c%02d:%02d" % (b"-+"[minutes > 0], *divmod(abs(minutes), 60)) if minutes else b"Z"


_ORIGINS = _origins()
_PEOPLE = _people()
# Android writes local time with its offset, all others UTC: both are in the contract.
OFFSET_MINUTES = np.array(
    [[place.utc_offset_minutes * (device.platform == "android") for _, place in PLACES] for device in ALL_DEVICES]
)
ZONES = [[_zone(int(minutes)) for minutes in row] for row in OFFSET_MINUTES]
