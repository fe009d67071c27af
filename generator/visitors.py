"""The shop's visitors, many at a time: who they are, and what they take from one visit to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.audience import BOTS, DEVICES, PLACES
from generator.chance import Bits, Chance, Flags, Int, thresholds
from generator.personas import PERSONAS

# Lines of a cart; a full one takes no more.
CART_LINES = 6

ALL_DEVICES = tuple(device for _, device in (*DEVICES, *BOTS))
_PERSONA = thresholds([persona.share for persona in PERSONAS])
_DEVICE = thresholds([weight for weight, _ in DEVICES])
_BOT_DEVICE = thresholds([weight for weight, _ in BOTS])
_PLACE = thresholds([weight for weight, _ in PLACES])
_IS_BOT = np.array([persona.is_bot for persona in PERSONAS])
_HAS_ACCOUNT = np.array([persona.has_account for persona in PERSONAS])
_IS_APP = np.array([device.platform != "web" for device in ALL_DEVICES])
# Apps keep their users signed in; browsers do for some.
_BROWSER_KEEPS_SIGNED_IN = 0.3


@dataclass
class Lines:
    """What is in a cart or an order: arrays of (rows, CART_LINES). A product of −1 is no line."""

    product: Int
    quantity: Int
    variant: Int

    @staticmethod
    def none(rows: int) -> Lines:
        """Empty carts."""
        shape = (rows, CART_LINES)
        return Lines(np.full(shape, -1, np.int16), np.zeros(shape, np.int16), np.zeros(shape, np.int8))


@dataclass
class Visitors:
    """One row per visitor.

    `anonymous` (rows, 2), `account` and `address` are random bits that ids and addresses are written from. `persona`,
    `device` and `place` are places in their tables. `signed_in` never becomes false again. `cart` goes along from visit
    to visit, as `cart_id` does; `order` is the last purchase, at the prices of its `order_period`; `wants_refund`
    and `is_reminded` are about the next visit.
    """

    anonymous: Bits
    account: Bits
    address: Bits
    persona: Int
    device: Int
    place: Int
    has_account: Flags
    signed_in: Flags
    visits: Int
    cart_product: Int
    cart_quantity: Int
    cart_variant: Int
    cart_id: Bits
    order_product: Int
    order_quantity: Int
    order_variant: Int
    order_id: Bits
    order_period: Int
    wants_refund: Flags
    is_reminded: Flags

    def __len__(self) -> int:
        return len(self.persona)

    @property
    def is_bot(self) -> Flags:
        """Whether nobody is there."""
        return _IS_BOT[self.persona]


def new_visitors(chance: Chance, count: int) -> Visitors:
    """People who come for the first time."""
    persona = chance.pick(_PERSONA, count)
    is_bot = _IS_BOT[persona]
    device = np.where(is_bot, len(DEVICES) + chance.pick(_BOT_DEVICE, count), chance.pick(_DEVICE, count))
    drawn = (chance.bits(count) >> np.uint64(32)).astype(np.float64) / 2**32
    has_account = drawn < _HAS_ACCOUNT[persona]
    keeps = _IS_APP[device] | chance.hits(_BROWSER_KEEPS_SIGNED_IN, count)
    cart, order = Lines.none(count), Lines.none(count)
    return Visitors(
        anonymous=chance.bits(2 * count).reshape(count, 2),
        account=chance.bits(count),
        address=chance.bits(count),
        persona=persona,
        device=device,
        place=chance.pick(_PLACE, count),
        has_account=has_account,
        signed_in=has_account & keeps,
        visits=np.zeros(count, np.int64),
        cart_product=cart.product,
        cart_quantity=cart.quantity,
        cart_variant=cart.variant,
        cart_id=np.zeros(count, np.uint64),
        order_product=order.product,
        order_quantity=order.quantity,
        order_variant=order.variant,
        order_id=np.zeros(count, np.uint64),
        order_period=np.zeros(count, np.int64),
        wants_refund=np.zeros(count, bool),
        is_reminded=np.zeros(count, bool),
    )
