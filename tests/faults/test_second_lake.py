"""Everything is processed again, into a second lake and by other rules; the topics keep what the first one sent."""

from __future__ import annotations

import pytest
from jobs import Site, kill
from world import sources_of

pytestmark = pytest.mark.faults


@pytest.mark.row(1, "kill -9 at “after_events” while all is processed again by other rules")
def test_what_the_topics_have_from_other_rules_is_not_taken_for_published(site: Site, result) -> None:
    """All were dead letters, of too old events; now all are accepted, and the first batch is interrupted."""
    manifest = site.folder / "manifest.jsonl"
    times = ("--start-time=2026-01-01T00:00:00Z", "--end-time=2026-01-01T06:00:00Z")
    site.generate("--count=300", "--seed=2", f"--manifest={manifest}", *times)
    assert site.enrich("--available-now", MAX_EVENT_AGE_DAYS="1") == 0, site.log()
    assert len(sources_of(site, site.topics.dead_letter)) == 300
    for name in ("LAKE_URI", "CHECKPOINT_URI"):
        site.environment[name] += "-second"
    job = site.start_enrich("--available-now", ENRICH_FAILPOINT="after_events:1")
    assert job.wait(600) != 0
    kill(job)

    with result.recovery():
        site.drain()

    result.compared(site, manifest)  # verify cannot prove what two lakes' rules have published
    assert len(sources_of(site, site.topics.enriched)) == 300
    result.note("Each in the enriched topic now, and among the dead letters of before.")
