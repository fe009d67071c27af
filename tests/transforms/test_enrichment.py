"""What the pipeline adds: page, campaign, referrer, agent, catalogue, cart value, network."""

from __future__ import annotations

import ipaddress
from decimal import Decimal

import pytest
from builders import ABSENT, Json, cart_event, event, item, joined, order, purchase

PAGE = "https://shop.example/audio"
# url → (page_host, page_path, page_query)
PAGES = {
    "https://shop.example/audio/headphones": ("shop.example", "/audio/headphones", None),
    "HTTPS://Shop.Example/Audio": ("shop.example", "/Audio", None),
    "https://shop.example": ("shop.example", None, None),
    "https://shop.example/": ("shop.example", "/", None),
    "https://shop.example:8443/a": ("shop.example", "/a", None),
    "https://shop.example?q=x": ("shop.example", None, "q=x"),
    "https://shop.example/a?q=x&email=me@x.example&page=2#top": ("shop.example", "/a", "q=x&page=2"),
    "https://shop.example/a?token=1&sort=price&category=audio": ("shop.example", "/a", "sort=price&category=audio"),
    "https://shop.example/a?utm_source=s&utm_id=7&gclid=x": ("shop.example", "/a", "utm_source=s&utm_id=7"),
    "https://shop.example/a?email=x": ("shop.example", "/a", None),
    "https://shop.example/a?Q=x&query=y&xq=z&pages=1": ("shop.example", "/a", None),
    "https://shop.example/a#q=x": ("shop.example", "/a", None),
    "https://shop.example/a#x?q=x": ("shop.example", "/a", None),
    "https://me:secret@shop.example/a": ("shop.example", "/a", None),
    "https://me@shop.example/a": ("shop.example", "/a", None),
    "https://me:sec@ret@shop.example/a": ("shop.example", "/a", None),
    "https://shop.example/@me": ("shop.example", "/@me", None),
    "https://[2001:db8::1]:8443/a": ("[2001:db8::1]", "/a", None),
    "https://münchen.example/straße": ("münchen.example", "/straße", None),
    "app://home/start": ("home", "/start", None),
    "": (None, None, None),
}
NO_PAGES = ("garbage", "https://", "://x", "mailto:me@x.example", "https:///a", "%%%", "javascript:alert(1)")
UTM = ("source", "medium", "campaign", "term", "content")
ALL_UTM = "?" + "&".join(f"utm_{name}=url-{name}" for name in UTM)
# name → (traffic, url, utm_* in the order of UTM)
CAMPAIGNS = {
    "from the URL": (ABSENT, PAGE + ALL_UTM, tuple(f"url-{name}" for name in UTM)),
    "from the URL, traffic null": (None, PAGE + ALL_UTM, tuple(f"url-{name}" for name in UTM)),
    "from the URL, traffic empty": ({}, PAGE + ALL_UTM, tuple(f"url-{name}" for name in UTM)),
    "from traffic": (
        {name: f"traffic-{name}" for name in UTM}, PAGE + ALL_UTM, tuple(f"traffic-{name}" for name in UTM),
    ),
    "from traffic, in part": (
        {"source": "newsletter"}, PAGE + ALL_UTM, ("newsletter", None, None, None, None),
    ),
    "decoded": (ABSENT, PAGE + "?utm_source=caf%C3%A9%20x&utm_term=a%26b", ("café x", None, None, "a&b", None)),
    "badly encoded": (ABSENT, PAGE + "?utm_source=100%zz", ("100%zz", None, None, None, None)),
    "given empty": (ABSENT, PAGE + "?utm_source=&utm_medium=x", (None, "x", None, None, None)),
    "only alike": (ABSENT, PAGE + "?xutm_source=a&utm_sources=b", (None,) * 5),
    "none": (ABSENT, PAGE, (None,) * 5),
}  # fmt: skip
# referrer → (referrer_host, referrer_medium); the page is on shop.example
REFERRERS = {
    None: (None, "direct"),
    "": (None, "direct"),
    "https://www.google.com/search?q=x": ("www.google.com", "search"),
    "https://google.co.uk/": ("google.co.uk", "search"),
    "https://WWW.Bing.com/search": ("www.bing.com", "search"),
    "https://duckduckgo.com/": ("duckduckgo.com", "search"),
    "https://search.yahoo.com/": ("search.yahoo.com", "search"),
    "https://t.co/x": ("t.co", "social"),
    "https://l.facebook.com/l.php": ("l.facebook.com", "social"),
    "https://www.youtube.com/watch?v=1": ("www.youtube.com", "social"),
    "https://mail.google.com/mail/u/0": ("mail.google.com", "email"),
    "https://outlook.live.com/": ("outlook.live.com", "email"),
    "https://shop.example/cart": ("shop.example", "internal"),
    "https://SHOP.example:8443/cart": ("shop.example", "internal"),
    "https://blog.example/post": ("blog.example", "other"),
    "https://notgoogle.com/": ("notgoogle.com", "other"),
    "https://google.com.evil.example/": ("google.com.evil.example", "other"),
    "https://evil.example/google.com": ("evil.example", "other"),
    "https://paint.co/": ("paint.co", "other"),
    "https://google.com@evil.example/": ("evil.example", "other"),
}
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
# name → (user agent, (browser, os, device_class, is_bot))
AGENTS = {
    "Chrome on Windows": (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
        ("Chrome", "Windows", "desktop", False),
    ),
    "Edge on Windows": (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/126.0.0.0",
        ("Edge", "Windows", "desktop", False),
    ),
    "Opera on Windows": (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 OPR/111.0.0.0",
        ("Opera", "Windows", "desktop", False),
    ),
    "Firefox on Linux": (
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ("Firefox", "Linux", "desktop", False),
    ),
    "Safari on a Mac": (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15",
        ("Safari", "macOS", "desktop", False),
    ),
    "Chrome on a Chromebook": (
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME} Safari/537.36",
        ("Chrome", "ChromeOS", "desktop", False),
    ),
    "Safari on an iPhone": (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
        ("Safari", "iOS", "mobile", False),
    ),
    "Chrome on an iPhone": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "CriOS/126.0.0.0 Mobile/15E148 Safari/604.1",
        ("Chrome", "iOS", "mobile", False),
    ),
    "Safari on an iPad": (
        f"Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
        ("Safari", "iOS", "tablet", False),
    ),
    "Chrome on Android": (
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Mobile Safari/537.36",
        ("Chrome", "Android", "mobile", False),
    ),
    "Samsung Internet": (
        "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        ("Samsung Internet", "Android", "mobile", False),
    ),
    "an Android tablet": (
        f"Mozilla/5.0 (Linux; Android 13; SM-T870) {_CHROME} Safari/537.36",
        ("Chrome", "Android", "tablet", False),
    ),
    "a phone named Cubot": (
        f"Mozilla/5.0 (Linux; Android 11; CUBOT X50) {_CHROME} Mobile Safari/537.36",
        ("Chrome", "Android", "mobile", False),
    ),
    "Googlebot": (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        (None, None, "bot", True),
    ),
    "Googlebot on a phone": (
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_CHROME} Mobile Safari/537.36 "
        "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ("Chrome", "Android", "bot", True),
    ),
    "curl": ("curl/8.8.0", (None, None, "bot", True)),
    "nonsense": ("x", (None, None, None, False)),
    "nothing": (None, (None, None, None, False)),
}
ADDRESSES = (
    "203.0.113.77", "1.0.0.0", "255.255.255.255", "10.1.2.3", "2001:db8:abcd:12:1:2:3:4", "2001:DB8::1",
    "2001:db8:0:0:8:800:200C:417A", "::1", "1::", "2001:db8:abcd::", "fe80::1", "::", "2001::7:8",
)  # fmt: skip
NO_ADDRESSES = (
    "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/24", " 1.2.3.4", "1.2.3.4\n", "unknown",
    "203.0.113.77, 10.0.0.1", "203.0.113.77:443", ":::", "12:30:45", "1:2:3:4:5:6:7:8:9", "12345::", "1::2::3",
    "2001:db8:g::1", "[::1]", "fe80::1%eth0", "1:2:3:4:5:6:7", ":1:2:3:4:5:6:7",
)  # fmt: skip
ITEMS = [item(item_id="SKU-AUD-002"), item(item_id="nobody"), {"item_name": "no id"}, item()]
# name → (items, cart_value)
CARTS = {
    "one": ([item(price=Json("12.5"), quantity=3)], "37.50"),
    "several": ([item(price=Json("0.1")), item(price=Json("0.2"))], "0.30"),
    "a free item": ([item(price=0, quantity=5)], "0"),
    "no quantity": ([item(price=Json("1.5"), quantity=ABSENT), item(price=1)], "2.50"),
    "no price": ([item(), item(price=ABSENT)], None),
    "no items": ([], None),
    "the largest": (
        [item(price=Json("9999999999.99"), quantity=2147483647)] * 200, "4294967293995705032706.00",
    ),
}  # fmt: skip

