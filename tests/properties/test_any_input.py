"""Whatever bytes arrive, nothing crashes, and what holds for every record holds."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from claims import CLAIMS, has_one_outcome
from contract_model import PRECEDENCE
from judging import Judge, Judged
from raw_inputs import raw_inputs

from pipelines.reference_data import load_reference_data
from pipelines.transforms.outcomes import EnrichmentRules, Rules

BATCH = 4000


@pytest.fixture(scope="module")
def judge(spark, tmp_path_factory):
    """The pipeline, planned once."""
    rules = Rules(EnrichmentRules(load_reference_data()))
    return Judge(spark, tmp_path_factory.mktemp("batches"), rules)


@pytest.fixture(scope="module")
def tried(judge, draws, luck):
    """Each claim's counterexamples, and how many inputs had which failure type."""
    counterexamples: dict[str, list[Judged]] = {claim.__name__: [] for claim in CLAIMS}
    kinds: Counter[str | None] = Counter()
    records, choose = raw_inputs(draws, luck), random.Random(luck)  # noqa: S311
    for start in range(0, len(records), BATCH):
        for judged in judge(records[start : start + BATCH], choose):
            kinds[judged.failure_type if judged.rows else "lost"] += 1
            for claim in CLAIMS if has_one_outcome(judged) else (has_one_outcome,):
                if not claim(judged):
                    counterexamples[claim.__name__].append(judged)
    return counterexamples, kinds


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_every_record(tried, judge, claim):
    found = tried[0][claim.__name__]
    shortest = sorted(found, key=lambda judged: len(judged.record.bytes or b""))[:1]
    assert [str(judge.smallest(judged, lambda other: not claim(other))) for judged in shortest] == [], (
        f"{len(found)} inputs, {claim.__doc__}"
    )


def test_the_inputs_are_accepted_and_fail_in_every_way(tried):
    assert {*tried[1]} == {None, *PRECEDENCE}
