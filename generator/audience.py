"""Who visits: places, devices and the channels that bring people, as plain tables with weights.

Addresses come only from the ranges reserved for documentation (RFC 5737, RFC 3849) and the shop's own name
from the reserved top-level domain ``.example`` (RFC 2606), so no event ever points at a real person or shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a shopper is; `utc_offset_minutes` is what the device writes behind its times."""

    country: str
    region: str
    city: str
    utc_offset_minutes: int
    language: str


@dataclass(frozen=True)
class Device:
    """What a shopper uses."""

    platform: str
    category: str
    screen: str | None
    user_agent: str


@dataclass(frozen=True)
class Channel:
    """What brings a shopper: ``utm_*`` values and the referring page, None where the channel leaves none."""

    source: str | None
    medium: str | None
    referrer: str | None
    campaigns: tuple[str, ...] = ()
    click_parameter: str | None = None


PLACES: Sequence[tuple[float, Place]] = (
    (22, Place("DE", "BE", "Berlin", 120, "de-DE")),
    (14, Place("DE", "BY", "München", 120, "de-DE")),
    (10, Place("AT", "9", "Wien", 120, "de-AT")),
    (8, Place("CH", "ZH", "Zürich", 120, "de-CH")),
    (12, Place("FR", "IDF", "Paris", 120, "fr-FR")),
    (8, Place("NL", "NH", "Amsterdam", 120, "nl-NL")),
    (6, Place("ES", "MD", "Madrid", 120, "es-ES")),
    (6, Place("PL", "MZ", "Łódź", 120, "pl-PL")),
    (8, Place("GB", "LND", "London", 60, "en-GB")),
    (4, Place("IE", "D", "Dublin", 60, "en-IE")),
    (2, Place("US", "NY", "New York", -240, "en-US")),
)

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; K)"
_MOBILE_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
_MOBILE_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"

DEVICES: Sequence[tuple[float, Device]] = (
    (14, Device("web", "desktop", "1920x1080", f"{_WINDOWS} {_CHROME.format(126)}")),
    (6, Device("web", "desktop", "2560x1440", f"{_WINDOWS} {_CHROME.format(125)}")),
    (5, Device("web", "desktop", "1536x864", f"{_WINDOWS} {_CHROME.format(126)} Edg/126.0.0.0")),
    (
        5,
        Device(
            "web",
            "desktop",
            "1920x1080",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ),
    ),
    (
        2,
        Device(
            "web",
            "desktop",
            "1920x1200",
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ),
    ),
    (7, Device("web", "desktop", "1728x1117", f"{_MAC} {_SAFARI}")),
    (4, Device("web", "desktop", "1440x900", f"{_MAC} {_CHROME.format(126)}")),
    (16, Device("web", "mobile", "390x844", f"{_IPHONE} {_MOBILE_SAFARI}")),
    (17, Device("web", "mobile", "412x915", f"{_ANDROID} {_MOBILE_CHROME.format(126)}")),
    (
        3,
        Device(
            "web",
            "tablet",
            "820x1180",
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) " + _MOBILE_SAFARI,
        ),
    ),
    (
        11,
        Device(
            "ios",
            "mobile",
            "393x852",
            "ShopApp/5.12.0 (iPhone15,2; iOS 17.5.1) CFNetwork/1496 Darwin/23.5.0",
        ),
    ),
    (10, Device("android", "mobile", "412x892", "ShopApp/5.11.3 (Android 14; Pixel 7) okhttp/4.12.0")),
)

BOTS: Sequence[tuple[float, Device]] = (
    (
        5,
        Device(
            "web",
            "desktop",
            None,
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
    ),
    (
        3,
        Device(
            "web",
            "desktop",
            None,
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        ),
    ),
    (
        2,
        Device("web", "desktop", None, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    ),
    (1, Device("web", "desktop", None, "python-requests/2.32.3")),
)

_CAMPAIGNS = ("summer_sale", "new_arrivals", "free_shipping", "back_in_stock")

CHANNELS: Sequence[tuple[float, Channel]] = (
    (26, Channel(None, None, None)),
    (20, Channel("google", "organic", "https://www.google.com/")),
    (5, Channel("bing", "organic", "https://www.bing.com/")),
    (3, Channel("duckduckgo", "organic", "https://duckduckgo.com/")),
    (14, Channel("google", "cpc", "https://www.google.com/", _CAMPAIGNS, "gclid")),
    (7, Channel("facebook", "paid_social", "https://l.facebook.com/", _CAMPAIGNS, "fbclid")),
    (6, Channel("instagram", "social", "https://l.instagram.com/")),
    (3, Channel("reddit", "social", "https://www.reddit.com/r/BuyItForLife/")),
    (9, Channel("newsletter", "email", None, ("weekly_digest", "cart_reminder", "vip_preview"))),
    (2, Channel("newsletter", "email", "https://mail.google.com/", ("weekly_digest",))),
    (5, Channel("partner-blog", "referral", "https://gadget-review.example/best-of")),
)