TABLE = joined(
    {("page", url): event(page={"url": url}) for url in (*PAGES, *NO_PAGES)},
    {("campaign", name): event(traffic=traffic, page={"url": url}) for name, (traffic, url, _) in CAMPAIGNS.items()},
    {("referrer", url): event(page={"url": PAGE, "referrer": url}) for url in REFERRERS},
    {("agent", name): event(device={"user_agent": agent}) for name, (agent, _) in AGENTS.items()},
    {("ip", text): event(ip_address=text) for text in (*ADDRESSES, *NO_ADDRESSES)},
    {("cart", name): event(event_name="view_cart", items=items) for name, (items, _) in CARTS.items()},
    {
        "plain": event(),
        # Whoever looks at the rest of the URL for each parameter is not done today.
        "a query of separators": event(page={"url": "https://shop.example/a?" + "&" * 800_000}),
        "an app": event(platform="ios", device={"category": "Tablet"}),
        "items": cart_event(items=ITEMS),
        "unknown items only by name": cart_event(items=[{"item_name": "x"}]),
        "value as the cart": purchase(items=[item(quantity=2)], ecommerce=order(value=Json("173.8"))),
        "value not as the cart": purchase(items=[item(quantity=2)], ecommerce=order(value=Json("173.81"))),
        "value of unpriced items": purchase(items=[item(price=ABSENT)]),
    },
)


