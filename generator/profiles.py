"""Profiles: how much traffic there is when, and how far shoppers get.

The figures of `steady` and `diurnal` are those that Retailrocket published with its data set of 2,756,101 events of a
real shop (kaggle.com/retailrocket/ecommerce-dataset): 2,664,312 views, 69,332 add-to-carts and 22,457 transactions of
1,407,580 visitors. Those of `engaged` and `black-friday` are our own: a shop whose visitors buy more, so that short
runs have orders too, and four times the traffic on campaign days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

DAY_SECONDS = 86_400
# Hour of the day and day of the week (Monday first), in UTC: a quiet night, a lunch-time bump, a peak in the evening.
_HOURS = (
    0.35, 0.22, 0.15, 0.12, 0.13, 0.22, 0.45, 0.75, 1.00, 1.15, 1.22, 1.28,
    1.35, 1.28, 1.20, 1.18, 1.22, 1.35, 1.55, 1.75, 1.85, 1.65, 1.15, 0.68,
)  # fmt: skip
_WEEKDAYS = (1.02, 0.98, 0.97, 0.99, 0.95, 0.98, 1.11)
_FLAT_HOURS, _FLAT_WEEK = (1.0,) * 24, (1.0,) * 7
# Thursday evening to Monday, as the sales go; the rest of the week waits.
_BLACK_WEEK = (1.9, 0.5, 0.5, 0.6, 2.6, 1.6, 1.4)


@dataclass(frozen=True)
class Figures:
    """What a run shall show. `events_per_visitor` counts views, add-to-carts and purchases, as Retailrocket does."""

    carts_per_view: float
    purchases_per_cart: float
    events_per_visitor: float


@dataclass(frozen=True, eq=False)
class Profile:
    """Traffic over time and the weights that lead to the figures.

    `figures` are measured by the tests; `weights` are the three that were tuned for them (see `personas`).
    `steps_per_visitor` is how many events a visitor causes in all, measured. Hours and weekdays are relative to the
    mean rate. `campaign_share` is the part of visits that a campaign brings in addition to the usual channels; one
    product in `sale_every` is `sale_percent` off.
    """

    figures: Figures
    weights: Mapping[str, float]
    steps_per_visitor: float
    hours: tuple[float, ...] = _FLAT_HOURS
    weekdays: tuple[float, ...] = _FLAT_WEEK
    campaign_share: float = 0.0
    sale_every: int = 9
    sale_percent: int = 15
    _per_hour: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        product = [day * hour for day in self.weekdays for hour in self.hours]
        *_, total = accumulate(product)  # sum() rounds otherwise since Python 3.12
        mean = total / len(product)
        object.__setattr__(self, "_per_hour", tuple(each / mean for each in product))

    def intensity(self, epoch_seconds: float) -> float:
        """The rate at that time relative to the mean; 1970 began on a Thursday."""
        hour = int(epoch_seconds // 3600)
        return self._per_hour[(hour + 3 * 24) % (7 * 24)]

    @property
    def is_flat(self) -> bool:
        """Whether the rate is the same at any time."""
        return len(set(self._per_hour)) == 1


_RETAILROCKET = Figures(
    carts_per_view=69_332 / 2_664_312, purchases_per_cart=22_457 / 69_332, events_per_visitor=2_756_101 / 1_407_580
)
_ENGAGED = Figures(carts_per_view=0.12, purchases_per_cart=0.36, events_per_visitor=3.0)
_RUSH = Figures(carts_per_view=0.16, purchases_per_cart=0.42, events_per_visitor=3.4)
# Tuned until a long run showed the figures; the tests measure them again.
_BROWSING = {"add_to_cart": 0.391, "begin_checkout": 0.459, "exit": 0.415}
PROFILES: Mapping[str, Profile] = {
    "steady": Profile(_RETAILROCKET, _BROWSING, steps_per_visitor=5.06),
    "diurnal": Profile(_RETAILROCKET, _BROWSING, 5.06, _HOURS, _WEEKDAYS),
    "engaged": Profile(_ENGAGED, {"add_to_cart": 1.775, "begin_checkout": 0.462, "exit": 0.249}, 7.9),
    "black-friday": Profile(
        _RUSH,
        {"add_to_cart": 2.46, "begin_checkout": 0.606, "exit": 0.232},
        9.0,
        _HOURS,
        _BLACK_WEEK,
        campaign_share=0.35,
        sale_every=3,
        sale_percent=25,
    ),
}
