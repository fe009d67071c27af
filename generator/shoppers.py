"""Shoppers: people with a device, a cart and past orders, who may come back.

Money is in cents of the shop's one currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

from generator.audience import BOTS, DEVICES, PLACES, Channel, Device, Place, Weighted, draw_ip_address
from generator.catalog import Product
from generator.personas import PERSONAS, Persona

_PERSONAS: Weighted[Persona] = Weighted([(persona.share, persona) for persona in PERSONAS])
_SIZES = {"Clothing": ("XS", "S", "M", "L", "XL"), "Shoes": ("38", "39", "40", "41", "42", "43", "44")}

# The version's and the variant's bits (RFC 9562).
_UUID_MASK = 0xF << 76 | 0x3 << 62
_UUID_VERSION_4 = 0x4 << 76 | 0x2 << 62


def draw_uuid(rng: Random) -> str:
    """A random (version 4) UUID; `uuid.uuid4` knows no seed and is slower."""
    bits = rng.getrandbits(128) & ~_UUID_MASK | _UUID_VERSION_4
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@dataclass(slots=True)
class Line:
    """Some pieces of one product at the price asked for each."""

    product: Product
    quantity: int
    discount_cents: int = 0
    variant: str | None = None

    @property
    def price_cents(self) -> int:
        """What one piece costs now."""
        return self.product.price_cents - self.discount_cents

    @property
    def total_cents(self) -> int:
        """What the line costs."""
        return self.price_cents * self.quantity


def line_for(product: Product, quantity: int = 1, variant: str | None = None) -> Line:
    """The product as the shop offers it: every ninth or so is 15 % off, always the same ones."""
    on_sale = crc32(product.item_id.encode()) % 9 == 0
    return Line(product, quantity, product.price_cents * 15 // 100 if on_sale else 0, variant)


def draw_variant(product: Product, rng: Random) -> str | None:
    """A size, for things that have sizes."""
    sizes = _SIZES.get(product.category)
    return rng.choice(sizes) if sizes else None


def total_cents(lines: Iterable[Line]) -> int:
    """The sum of price times quantity."""
    return sum(line.total_cents for line in lines)


@dataclass(slots=True)
class Order:
    """A purchase, kept for its refund."""

    transaction_id: str
    lines: list[Line]


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
        account_id=f"user-{rng.getrandbits(40):010x}" if rng.random() < persona.account_probability else None,
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


def traffic_fields(channel: Channel, campaign: str | None, click_id: str | None) -> dict[str, Any]:
    """The event's ``traffic`` for a channel: only what is known."""
    fields = {
        "source": channel.source,
        "medium": channel.medium,
        "campaign": campaign,
        "click_id": click_id,
    }
    return {name: value for name, value in fields.items() if value is not None}