@pytest.mark.parametrize("url", PAGES)
def test_the_page_is_taken_apart(outcomes, url):
    row = outcomes["page", url].row
    assert (row.page_host, row.page_path, row.page_query) == PAGES[url]


@pytest.mark.parametrize("url", NO_PAGES)
def test_what_is_no_url_has_no_host_and_harms_nobody(outcomes, url):
    row = outcomes["page", url].row
    assert (row.page_host, row.page_query) == (None, None)


def test_a_query_of_nothing_but_separators_keeps_nothing(outcomes):
    row = outcomes["a query of separators"].row
    assert (row.page_host, row.page_path, row.page_query) == ("shop.example", "/a", None)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_campaign_comes_from_traffic_or_else_from_the_url(outcomes, name):
    row = outcomes["campaign", name].row
    assert tuple(row[f"utm_{part}"] for part in UTM) == CAMPAIGNS[name][2]


@pytest.mark.parametrize("url", REFERRERS)
def test_the_referrer_has_a_medium(outcomes, url):
    row = outcomes["referrer", url].row
    assert (row.referrer_host, row.referrer_medium) == REFERRERS[url]


@pytest.mark.parametrize("name", AGENTS)
def test_the_user_agent_tells_browser_system_and_device(outcomes, name):
    row = outcomes["agent", name].row
    assert (row.browser, row.os, row.device_class, row.is_bot) == AGENTS[name][1]


def test_an_app_tells_its_system_and_device_without_a_user_agent(outcomes):
    row = outcomes["an app"].row
    assert (row.os, row.device_class) == ("iOS", "tablet")


def test_an_event_that_tells_nothing_is_left_alone(outcomes):
    row = outcomes["plain"].row
    assert (row.page_host, row.browser, row.catalog_items, row.cart_value, row.ip_prefix) == (None,) * 5
    assert (row.referrer_medium, row.is_bot, row.warnings, row.rescued_data) == ("direct", False, None, None)


def test_catalogue_items_stand_where_their_items_stand(outcomes):
    found = outcomes["items"].row.catalog_items
    assert [(entry.item_id, entry.name) for entry in found] == [
        ("SKU-AUD-002", "Klangwerk S2 Wireless Headphones"),
        ("nobody", None),
        (None, None),
        ("SKU-AUD-001", "Northwave One Wireless Headphones"),
    ]


def test_a_catalogue_item_has_brand_category_and_price(outcomes):
    entry = outcomes["items"].row.catalog_items[0]
    assert (entry.brand, entry.category, entry.price) == ("Klangwerk", "Audio", Decimal("153.99"))


def test_an_item_the_catalogue_does_not_know_is_warned_about(outcomes):
    assert outcomes["items"].warned == {("items", "unknown_item")}


def test_an_item_without_an_id_is_no_unknown_item(outcomes):
    assert outcomes["unknown items only by name"].warnings == []


@pytest.mark.parametrize("name", CARTS)
def test_cart_value_is_the_exact_sum_of_price_times_quantity(outcomes, name):
    expected = CARTS[name][1]
    assert outcomes["cart", name].row.cart_value == (None if expected is None else Decimal(expected))


def test_a_value_that_differs_from_the_cart_is_warned_about(outcomes):
    assert outcomes["value not as the cart"].warned == {("ecommerce.value", "cart_value")}


@pytest.mark.parametrize("name", ["value as the cart", "value of unpriced items"])
def test_a_value_that_does_not_differ_is_nothing_to_warn_about(outcomes, name):
    assert outcomes[name].warnings == []


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_cut_to_its_network(outcomes, text):
    size = 48 if ":" in text else 24
    prefix = outcomes["ip", text].row.ip_prefix
    assert ipaddress.ip_network(prefix) == ipaddress.ip_network(f"{text}/{size}", strict=False)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_has_no_network(outcomes, text):
    assert outcomes["ip", text].row.ip_prefix is None
