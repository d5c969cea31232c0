"""Rows of the trace, read a little ahead of their time and given to the client processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from tco.replay.load.chains import Chains, Item
from tco.replay.load.pace import Pace
from tco.replay.load.sending import AHEAD_US
from tco.replay.load.source import Source

PAUSE_S = 0.005
"""Between two looks at what is next: rows of a busy trace are read some at a time."""
SLICE_S = 0.0005
"""How long the event loop is kept by reading, about."""


class Taker(Protocol):
    """Who the rows go to."""

    def take(self, item: Item) -> bool:
        """False where there is no room for it now: `Feed.wake` is called when there is."""

    def finish(self) -> None:
        """There are no more."""


class Feed:
    """Reads in constant memory, whatever the length of the trace."""

    def __init__(self, source: Source, pace: Pace, done: Mapping[int, tuple[int, bool]]) -> None:
        """done: as in `Order`."""
        self._rows = source.rows()
        self._pace = pace
        self._done = done
        self._before = Chains(pace.factor)
        """Ends of what was done: those who wait for one of them are given with the time at which they are due."""
        self._next: Item | None = None
        self._timer: asyncio.Handle | None = None
        self.given = 0
        self.over = False
        """Nothing more is read."""
        self.exhausted = False
        """There were no more rows."""
        self._blocked = False

    @property
    def forgotten(self) -> int:
        """As `Chains.forgotten`."""
        return self._before.forgotten

    def peek(self, until: float = float("inf")) -> Item | None:
        """The next row; None where there is none (`over`), or none was found until that time of the monotonic clock.

        Raises what the trace raises.
        """
        while self._next is None and not self.over:
            row = next(self._rows, None)
            if row is None:
                self.over = self.exhausted = True
                break
            index, request = row
            if request is not None and index in self._done:
                self._before.end(request, *self._done[index])
            elif request is not None:
                self._next = Item(index, self._pace.due(request.at), request)
            if time.monotonic() >= until:
                break
        return self._next

    def start(
        self, to: Taker, loop: asyncio.AbstractEventLoop, zero_ns: int, failed: Callable[[BaseException], None]
    ) -> None:
        """Give rows from now on."""
        self._to, self._loop, self._zero_ns, self._on_failed = to, loop, zero_ns, failed
        self._give()

    def close(self) -> None:
        """Stop, and let go what the reading holds."""
        self.stop()
        self._rows.close()

    def stop(self) -> None:
        """Read no more."""
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wake(self) -> None:
        """There may be room again."""
        if self._blocked and not self.over:
            self._blocked = False
            self._timer = self._loop.call_soon(self._give)

    def _give(self) -> None:
        self._timer = None
        enough = time.monotonic() + SLICE_S
        until = self._pace.until
        try:
            while (item := self.peek(enough)) is not None:
                if item.own is not None:
                    if until is not None and item.own >= until:
                        self.over = True
                        break
                    early = item.own - AHEAD_US - (time.monotonic_ns() - self._zero_ns) // 1000
                    if early > 0:
                        self._timer = self._loop.call_later(max(early / 1e6, PAUSE_S), self._give)
                        return
                if not self._to.take(self._before.after(item)):
                    self._blocked = True
                    return
                self.given += 1
                self._next = None
                if time.monotonic() >= enough:
                    break
        except Exception as error:
            self._on_failed(error)
            return
        if self.over:
            self._to.finish()
        else:
            self._timer = self._loop.call_soon(self._give)


def first_due(source: Source, pace: Pace, done: Mapping[int, tuple[int, bool]]) -> int | None:
    """Microseconds since the run's zero when the first of what is missing is due; None in a closed loop.

    Its own time says less: it may wait long for an end, and later ones for nobody. What waits for one that is missing
    itself is due after that. Raises what the trace raises.
    """
    chains = Chains(pace.factor)
    first: int | None = None
    for index, request in source.requests():
        item = Item(index, pace.due(request.at), request)
        if item.own is None or (first is not None and item.own >= first):
            break
        if index in done:
            chains.end(request, *done[index])
        elif (due := chains.take(item)) is not None:
            first = due if first is None else min(first, due)
    return first
