"""How a replay goes, on stderr while it runs: a small block in a terminal, a line now and then elsewhere.

It reads counters from a thread of its own, twice a second at most: the loop that sends never waits for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EPIPE
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tco.document.excerpt import visible
from tco.replay.results import LATENESS_LIMIT
from tco.report.replay_numbers import seconds, significant, span

if TYPE_CHECKING:
    from collections import deque

    from tco.replay.load.watch import Watch

EVERY, LINE_EVERY = 0.5, 10.0
"""Seconds between two looks, and between two lines where there is no terminal to draw in."""
RATE_OVER = 5.0
"""Seconds that a rate is taken over."""
RECENT = 10.0
"""Seconds that percentiles are taken over."""
MOST_REASONS = 2


class Glance(NamedTuple):
    """A run at one moment."""

    about: str
    """Which run: `probe 3 of about 9: 8.4 requests/s, seed 2`."""
    due_per_s: float | None
    """Over the last seconds, like the next one; None at the very start."""
    sent_per_s: float | None
    in_flight: int
    succeeded: int
    failed: int
    failures: str
    """With what, the commonest first."""
    ttft_p50: float | None
    ttft_p95: float | None
    lateness_p99: float | None
    processes: int
    late: bool
    """The client cannot keep up, and no further process may be started."""
    share: float | None
    """Of the run that is done; None where nobody knows."""
    left_s: float | None
    stopping: bool
    """Nothing more is sent; what is under way is waited for."""


def first_line(g: Glance) -> str:
    """Which run, and how far it is."""
    parts = [g.about, *([] if g.share is None else [f"{g.share:.0%}".replace("%", " %")])]
    if g.stopping:
        parts.append("waiting for what is under way")
    elif g.left_s is not None:
        parts.append(f"{span(g.left_s)} left")
    return " · ".join(parts)


def load_line(g: Glance) -> str:
    """What is sent, what is under way, what is over."""
    sent = f"{significant(g.sent_per_s)}/s sent"
    due = "" if g.due_per_s is None else f" of {significant(g.due_per_s)}/s due"
    failed = f"{g.failed:,} failed" + (f" ({g.failures})" if g.failures else "")
    return f"{sent}{due} · {g.in_flight:,} in flight · {g.succeeded:,} done · {failed}"


def latency_line(g: Glance) -> str:
    """How long the last answers took to begin, and how late the client is."""
    clients = f"{g.processes} client process{'' if g.processes == 1 else 'es'}"
    first = f"first token p50 {seconds(g.ttft_p50)}, p95 {seconds(g.ttft_p95)}"
    late = ": cannot keep up" if g.late else ""
    return f"{first} · lateness p99 {seconds(g.lateness_p99)} · {clients}{late}"


def line(g: Glance) -> str:
    """All of it, for a log."""
    return " · ".join((first_line(g), load_line(g), latency_line(g)))


def block(g: Glance, width: int) -> Group:
    """All of it in three lines; what has no room is cut."""
    late = g.late or (g.lateness_p99 is not None and g.lateness_p99 > LATENESS_LIMIT)
    styles = ("bold", "red" if g.failed else "", "yellow" if late else "dim")
    texts = [
        Text(said, style=style)
        for said, style in zip((first_line(g), load_line(g), latency_line(g)), styles, strict=True)
    ]
    for text in texts:
        text.truncate(width - 1, overflow="ellipsis")
    return Group(*texts)


def glance(watch: Watch, about: str, seen: Sequence[tuple[float, int, int]], now: float) -> Glance:
    """A run as its counters have it. seen: times on the monotonic clock with what was due and sent by then."""
    since, due, sent = seen[0]
    over = now - since
    first = _recent(watch.latencies, now)
    return Glance(
        about=about,
        due_per_s=(watch.due - due) / over if over > 0 else None,
        sent_per_s=(watch.sent - sent) / over if over > 0 else None,
        in_flight=watch.in_flight,
        succeeded=watch.succeeded,
        failed=watch.failed,
        failures=", ".join(sorted(watch.failures, key=lambda status: -watch.failures[status])[:MOST_REASONS]),
        ttft_p50=_quantile(first, 0.5),
        ttft_p95=_quantile(first, 0.95),
        lateness_p99=_quantile(_recent(watch.latenesses, now), 0.99),
        processes=watch.processes,
        late=watch.late,
        share=watch.share(),
        left_s=watch.left(),
        stopping=watch.stopping,
    )


def _recent(values: deque[tuple[float, float]], now: float) -> list[float]:
    # a copy in one step: the run goes on adding
    return sorted(value for at, value in values.copy() if now - at <= RECENT)


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None


class _Stderr(Console):
    """A console that does not end the program when nobody reads it: rich's own leaves, and takes stdout along."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(EPIPE, "nobody reads stderr")


class Progress:
    """What is shown. `follow` another run whenever one begins; made by `progress`."""

    def __init__(self, stream: TextIO) -> None:
        live = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._console = _Stderr(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=not live)
        # a block that is gone at the end, whatever ends it; what others write to stderr goes above it
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False) if live else None
        )
        self._watch: Watch | None = None
        self._about = ""
        self._seen: list[tuple[float, int, int]] = []
        """When, and what was due and sent by then."""
        self._line_at = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def follow(self, watch: Watch, about: str) -> None:
        """Show this run from now on. about: `probe 3 of about 9: 8.4 requests/s, seed 2`."""
        with self._lock:
            self._watch, self._about, self._seen = watch, visible(about), []
            self._line_at = monotonic() + LINE_EVERY

    def rest(self) -> None:
        """Show nothing until the next run: this one is over."""
        with self._lock:
            self._watch = None
            if self._live is not None and self._live.is_started:
                self._live.update(Group(), refresh=True)

    def say(self, text: str) -> None:
        """A line that stays, above the block."""
        with self._lock, suppress(OSError):  # without a stderr the run goes on: it matters more
            self._console.print(Text(visible(text)))

    def start(self) -> None:
        """Begin to look."""
        if self._live is not None:
            self._live.start()
        self._thread.start()

    def close(self) -> None:
        """Take the block away and stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                with self._lock:
                    self._look()
            except OSError:
                return

    def _look(self) -> None:
        if self._watch is None:
            return
        now = monotonic()
        found = self._glance(self._watch, now)
        if self._live is not None:
            self._live.update(block(found, self._console.width), refresh=True)
        elif now >= self._line_at:
            self._line_at = now + LINE_EVERY
            self._console.print(Text(line(found)))

    def _glance(self, watch: Watch, now: float) -> Glance:
        self._seen.append((now, watch.due, watch.sent))
        while now - self._seen[0][0] > RATE_OVER:
            self._seen.pop(0)
        return glance(watch, self._about, self._seen, now)


@contextmanager
def progress(stream: TextIO) -> Iterator[Progress]:
    """Show runs on a stream; the terminal is left clean on any way out."""
    shown = Progress(stream)
    shown.start()
    try:
        yield shown
    finally:
        shown.close()
