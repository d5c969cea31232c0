"""What a display may read of a run while it goes on."""

from __future__ import annotations

import time
from collections import deque

from tco.replay.outcome import OK, Outcome

KEPT = 2000


class Watch:
    """Live counters of one run. The run writes them, any thread may read them.

    Each is a plain value, but for the two deques: take a `list` of one before looking into it.
    """

    def __init__(self, requests: int | None = None, seconds: float | None = None) -> None:
        """What is known of it: how many requests this part of the run has left, how many seconds the whole may take."""
        self.requests = requests
        self.seconds = seconds
        self.due = 0
        """Requests whose time has come."""
        self.sent = 0
        self.in_flight = 0
        self.succeeded = 0
        self.failed = 0
        self.processes = 1
        self.late = False
        """Client processes cannot keep up, and no further one may be started."""
        self.stopping = False
        """Nothing more is sent; what is under way is waited for."""
        self.failures: dict[str, int] = {}
        """By status."""
        self.latencies: deque[tuple[float, float]] = deque(maxlen=KEPT)
        """Of the last requests that succeeded: monotonic seconds when it ended, seconds to the first token."""
        self.latenesses: deque[tuple[float, float]] = deque(maxlen=KEPT)
        """Of the last requests that ended: monotonic seconds when it ended, seconds from due to sent."""
        self.zero: float | None = None
        """Monotonic seconds of the run's zero; None before it."""
        self.began: float | None = None
        """The same of this part, where the run was gone on with."""

    @property
    def ended(self) -> int:
        """Requests that are over."""
        return self.succeeded + self.failed

    def elapsed(self) -> float:
        """Seconds since the run's zero."""
        return 0.0 if self.zero is None else max(time.monotonic() - self.zero, 0.0)

    def share(self) -> float | None:
        """How much of the run, or of this part, is done, from 0 to 1; None where that is unknown."""
        shares = [self.elapsed() / self.seconds] if self.seconds else []
        if self.requests:
            shares.append(self.ended / self.requests)
        return min(max(shares), 1.0) if shares else None

    def left(self) -> float | None:
        """Seconds until it ends at this pace; None where that is unknown."""
        left = [max(self.seconds - self.elapsed(), 0.0)] if self.seconds else []
        if self.requests and self.ended:
            spent = self.elapsed() if self.began is None else max(time.monotonic() - self.began, 0.0)
            left.append(spent * max(self.requests - self.ended, 0) / self.ended)
        return min(left) if left else None

    def take(self, outcome: Outcome) -> None:
        """A request ended."""
        now = time.monotonic()
        if outcome.status == OK:
            self.succeeded += 1
            if outcome.first is not None:
                self.latencies.append((now, (outcome.first - outcome.scheduled) / 1e6))
        else:
            self.failed += 1
            self.failures[outcome.status] = self.failures.get(outcome.status, 0) + 1
        if outcome.sent is not None:
            self.latenesses.append((now, (outcome.sent - outcome.scheduled) / 1e6))
