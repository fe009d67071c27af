"""From samples to figures, ratios and percentiles."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks.comparison import advantage, closing_line
from benchmarks.drain import Place
from benchmarks.figures import Sample, bootstrap, figures, percentile


def steady(cpu_start: float, cpu_per_share: float, ahead: float = 0.0) -> list[Sample]:
    """A run whose start costs, and then every share the same; Kafka may be ahead of the lake."""
    samples = []
    for share in range(101):
        kafka, cpu = min((share + ahead) / 100, 1), cpu_start + cpu_per_share * share / 100
        samples.append(Sample(10 + share / 10, cpu, 1000 + share, kafka, share / 100))
    return samples


def test_the_start_is_not_in_the_warm_figure() -> None:
    """100 events, 30 CPU seconds of start, 1 CPU second and 10 seconds for all the rest."""
    found = figures(steady(30, 1), 100)
    assert found.cpu_us == pytest.approx(10_000)
    assert found.per_second == pytest.approx(10)
    assert found.whole_cpu_us == pytest.approx(310_000)
    assert found.first_seconds == pytest.approx(10.1)


def test_warm_begins_when_both_sinks_have_half() -> None:
    cold = [Sample(share / 10, share * 5.0 if share < 49 else 245 + share * 0.1, 0, share / 100, share / 100)
            for share in range(101)]  # fmt: skip
    assert figures(cold, 100).cpu_us == pytest.approx(0.1e6)


def test_a_sink_that_is_ahead_does_not_make_the_work_smaller() -> None:
    """Kafka had 80 % when the lake had 60 %: of the work 30 % were left, not 40."""
    samples = [Sample(0, 0, 0, 0, 0), Sample(1, 10, 0, 0.8, 0.6), Sample(9, 16, 0, 1, 1)]
    assert figures(samples, 100).cpu_us == pytest.approx(6 / 30 * 1e6)


def test_half_done_batches_are_not_taken_for_work_that_is_left() -> None:
    """At 3 s one batch of two is in the lake and not yet in Kafka; at 4 s it is in both, and as much is left."""
    samples = [Sample(0, 0, 0, 0, 0), Sample(3, 40, 0, 0.2, 0.5), Sample(4, 42, 0, 0.5, 0.5), Sample(9, 72, 0, 1, 1)]
    assert figures(samples, 100).cpu_us == pytest.approx(30 / 50 * 1e6)


def test_the_middle_of_a_batch_is_not_the_end_of_warm_up() -> None:
    """Two batches of 49.9 and 50.1 %, 100 s of work each, their writes at 4 % a second."""
    samples = [Sample(second, second, 0, share, share) for second, share in (
        *((second, 0.0) for second in range(88)),
        *((88 + second, 0.04 * second) for second in range(12)),
        *((second, 0.499) for second in range(100, 188)),
        *((188 + second, 0.499 + 0.04 * second) for second in range(12)),
        (200, 1.0),
    )]  # fmt: skip
    assert figures(samples, 1_000).cpu_us == pytest.approx(100 / 501 * 1e6)


def test_a_single_batch_has_no_warm_figure() -> None:
    """The lake has all of it at once, Kafka gradually."""
    samples = [Sample(0, 0, 0, 0, 0), *(Sample(50 + n, 50 + n, 0, n / 20, 1) for n in range(21))]
    assert figures(samples, 1_000).cpu_us is None
    assert figures(samples, 1_000, "kafka").cpu_us is None


def test_all_in_one_piece_has_no_warm_figure() -> None:
    assert figures([Sample(0, 0, 0, 0, 0), Sample(9, 5, 7, 1, 1)], 100).cpu_us is None


def test_what_gets_dearer_on_the_way_shows() -> None:
    """Event n costs n µs, in batches of 5 %: the last fifth costs three times as much as the second one."""
    samples = [Sample(share, (share * 1e4) ** 2 / 2 / 1e6, 0, share / 100, share / 100) for share in range(0, 101, 5)]
    found = figures(samples, 1_000_000)
    assert found.early_cpu_us == pytest.approx(300_000)
    assert found.late_cpu_us == pytest.approx(900_000)


def test_large_batches_do_not_tell_whether_it_gets_dearer() -> None:
    found = figures([Sample(share, share, 0, share / 100, share / 100) for share in (0, 50, 100)], 100)
    assert (found.early_cpu_us, found.late_cpu_us) == (None, None)


def test_a_burst_has_no_warm_figure() -> None:
    """What arrives within a second was worked on before that."""
    burst = [Sample(0, 0, 0, 0, 0), Sample(9, 5, 7, 0.3, 0.3), Sample(10, 5.1, 7, 1, 1)]
    assert figures(burst, 100).cpu_us is None


def test_only_the_sinks_of_the_workload_count() -> None:
    samples = [Sample(0, 0, 0, 0, 0), Sample(1, 1, 0, 0.5, 0), Sample(9, 2, 0, 1, 0)]
    assert figures(samples, 100, "kafka").cpu_us == pytest.approx(1 / 50 * 1e6)


def test_bootstrap_of_equal_ratios_is_that_ratio() -> None:
    found = bootstrap([3.0, 3.0, 3.0])
    assert (found.median, found.low, found.high) == (3.0, 3.0, 3.0)


def test_bootstrap_is_the_same_each_time_and_holds_the_median() -> None:
    found = bootstrap([2.0, 3.0, 2.5, 4.0, 3.1])
    assert found == bootstrap([2.0, 3.0, 2.5, 4.0, 3.1])
    assert 2.0 <= found.low <= found.median == 3.0 <= found.high <= 4.0


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    assert percentile([float(each) for each in range(1, 101)], share) == value


def entries() -> dict[str, dict[str, object]]:
    """Two rounds: stock cost 600 and 900, ours 200 and 100, with deduplication 300 each."""
    costs = {"stock.default": (600, 900), "ours.plain": (200, 100), "ours.dedup": (300, 300)}
    return {
        f"W1/{system}/{number}": {"cpu_us": cost, "whole_cpu_us": 2 * cost}
        for system, both in costs.items() for number, cost in enumerate(both)
    }  # fmt: skip


def test_ratios_are_of_the_same_round() -> None:
    found = advantage(entries(), "W1", "ours.plain", "stock.default")
    assert found is not None
    assert (found.median, found.rounds) == (6.0, 2)


def test_a_run_without_a_warm_figure_is_compared_with_the_start_of_both() -> None:
    both = entries()
    both["W1/ours.plain/0"]["cpu_us"] = None
    found = advantage(
        {name: value for name, value in both.items() if name.endswith("/0")}, "W1", "ours.plain", "stock.default"
    )
    assert found is not None
    assert found.median == 1200 / 400


def test_the_closing_line_compares_with_stock() -> None:
    line, is_complete = closing_line(entries())
    assert is_complete
    assert line.startswith("Events per CPU second, W1, ours over stock PySpark: 6.00×")


def test_a_form_that_was_not_asked_for_is_left_out() -> None:
    line, is_complete = closing_line({name: value for name, value in entries().items() if "dedup" not in name})
    assert (is_complete, "dedup on" in line, "dedup off" in line) == (True, False, True)


def test_a_failed_run_is_no_comparison() -> None:
    failed = {**entries(), **{f"W1/ours.dedup/{n}": {"problem": "lake: 3 events are missing"} for n in (0, 1)}}
    line, is_complete = closing_line(failed)
    assert not is_complete
    assert "3 events are missing" in line


def test_a_folder_of_files_is_counted_as_one() -> None:
    loaded = SimpleNamespace(partitions=6)
    assert [Place(None, loaded, "W1", is_delta).sinks.table.is_delta for is_delta in (True, False)] == [True, False]
