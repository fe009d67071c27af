"""A catalogue of somebody's own: prices in any form, and what is no price is none."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from builders import Raw, cart_event, item

from pipelines import schemas
from pipelines.reference_data import load_reference_data
from pipelines.transforms.outcomes import EnrichmentRules, Rules, to_outcomes

# price as the catalogue's line has it → price in catalog_items
PRICES = {
    "86.90": "86.90",
    "86.9": "86.90",
    "87": "87.00",
    '"19.99"': "19.99",
    '"1,299.00"': "1299.00",
    "19.995": "20.00",
    "9999999999.99": "9999999999.99",
    "1e10": None,
    "1e400": None,
    "1e-400": "0.00",
    '"1e999999999"': None,
    '"1e-999999999"': "0.00",
    "NaN": None,
    "Infinity": None,
    "null": None,
    '"dear"': None,
    "true": None,
    "[1]": None,
}


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    """Each price's catalog_items."""
    lines = [f'{{"item_id":{json.dumps(text)},"name":"x","price":{text}}}' for text in PRICES]
    file = tmp_path_factory.mktemp("catalogue") / "catalog.jsonl"
    file.write_text("\n".join(lines))
    rows = [Raw(cart_event(items=[item(item_id=text)])).row(offset) for offset, text in enumerate(PRICES)]
    rules = Rules(EnrichmentRules(load_reference_data(str(file))))
    outcomes = to_outcomes(spark.createDataFrame(rows, schemas.RAW_RECORD), rules).collect()
    return {text: outcomes[offset].catalog_items for offset, text in enumerate(PRICES)}


@pytest.mark.parametrize("text", PRICES)
def test_a_price_is_read_to_the_cent_or_there_is_none(found, text):
    (entry,) = found[text]
    assert entry.price == (None if PRICES[text] is None else Decimal(PRICES[text]))
    assert entry.name == "x"
