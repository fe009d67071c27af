"""What identifies a person stays in the raw topic and in dead letters; a pseudonym leaves, with a key."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from builders import ABSENT, Raw, event, full_purchase, joined
from chispa import assert_df_equality
from other_rules import OTHER_RULES, PSEUDONYM_KEY

from pipelines import schemas
from pipelines.reference_data import ReferenceData
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes

RULES = OTHER_RULES

IP, AGENT, USER, SECRET = "203.0.113.77", "Mozilla/5.0 (X11; rare-agent-4711)", "user-4711", "s3cr3t"
DEVICE = {"category": "desktop", "user_agent": AGENT}
# What an address, agent and user id look like beside something that needs the slow tier.
PERSONAL = {
    "plain": event(ip_address=IP, device=DEVICE, user_id=USER),
    "everything": full_purchase(ip_address=IP, device=DEVICE, user_id=USER),
    "beside an unknown field": event(ip_address=IP, device={**DEVICE, "x": 1}, user_id=USER, foo=1),
    "beside a mistyped field": event(ip_address=IP, device={**DEVICE, "screen": 5}, user_id=USER),
    "an IPv6 address": event(ip_address="2001:db8:1:2:3:4:5:6", device=DEVICE, user_id=USER),
    "a garbled address": event(ip_address="x" + IP, device=DEVICE, user_id=USER),
}
URLS = {
    "a query": f"https://shop.example/a?token={SECRET}",
    "a second question mark": f"https://shop.example/a?b?token={SECRET}",
    "a fragment": f"https://shop.example/a#access_token={SECRET}",
    "a query in a fragment": f"https://shop.example/a#/x?token={SECRET}",
    "a fragment before a query": f"https://shop.example/a#x?page=1&token={SECRET}",
    "a user and a password": f"https://me:{SECRET}@shop.example/a",
    "a password with an @": f"https://me:p@{SECRET}@shop.example/a",
    "a password with an escape": f"https://me:%40{SECRET}@shop.example/a",
    "a user and a query": f"https://{SECRET}@shop.example/a?x=1",
    "a query without a path": f"https://shop.example?token={SECRET}",
    "a relative URL": f"/a?token={SECRET}",
    "a URL without a scheme": f"shop.example/a?token={SECRET}",
    "a parameter that looks kept": f"https://shop.example/a?xq={SECRET}&page_token={SECRET}",
    "a line break": f"https://shop.example/a?x=1\n&token={SECRET}",
    "a line break before the query": f"https://shop.example/a\n?token={SECRET}",
}

TABLE = joined(
    PERSONAL,
    {("url", name): event(page={"url": url}) for name, url in URLS.items()},
    {("url, slow", name): event(page={"url": url, "x": 1}, foo=1) for name, url in URLS.items()},
    {("referrer", name): event(page={"referrer": url}) for name, url in URLS.items()},
    {
        "kept parameters": event(page={"url": "https://shop.example/a?q=shoes&page=2&utm_source=news"}),
        "a guest": event(user_id=ABSENT),
        "a user of another script": event(user_id="użytkownik-😀"),
        "dead": event(ip_address=IP, device=DEVICE, user_id=USER, event_name="x"),
    },
)


def pseudonym(user_id: str, key: bytes = PSEUDONYM_KEY) -> str:
    """The pseudonym as Python computes it."""
    return "p1:" + hmac.new(key, user_id.encode(), hashlib.sha256).hexdigest()


def everything_that_leaves(outcome) -> str:
    """The row, the enriched record and its headers as text."""
    assert outcome.accepted, outcome.outcome.failure
    return f"{outcome.row} {bytes(outcome.record.value).decode()} {outcome.record.headers}"


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("personal", [IP, AGENT, USER, "rare-agent", "2001:db8:1:2"])
def test_no_address_agent_or_user_id_leaves(outcomes, name, personal):
    assert personal not in everything_that_leaves(outcomes[name])


@pytest.mark.parametrize("kind", ["url", "url, slow", "referrer"])
@pytest.mark.parametrize("name", URLS)
def test_nothing_secret_in_a_url_leaves(outcomes, name, kind):
    assert SECRET not in everything_that_leaves(outcomes[kind, name])


def test_a_url_keeps_its_place(outcomes):
    outcome = outcomes["url", "a query"]
    assert outcome.row.page.url == outcome.enriched["page"]["url"] == "https://shop.example/a"


def test_a_url_without_its_password_keeps_the_rest(outcomes):
    assert outcomes["url", "a user and a password"].row.page.url == "https://shop.example/a"


def test_the_kept_parameters_are_kept_apart_from_the_url(outcomes):
    row = outcomes["kept parameters"].row
    assert (row.page.url, row.page_query) == ("https://shop.example/a", "q=shoes&page=2&utm_source=news")


@pytest.mark.parametrize("name", PERSONAL)
def test_the_user_id_is_replaced_by_its_pseudonym(outcomes, name):
    outcome = outcomes[name]
    expected = pseudonym(USER)
    assert (outcome.row.user_id, outcome.row.user_pseudonym) == (expected, expected)
    assert (outcome.enriched["user_id"], outcome.enriched["enrichment"]["user_pseudonym"]) == (expected, expected)


def test_a_pseudonym_is_made_of_the_bytes_of_the_user_id(outcomes):
    assert outcomes["a user of another script"].row.user_pseudonym == pseudonym("użytkownik-😀")


def test_a_guest_has_no_pseudonym(outcomes):
    assert (outcomes["a guest"].row.user_id, outcomes["a guest"].row.user_pseudonym) == (None, None)


def test_a_dead_letter_keeps_its_bytes_but_tells_no_person_in_its_headers(outcomes):
    outcome = outcomes["dead"]
    assert json.loads(bytes(outcome.record.value))["ip_address"] == IP
    assert not any(personal in str(outcome.headers) for personal in (IP, AGENT, USER))


@pytest.mark.parametrize("size", [1, 32, 63, 64, 65, 200])
def test_a_key_of_any_size_gives_the_hmac_that_python_gives(spark, reference, size):
    key = bytes(range(size))
    users = ["", "user-1", "x" * 1000, ABSENT]
    rows = [Raw(event(user_id=user)).row(offset) for offset, user in enumerate(users)]
    expected = [(offset, None if user is ABSENT else pseudonym(user, key)) for offset, user in enumerate(users)]
    rules = Rules(EnrichmentRules(reference, pseudonym_key=key))
    outcomes = to_outcomes(spark.createDataFrame(rows, schemas.RAW_RECORD), rules)
    assert_df_equality(
        outcomes.select("kafka_offset", "user_pseudonym"),
        spark.createDataFrame(expected, "kafka_offset long, user_pseudonym string"),
    )


def test_no_plan_shows_the_key_or_the_catalogue(spark, reference):
    """Spark's pages and its event log show plans, also those of what is cached, and keep them."""
    key = b"0123456789abcdef0123456789abcdef"
    catalogue = json.dumps({"sku-1": {"item_id": "sku-1", "name": "a name of the catalogue"}})
    own = ReferenceData(catalogue, reference.referrers, reference.user_agents)
    records = spark.createDataFrame([Raw(event()).row(0)], schemas.RAW_RECORD)
    kept = to_outcomes(records, Rules(EnrichmentRules(own, pseudonym_key=key))).cache()
    try:
        assert kept.count() == 1
        plans = _plans(spark, kept.where("failure is null"))
    finally:
        kept.unpersist()
    assert "Judge" in plans  # it is the plan that the judge is called in
    blocks = [bytes(byte ^ pad for byte in key).hex() for pad in (0, 0x36, 0x5C)]
    assert [secret for secret in (key.decode(), *blocks, "a name of the catalogue") if secret in plans.lower()] == []


def _plans(spark, frame) -> str:
    """All forms of a frame's plan as text, as people are shown them and as Spark's pages and event log keep them."""

    def told(info) -> str:
        children = info.children()
        return "\n".join([info.simpleString(), *(told(children.apply(i)) for i in range(children.size()))])

    execution = frame._jdf.queryExecution()
    info = spark._jvm.org.apache.spark.sql.execution.SparkPlanInfo.fromSparkPlan(execution.executedPlan())
    return f"{execution.toString()}\n{execution.logical().toString()}\n{told(info)}"
