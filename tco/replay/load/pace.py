"""How fast a trace is replayed: on its own schedule at a speed-up, or with a number of requests always under way."""

from __future__ import annotations

from typing import NamedTuple, Self


class Pace(NamedTuple):
    """One of `speedup` and `concurrency`; with neither, the speed at which it was recorded. Made by `of`."""

    speedup: float | None = None
    """Open loop: 2 is twice as fast as recorded. Requests are sent on schedule, whatever the server does."""
    concurrency: int | None = None
    """Closed loop: so many requests under way, each next one as soon as one ends."""
    duration: float | None = None
    """Seconds after which nothing more is sent; None for the whole trace."""

    @classmethod
    def of(cls, speedup: float | None = None, concurrency: int | None = None, duration: float | None = None) -> Self:
        """Checked. Raises ValueError, in words for the user."""
        if speedup is not None and concurrency is not None:
            raise ValueError("a speed-up and a concurrency exclude each other: one is a schedule, the other has none")
        if speedup is not None and not 0 < speedup < float("inf"):
            raise ValueError(
                f"a speed-up of {speedup:g} is none: expected a number above 0, such as 2 for twice as fast"
            )
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"a concurrency of {concurrency} is none: expected 1 or more requests under way")
        if duration is not None and not 0 < duration < float("inf"):
            raise ValueError(f"a duration of {duration:g} seconds is none: expected a time above 0")
        return cls(1.0 if speedup is None and concurrency is None else speedup, concurrency, duration)

    @property
    def closed(self) -> bool:
        """A closed loop."""
        return self.concurrency is not None

    @property
    def factor(self) -> float:
        """What recorded times are divided by, think times too; 1 in a closed loop."""
        return 1.0 if self.speedup is None else self.speedup

    def due(self, at: float | None) -> int | None:
        """Microseconds since the run's zero when what was recorded at `at` seconds is due; None in a closed loop."""
        return None if self.closed or at is None else round(at / self.factor * 1e6)

    @property
    def until(self) -> int | None:
        """Microseconds since the run's zero after which nothing is sent."""
        return None if self.duration is None else round(self.duration * 1e6)
