"""Whether a client process keeps up with its schedule, as it notices itself."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Self

LATE_US = 10_000
"""Later than this is late: beyond it at the 99th percentile the client was measured, not the server."""
TICK_S = 0.05
LATE_TICKS = 0.1
"""Share of late ticks from which the loop lags. Higher than that of requests: one pause of the machine is no lag."""


class Pulse(NamedTuple):
    """Counts of some stretch of time, which add up over stretches and processes."""

    sent: int = 0
    late: int = 0
    """Requests begun later than `LATE_US` after they were due."""
    ticks: int = 0
    late_ticks: int = 0

    def plus(self, other: Self) -> Pulse:
        """Both together."""
        return Pulse(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def lags(self) -> bool:
        """The 99th percentile of the requests is late, or the loop itself is."""
        return self.late > max(self.sent * 0.01, 1) or self.late_ticks > max(self.ticks * LATE_TICKS, 1)


class Punctual:
    """Counts what is late in one process: its requests, and ticks of its own where none is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ticks begin at once."""
        self._loop = loop
        self._sent = self._late = self._ticks = self._late_ticks = 0
        self._next = loop.time() + TICK_S
        self._timer = loop.call_at(self._next, self._tick)

    def count(self, lateness_us: int) -> None:
        """A request was begun so much later than it was due."""
        self._sent += 1
        self._late += lateness_us > LATE_US

    def take(self) -> Pulse:
        """What was counted since the last call."""
        pulse = Pulse(self._sent, self._late, self._ticks, self._late_ticks)
        self._sent = self._late = self._ticks = self._late_ticks = 0
        return pulse

    def stop(self) -> None:
        """No more ticks."""
        self._timer.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        self._ticks += 1
        self._late_ticks += (now - self._next) * 1e6 > LATE_US
        self._next = now + TICK_S
        self._timer = self._loop.call_at(self._next, self._tick)
