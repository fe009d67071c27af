"""Shoppers: people with a device, a cart and perhaps an order to return, who may come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from generator.audience import BOTS, DEVICES, PLACES, Device, Place, Weighted, draw_ip_address
from generator.carts import Line, Order
from generator.personas import PERSONAS, Persona

_PERSONAS: Weighted[Persona] = Weighted([(persona.share, persona) for persona in PERSONAS])

# The version's and the variant's bits (RFC 9562).
_UUID_MASK = 0xF << 76 | 0x3 << 62
_UUID_VERSION_4 = 0x4 << 76 | 0x2 << 62


def draw_uuid(rng: Random) -> str:
    """A random (version 4) UUID; `uuid.uuid4` knows no seed and is slower."""
    bits = rng.getrandbits(128) & ~_UUID_MASK | _UUID_VERSION_4
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def draw_account_id(rng: Random) -> str:
    """A registered user's id."""
    return f"user-{rng.getrandbits(40):010x}"


@dataclass(slots=True)
class Shopper:
    """One visitor over all visits. `user_id` is None until they sign in; `anonymous_id` never changes."""

    persona: Persona
    anonymous_id: str
    device: Device
    place: Place
    ip_address: str
    account_id: str | None
    user_id: str | None = None
    sessions: int = 0
    cart: list[Line] = field(default_factory=list)
    cart_id: str = ""
    to_refund: Order | None = None

    # What each of the shopper's events repeats, built once.
    device_fields: dict[str, Any] = field(default_factory=dict)
    geo_fields: dict[str, Any] = field(default_factory=dict)
    key: bytes = b""

    @property
    def uppercase_ids(self) -> bool:
        """Apple's UUIDs come in capitals."""
        return self.device.platform == "ios"


def new_shopper(rng: Random) -> Shopper:
    """A first-time visitor."""
    persona = _PERSONAS.draw(rng)
    device = (BOTS if persona.is_bot else DEVICES).draw(rng)
    place = PLACES.draw(rng)
    shopper = Shopper(
        persona=persona,
        anonymous_id=draw_uuid(rng),
        device=device,
        place=place,
        ip_address=draw_ip_address(rng),
        account_id=draw_account_id(rng) if rng.random() < persona.account_probability else None,
    )
    # Apps keep their users signed in; browsers do for some.
    if shopper.account_id and (device.platform != "web" or rng.random() < 0.3):
        shopper.user_id = shopper.account_id
    shopper.key = shopper.anonymous_id.encode()
    shopper.device_fields = {"category": device.category, "user_agent": device.user_agent}
    if device.screen:
        shopper.device_fields["screen"] = device.screen
    shopper.device_fields["language"] = place.language
    shopper.geo_fields = {"country": place.country, "region": place.region, "city": place.city}
    return shopper
