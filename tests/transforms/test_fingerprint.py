"""event_fingerprint: the same for a re-send, another for another event."""

from __future__ import annotations

import copy

import pytest
from builders import ABSENT, Json, event, first, full_purchase, item, joined, order, purchase, to_json

from pipelines import schemas

# path → another value; any other text field gets "other", any other number 7
OTHER = {
    "schema_version": "1-0-1",
    "event_name": "add_to_cart",
    "event_time": "2026-03-01T11:00:00Z",
    "platform": "ios",
    "ecommerce.currency": "USD",
}


def _changes():
    """path → a full purchase in which only that field differs."""
    found = {}
    for field in schemas.EVENT:
        if field.name in {"event_id", "sent_at"}:
            continue
        nested = getattr(field.dataType, "elementType", field.dataType)
        for leaf in getattr(nested, "fields", [None]):
            path = f"{field.name}.{leaf.name}" if leaf else field.name
            numeric = (leaf or field).dataType.typeName() in {"integer", "decimal"}
            changed = copy.deepcopy(full_purchase())
            parent = changed if leaf is None else changed[field.name]
            parent = parent[0] if isinstance(parent, list) else parent
            parent[leaf.name if leaf else field.name] = OTHER.get(path, 7 if numeric else "other")
            found[path] = changed
    return found


CHANGES = _changes()
# name → an event that is the same as the full purchase
SAME = {
    "itself": full_purchase(),
    "another event_id": full_purchase(event_id="00000000-0000-4000-8000-000000000000"),
    "another sent_at": full_purchase(sent_at="2026-03-01T12:00:30Z"),
    "no sent_at": full_purchase(sent_at=ABSENT),
    "other key order": dict(reversed(full_purchase().items())),
    "blanks": to_json(full_purchase()).replace(',"', ' ,\n\t"').replace("[", "[ "),
    "an unknown field": full_purchase(foo="x"),
    "a repeated key": first(full_purchase(), '"session_id":"x"'),
    "escaped text": full_purchase(user_id=Json(r'"\u0075ser-4711"')),
    "a number written otherwise": full_purchase(session_number=Json("3"), foo=1),
}
# Values that moved to a neighbour which was empty: another event, and no hash may say otherwise.
MOVED = {
    "from title to referrer": (event(page={"title": "x"}), event(page={"referrer": "x"})),
    "from country to city": (event(geo={"country": "x"}), event(geo={"city": "x"})),
    "from source to medium": (event(traffic={"source": "x"}), event(traffic={"medium": "x"})),
    "from tax to shipping": (event(ecommerce={"tax": 5}), event(ecommerce={"shipping": 5})),
    "from session number to index": (event(session_number=5), event(session_event_index=5)),
    "from brand to category": (
        event(items=[item(item_brand="x")]), event(items=[item(item_category="x")]),
    ),
    "from one item to the next": (
        event(items=[item(coupon="x"), item()]), event(items=[item(), item(coupon="x")]),
    ),
    "from list_price to price": (
        event(items=[{"item_id": "a", "list_price": 5}]), event(items=[{"item_id": "a", "price": 5}]),
    ),
    "empty text and none": (event(user_id=""), event()),
    "empty user and empty title": (event(user_id=""), event(page={"title": ""})),
}  # fmt: skip
AMOUNTS = {text: purchase(ecommerce=order(value=Json(text))) for text in ("86.9", "86.90", "86.900", "869e-1")}

TABLE = joined(
    CHANGES,
    SAME,
    {(name, at): pair[at] for name, pair in MOVED.items() for at in (0, 1)},
    {("amount", text): record for text, record in AMOUNTS.items()},
)


@pytest.mark.parametrize("name", SAME)
def test_a_re_send_has_the_same_fingerprint(outcomes, name):
    assert outcomes[name].row.event_fingerprint == outcomes["itself"].row.event_fingerprint


@pytest.mark.parametrize("path", CHANGES)
def test_any_other_difference_changes_the_fingerprint(outcomes, path):
    assert outcomes[path].verdict == "accepted"
    assert outcomes[path].row.event_fingerprint != outcomes["itself"].row.event_fingerprint


@pytest.mark.parametrize("name", MOVED)
def test_a_value_in_another_field_changes_the_fingerprint(outcomes, name):
    assert outcomes[name, 0].row.event_fingerprint != outcomes[name, 1].row.event_fingerprint


def test_an_amount_has_one_fingerprint_however_it_is_written(outcomes):
    assert len({outcomes["amount", text].row.event_fingerprint for text in AMOUNTS}) == 1
