"""From settings to the stream of records: the parts of the simulation put together."""

from __future__ import annotations

import gc

import numpy as np

from generator.blocks import read_blocks
from generator.catalog import Popularity, load_catalog
from generator.chance import Chance
from generator.clock import Clock, LiveTimeline, PastTimeline, Timeline, WindowTimeline
from generator.prices import variants
from generator.profiles import PROFILES
from generator.records import Records
from generator.rendering import Renderer
from generator.settings import Settings
from generator.shop import UNHURRIED_SECONDS, Shop
from generator.simulation import Simulation
from generator.spoiling import Spoiler
from generator.spoilt import Spoilt
from generator.visits import GAP_MEAN_SECONDS

# More visits at a time than this take memory and show nothing new: the shop's time runs faster instead.
_MAX_VISITS = 20_000
# A run of so few events that the shop would close before anyone reaches the checkout is spread over this time.
_MIN_SHOP_SECONDS = 1800


def collect_rarely() -> None:
    """Let Python look for cyclic garbage less often: events are many small objects that live for a window (10 %)."""
    gc.set_threshold(50_000, 20, 100)


def build_records(settings: Settings, clock: Clock, share: tuple[int, int] = (0, 1)) -> Records:
    """The records of a run, or of a share of its shoppers (which, of how many).

    Each source of chance has a stream of its own: faults do not change the good events.
    """
    seed, profile = settings.seed, PROFILES[settings.profile]
    catalog = load_catalog(settings.catalog)
    popularity = Popularity(catalog)
    kinds = np.array([len(variants(product)) for product in popularity.products])
    expected = settings.expected_records
    rate = min(settings.shop_rate, _MAX_VISITS / GAP_MEAN_SECONDS)
    if expected is not None:
        rate = min(rate, expected / _MIN_SHOP_SECONDS)
    sooner = 1.0 if expected is None else max(1.0, UNHURRIED_SECONDS * rate / expected)
    simulation = Simulation(popularity, kinds, profile, Chance(seed, "shop"))
    shop = Shop(simulation, profile, Chance(seed, "traffic"), rate, sooner)
    spoiler = Spoiler(settings.faults.rates, Chance(seed, "faults"))
    timeline = _timeline(settings, clock, settings.shop_rate / rate)
    blocks = read_blocks(shop, Renderer(popularity, profile, share), spoiler, timeline, seed)
    return Records(blocks, timeline, Spoilt(settings.faults, seed))


def _timeline(settings: Settings, clock: Clock, faster: float) -> Timeline:
    start_ms, end_ms = settings.time.start_ms, settings.time.end_ms
    if start_ms is None:
        return LiveTimeline(clock)
    if end_ms is not None and settings.count is not None:
        return WindowTimeline(PROFILES[settings.profile], start_ms, end_ms, settings.count)
    return PastTimeline(clock, start_ms, end_ms if end_ms is not None else settings.time.until_ms, faster)
