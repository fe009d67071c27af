"""Raw events, schema version 1-0-0: from the steps of visits to the JSON that goes over the wire.

An event is written in two halves around its time, which may be known only when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from generator.catalog import Popularity
from generator.chance import Bits, Int
from generator.columns import take
from generator.goods import Goods, Line
from generator.hexes import hexes, uuids
from generator.pages import HOME, Pages, Step
from generator.partitions import partition_hashes
from generator.personas import CODE, EVENT_NAMES
from generator.profiles import Profile
from generator.visit_text import OFFSET_MINUTES, VisitText, visit_texts
from generator.visits import SEARCH_LIST, Carts, Simulated

SCHEMA_VERSION = "1-0-0"
SHOP_URL = b"https://www.shop.example"
# A column of Python objects, one row per event.
Objects = Any

_START = f'{{"schema_version":"{SCHEMA_VERSION}","event_id":"'.encode()
_HEADS = [b'","event_name":"' + name.encode() + b'","event_time":"' for name in EVENT_NAMES]
_CART_ID = b',"ecommerce":{"cart_id":"cart-'


@dataclass
class Events:
    """Events to send, in any order: each is head + time + tail; `zone` is what the tail begins with before its quote.

    `at` is in ms of the shop's time, `serial` (visit × 256 + number) tells events of one moment apart, and `key` is the
    shopper's, whose `partition_hash` modulo the partitions is its partition. Texts of others' events are None.
    """

    at: Int
    serial: Int
    code: Int
    head: Objects
    tail: Objects
    zone: Objects
    key: Objects
    event_id: Objects
    offset_minutes: Int
    partition_hash: Int


class Renderer:
    """Writes the events of a shop, or of every n-th visitor of it (`share` = (which, of how many))."""

    def __init__(self, popularity: Popularity, profile: Profile, share: tuple[int, int]) -> None:
        self._share = share
        self._pages = Pages(popularity.products)
        self._goods = goods = Goods(popularity, profile)
        searches = [goods.searched(place) for place in range(len(popularity.products))]
        about: dict[str, Callable[[Step], bytes]] = {
            "view_item": lambda step: goods.viewed(step.product, step.period),
            "add_to_wishlist": lambda step: goods.viewed(step.product, step.period),
            "view_item_list": lambda step: goods.listed(step.product, step.period, step.listing == SEARCH_LIST),
            "select_item": lambda step: goods.selected(step.product, step.period, step.listing == SEARCH_LIST),
            "search": lambda step: searches[step.product],
            "add_to_cart": self._moved,
            "remove_from_cart": self._moved,
        }
        self._about = [about.get(name, self._held) for name in EVENT_NAMES]
        self._carts: list[list[Line]] = []
        self._orders: list[bytes] = []

    def events(self, simulated: Simulated, first_serial: int, ids: Bits) -> Events:
        """The events of the visits; `ids` are (events, 2) random bits for all of them."""
        steps, visits, visitors = simulated.steps, simulated.visits, simulated.visitors
        which, of = self._share
        is_mine = (visitors.anonymous[:, 1] >> np.uint64(32)) % np.uint64(of) == which
        serial = (first_serial + steps.visit) * 256 + steps.number
        order = np.argsort(serial)
        mine = order[is_mine[visits.visitor[steps.visit[order]]]]
        columns = [np.full(len(serial), None, object) for _ in range(5)]
        if len(mine):
            self._read_carts(simulated.carts)
            texts = dict(visit_texts(simulated, is_mine))
            for column, part in zip(columns, zip(*self._write(simulated, mine, ids, texts), strict=True), strict=True):
                column[mine] = part
        offsets = OFFSET_MINUTES[visitors.device, visitors.place][steps.visit]
        keys = uuids(visitors.anonymous[:, 0], visitors.anonymous[:, 1])
        hashes = partition_hashes(keys)[steps.visit]
        head, tail, zone, key, event_id = columns
        return Events(steps.at, serial, steps.code, head, tail, zone, key, event_id, offsets, hashes)

    def _write(
        self, simulated: Simulated, mine: Int, ids: Bits, texts: dict[int, VisitText]
    ) -> Iterator[tuple[bytes, bytes, bytes, bytes, bytes]]:
        """(head, tail, zone, key, event id) of these steps, which are in the order of their visits."""
        visit = -1
        page_of, about = self._pages.of, self._about
        for step in _rows(simulated, mine, ids):
            if step.visit != visit:
                visit, text = step.visit, texts[step.visit]
                page, referrer = HOME, text.referrer
            page = page_of[step.code](step) or page
            path, title = page
            if text.is_web:
                if step.number == 1 and text.query:
                    path += (b"&" if b"?" in path else b"?") + text.query
                    page = path, title
                where = b'{"url":"' + SHOP_URL + path + b'","title":' + title
                where += b',"referrer":"' + referrer + b'"}' if referrer else b"}"
                referrer = SHOP_URL + path
            else:
                where = b'{"title":' + title + b"}"
            event_id = step.event_id.upper() if text.is_ios else step.event_id
            tail = b"%b%b%b%b%d%b%b%b%b" % (
                text.zone, text.ids, text.user if step.signed_in else b"null", text.number, step.number, text.platform,
                where, text.device, about[step.code](step),
            )  # fmt: skip
            yield _START + event_id + _HEADS[step.code], tail, text.zone, text.key, event_id

    def _moved(self, step: Step) -> bytes:
        return _CART_ID + step.cart_id + self._goods.moved((step.product, step.quantity, step.variant), step.period)

    def _held(self, step: Step) -> bytes:
        """A cart or an order; most other events end here."""
        if step.cart < 0:
            return b"}"
        lines, order_id = self._carts[step.cart], self._orders[step.cart]
        if step.code == CODE["refund"]:
            return self._goods.returned(lines, step.period, order_id, step.wishes)
        return self._goods.ordered(lines, step.period, step.cart_id, order_id, step.stage, step.wishes)

    def _read_carts(self, carts: Carts) -> None:
        self._orders = hexes(carts.order_id)
        self._carts = [
            [line for line in zip(*columns, strict=True) if line[0] >= 0]
            for columns in zip(carts.product.tolist(), carts.quantity.tolist(), carts.variant.tolist(), strict=True)
        ]


def _rows(simulated: Simulated, mine: Int, ids: Bits) -> Iterator[Step]:
    """These steps as rows, in their order."""
    steps, visits = take(simulated.steps, mine), simulated.visits
    wishes = (visits.wishes >> np.uint64(16))[steps.visit]
    columns = (
        steps.visit, steps.code, steps.number, steps.period, steps.product, steps.quantity, steps.variant,
        steps.listing, steps.page, steps.cart, steps.stage, steps.signed_in, wishes, visits.is_for_refund[steps.visit],
    )  # fmt: skip
    texts = (hexes(steps.cart_id, 12), uuids(ids[mine, 0], ids[mine, 1]))
    return map(Step._make, zip(*(column.tolist() for column in columns), *texts, strict=True))
