"""Write golden.jsonl anew: rows of the first records of a run with every fault, and a digest of 20,000 of them."""

from __future__ import annotations

import json
from itertools import islice

from simulated_time import FakeClock
from test_generator_determinism import ALL_FAULTS, GOLDEN, GOLDEN_END_MS, GOLDEN_START_MS, as_row, digest

from generator.building import build_records
from generator.settings import Settings, TimeSettings
from generator.spoilt import FaultSettings

if __name__ == "__main__":
    window = TimeSettings(GOLDEN_START_MS, GOLDEN_END_MS)
    settings = Settings(sink="null", faults=FaultSettings(ALL_FAULTS), time=window, rate=0, seed=1, count=20_000)
    records = list(islice(build_records(settings, FakeClock()), 20_000))
    rows = [*map(as_row, records[:100]), {"sha256": digest(records)}]
    GOLDEN.write_text("".join(json.dumps(row) + "\n" for row in rows))
