"""kill -9 in the middle of a steady stream: how long until the job, started again, has caught up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.arrivals import Arrived
from benchmarks.corpus import Corpus
from benchmarks.drain import Place, Started, check_sinks, fresh_place
from benchmarks.expected import expect
from benchmarks.ground import RAW, Ground, Loaded
from benchmarks.systems import STREAM, System
from pipelines.cli import RunFailed

BEFORE_SECONDS = 20.0
WAIT_SECONDS = 300.0
LONGEST_SECONDS = 400
CLOSE_SECONDS = 2.0  # caught up: what arrived in the lake is at most so much of the stream behind what was sent


def recovery(
    ground: Ground, system: System, rate: int, say: Callable[[str], None], *, cores: Sequence[int]
) -> dict[str, Any]:
    """Seconds from the kill (the restart follows at once) to the first event after it, and until caught up.

    The job is killed when it has kept up with the stream for a while; the stream goes on all the time.
    """
    corpus = Corpus(rate * LONGEST_SECONDS, seed=31)
    corpus.make()
    topic = f"raw-recovery-{system.id}"
    ground.create_topic(topic, 6, RAW)
    loaded = Loaded(topic, 6, corpus.count, expect(value for _, value in corpus.lines()), "")
    good = loaded.expected.events.height / corpus.count
    sent, is_up, done = [0], threading.Event(), threading.Event()

    def is_close(arrived: Arrived) -> bool:
        return arrived.lake >= (sent[0] - CLOSE_SECONDS * rate) * good

    with fresh_place(ground, loaded, system) as place:
        sender = threading.Thread(target=_send, args=(ground, topic, corpus, rate, sent, is_up, done), daemon=True)
        started = Started(system, place, STREAM, cores)
        try:
            sender.start()
            _wait(place, started, lambda arrived: arrived.lake > 0 and arrived.enriched > 0, "the first event")
            is_up.set()
            until = time.monotonic() + BEFORE_SECONDS
            _wait(place, started, lambda arrived: time.monotonic() > until and is_close(arrived), "keeping up")
            killed = time.monotonic()
            started.kill()
            held = place.sinks.look()
            say(f"  killed at {held.lake:,} events in the lake; started again")
            started = Started(system, place, STREAM, cores)
            _wait(place, started, lambda arrived: arrived.lake > held.lake, "the first event after the kill")
            first = time.monotonic() - killed
            _wait(place, started, is_close, "catching up")
            caught_up = time.monotonic() - killed
            if sent[0] >= corpus.count:
                raise RunFailed(f"it had not caught up when the stream ended, after {LONGEST_SECONDS} s")
            done.set()
            sender.join(30)
            loaded = place.loaded = ground.reloaded(loaded, sent[0], corpus)
            _wait(place, started, lambda arrived: arrived.lake >= loaded.expected.events.height, "the end")
            _wait(place, started, lambda arrived: arrived.dead >= loaded.expected.dead.total(), "the end")
            time.sleep(2)
        finally:
            done.set()
            started.stop(signal.SIGTERM)
        problems = check_sinks(place, "both", repeats=True)
    ground.delete_topics(topic)
    if problems:
        raise RunFailed("; ".join(problems))
    return {"rate": rate, "first_seconds": first, "caught_up_seconds": caught_up, "after_start_up": caught_up - first}


def _wait(place: Place, started: Started, until: Callable[[Arrived], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not until(place.sinks.look()):
        if started.process.poll() is not None:
            raise RunFailed(f"{what}: it ended with exit code {started.process.returncode}: {started.last_words()}")
        if time.monotonic() > deadline:
            raise RunFailed(f"{what} did not come within {WAIT_SECONDS:.0f} s: {started.last_words()}")
        time.sleep(0.1)


def _send(
    ground: Ground,
    topic: str,
    corpus: Corpus,
    rate: int,
    sent: list[int],
    is_up: threading.Event,
    done: threading.Event,
) -> None:
    """An event a second until the system is up, then a tenth of a second's at a time, until told to stop."""
    lines, portion, producer = list(corpus.lines()), max(rate // 10, 1), ground.producer()
    while not is_up.wait(1) and not done.is_set():
        ground.produce(topic, lines[sent[0] : sent[0] + 1], producer)
        sent[0] += 1
    start, before = time.monotonic(), sent[0]
    while sent[0] < len(lines) and not done.is_set():
        ahead = start + (sent[0] - before) / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        ground.produce(topic, lines[sent[0] : sent[0] + portion], producer)
        sent[0] += portion
