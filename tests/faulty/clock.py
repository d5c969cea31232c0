"""A clock that can stand still: a stall of the server delays all that was to come."""

from __future__ import annotations

import time


class Clock:
    """Work time is real time less the stalls so far. Seconds of `time.monotonic`, as the event loop counts."""

    def __init__(self) -> None:
        self._stalls: list[tuple[float, float]] = []  # (work time, seconds), in order

    def stall(self, at: float, seconds: float) -> None:
        """Stand still for some seconds from this real time on."""
        self._stalls.append((self.work(at), seconds))
        self._stalls.sort()

    def work(self, real: float) -> float:
        """The work time at a real time: within a stall, when it began."""
        for at, seconds in self._stalls:
            if real <= at:
                break
            real = max(at, real - seconds)
        return real

    def real(self, work: float) -> float:
        """The real time of a work time: what was due just as a stall began comes after it."""
        return work + sum(seconds for at, seconds in self._stalls if at <= work)

    def now(self) -> float:
        """The work time now."""
        return self.work(time.monotonic())
