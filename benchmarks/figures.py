"""From samples of a run to its figures."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

# Of the events: the largest batches, ours, are half of W1, less what is rounded off; all count from the same place.
WARM_UP = 0.49
EARLY, LATE = (0.2, 0.4), (0.8, 1.0)
# Of the events, and seconds; a smaller warm part tells little: what arrives in one burst was worked on before.
LEAST_WORK, LEAST_SECONDS = 0.2, 3.0
# Of the events: sinks that differ by no more are level, and what has arrived in one only is still a small part.
LEVEL, NEARLY_LEVEL = 0.05, 0.25
# Seconds without an arrival: a batch has ended and the next one is worked on.
REST_SECONDS = 2.0


@dataclass(frozen=True)
class Sample:
    """One look at a run. `seconds` since its start; shares of what must arrive in Kafka and in the lake, 0 to 1."""

    seconds: float
    cpu_seconds: float
    resident_bytes: int
    kafka: float
    lake: float


@dataclass(frozen=True)
class Figures:
    """What one run showed.

    `cpu_us`, `per_second`: CPU microseconds per event and events per second, once half is in both sinks (None where
    nearly everything arrived at once); `whole_…` with the start. `early_…` and `late_…`: of the second and the last
    fifth (None where batches are too large for that). `first_seconds`: until something is in both sinks.
    """

    cpu_us: float | None
    per_second: float | None
    whole_cpu_us: float
    whole_per_second: float
    early_cpu_us: float | None
    late_cpu_us: float | None
    first_seconds: float
    seconds: float
    peak_bytes: int

    def as_json(self) -> dict[str, float | int | None]:
        """Plain values."""
        return asdict(self)


def figures(samples: Sequence[Sample], count: int, halves: str = "both") -> Figures:
    """From the samples of a run of `count` events that arrived in full. `halves`: both, kafka or lake.

    Warm-up ends with the first sample that has half in both sinks and is the end of a batch: nothing arrives for a
    while. In the middle of a batch that has been worked on for long, what is left of it is cheap. Where no batch ends,
    as in a stream of records, the first sample with level sinks counts, else one with nearly level ones, and the work
    since is the mean of what both have received since.
    """
    shares = [_shares(sample, halves) for sample in samples]
    first = next(sample for sample, share in zip(samples, shares, strict=True) if min(share) > 0)
    done = next(at for at, share in enumerate(shares) if min(share) >= 1)
    last = samples[done]
    warm = _warm(samples[: done + 1], shares[: done + 1], first.seconds)
    work = count * _left(shares[warm])
    cpu, wall = last.cpu_seconds - samples[warm].cpu_seconds, last.seconds - samples[warm].seconds
    is_lumpy = warm == done or wall < LEAST_SECONDS
    return Figures(
        cpu_us=None if is_lumpy else cpu / work * 1e6,
        per_second=None if is_lumpy else work / wall,
        whole_cpu_us=last.cpu_seconds / count * 1e6,
        whole_per_second=count / last.seconds,
        early_cpu_us=_between(samples, shares, count, *EARLY),
        late_cpu_us=_between(samples, shares, count, *LATE),
        first_seconds=first.seconds,
        seconds=last.seconds,
        peak_bytes=max(sample.resident_bytes for sample in samples),
    )


def _warm(samples: Sequence[Sample], shares: Sequence[tuple[float, ...]], first: float) -> int:
    """Where warm-up ends; the last sample if nowhere. `first`: seconds until something is in both sinks."""
    warmed = [at for at, share in enumerate(shares) if min(share) >= WARM_UP and _left(share) >= LEAST_WORK]
    is_stream = samples[-1].seconds - first >= first / 2
    found = [at for at in warmed if _is_level(shares[at]) and _rests(samples, shares, at)]
    if not found and is_stream:  # else all came in one burst
        found = [at for at in warmed if _is_level(shares[at])]
        found = found or [at for at in warmed if _is_level(shares[at], NEARLY_LEVEL)]
    return found[0] if found else len(samples) - 1


def _rests(samples: Sequence[Sample], shares: Sequence[tuple[float, ...]], at: int) -> bool:
    """Whether nothing arrives for a while after that sample."""
    later = zip(samples[at:], shares[at:], strict=True)
    return all(share == shares[at] for sample, share in later if sample.seconds <= samples[at].seconds + REST_SECONDS)


def _between(
    samples: Sequence[Sample], shares: Sequence[tuple[float, ...]], count: int, start: float, end: float
) -> float | None:
    """CPU microseconds per event from one share to another, each at its first sample with level sinks."""
    marks = [
        next((at for at, share in enumerate(shares) if min(share) >= mark and _is_level(share)), None)
        for mark in (start, end)
    ]
    if None in marks:
        return None
    first, last = (at for at in marks if at is not None)
    work = count * (_left(shares[first]) - _left(shares[last]))
    # A batch that is larger than the distance would be counted for both ends.
    if not 0.5 <= work / (count * (end - start)) <= 1.5:
        return None
    return (samples[last].cpu_seconds - samples[first].cpu_seconds) / work * 1e6


def _is_level(shares: Sequence[float], tolerance: float = LEVEL) -> bool:
    return max(shares) - min(shares) <= tolerance


def _left(shares: Sequence[float]) -> float:
    return 1 - statistics.fmean(min(share, 1) for share in shares)


def _shares(sample: Sample, halves: str) -> tuple[float, ...]:
    return {"both": (sample.kafka, sample.lake), "kafka": (sample.kafka,), "lake": (sample.lake,)}[halves]


@dataclass(frozen=True)
class Interval:
    """A median of ratios and where it lies with 95 %."""

    median: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        spread = f" ({self.low:.2f}–{self.high:.2f})" if self.rounds > 1 else ""
        return f"{self.median:.2f}×{spread}"


def bootstrap(values: Sequence[float], draws: int = 4_000) -> Interval:
    """The median of per-round ratios with its percentile bootstrap interval; the same for the same values."""
    chance = random.Random(len(values))  # noqa: S311 - reproducible
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    low, high = medians[int(draws * 0.025)], medians[int(draws * 0.975) - 1]
    return Interval(statistics.median(values), low, high, len(values))


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of the values does not exceed."""
    at = max(0, -(-int(share * 100_000) * len(sorted_values) // 100_000) - 1)
    return sorted_values[min(at, len(sorted_values) - 1)]
