"""How the run goes, on stderr: a live line on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from generator.clock import Clock
from generator.manifest import Receipts

_LIVE_SECONDS = 0.25
_PLAIN_SECONDS = 5.0


class Progress:
    """Shows what the receipts count. A stderr that nobody reads any more is no error."""

    def __init__(self, receipts: Receipts, clock: Clock, shares_terminal: bool) -> None:
        """`shares_terminal`: the events themselves go to the terminal, where a live line would tear them."""
        self._receipts = receipts
        self._clock = clock
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        if self._console.is_terminal and not shares_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._interval = _LIVE_SECONDS if self._live else _PLAIN_SECONDS
        self._started = self._shown = clock.monotonic()
        self._sent_before = 0

    def say(self, text: str) -> None:
        """One line for a person."""
        try:
            if self._live:
                self._console.print(Text(text))
            else:
                print(text, file=sys.stderr, flush=True)
        except OSError:
            pass

    def update(self) -> None:
        """Show the counts if it is time to."""
        now = self._clock.monotonic()
        elapsed = now - self._shown
        if elapsed < self._interval:
            return
        receipts = self._receipts
        rate = (receipts.sent - self._sent_before) / elapsed
        self._shown, self._sent_before = now, receipts.sent
        counts = f"sent {receipts.sent:,}  acknowledged {receipts.acknowledged:,}  failed {receipts.failed:,}"
        text = f"{counts}  {rate:,.0f}/s"
        if self._live:
            self._live.update(Text(text, style="red" if receipts.failed else "green"), refresh=True)
        else:
            self.say(text)

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
