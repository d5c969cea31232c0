"""A closed loop: a number of requests under way, each next one as soon as one ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from tco.replay.load.chains import Item
from tco.replay.load.sending import MOST_WAITING, Hooks, Sending

if TYPE_CHECKING:
    from tco.replay.http.client import Client
    from tco.replay.http.prompts import Bodies, Body
    from tco.replay.load.pace import Pace

READY = 64
"""Bodies made ahead."""


class ClosedLoop(Sending):
    """Requests in the order of the trace; one that waits for its session is passed by, and sent when it may be."""

    def __init__(
        self,
        client: Client,
        bodies: Bodies,
        pace: Pace,
        zero_ns: int,
        hooks: Hooks,
        slots: int,
        freed: Callable[[int], None],
    ) -> None:
        """`slots` requests under way at once; sending begins with `start`.

        `freed` is called with the slots that are held after `want` asked for fewer.
        """  # fmt: skip
        super().__init__(client, bodies, pace, zero_ns, hooks)
        self.slots = slots
        self._freed = freed
        self._ready: deque[tuple[Item, Body]] = deque()
        self._started = False

    def take(self, item: Item) -> None:
        due = self.chains.take(item)
        if due is not None:
            self._released(item, due)

    def room(self) -> int:
        return 0 if self.chains.waiting >= MOST_WAITING else READY - len(self._ready)

    def overdue(self) -> int:
        return 0

    def held(self) -> int:
        return len(self._ready)

    def start(self) -> None:
        """The zero of the run has come."""
        self._started = True
        self._next()

    def want(self, slots: int) -> None:
        """So many slots from now on. Where more are under way, `freed` says when they have ended."""
        fewer = slots < self.slots
        self.slots = slots
        self._next()
        if fewer:
            self._freed(max(slots, self.in_flight))

    def _drop(self) -> None:
        self._ready.clear()

    def _released(self, item: Item, due: int) -> None:  # noqa: ARG002  (a closed loop has no times)
        self._ready.append((item, self._prepare(item)))
        self._next()

    def _after(self) -> None:
        if self.in_flight >= self.slots:
            self._freed(self.in_flight)
        else:
            self._next()

    def _next(self) -> None:
        if not self._started:
            return
        began = False
        while self._ready and self.in_flight < self.slots:
            now = self.now()
            if self._finished_sending(now):
                self._ready.clear()
                self.chains.clear()
                break
            item, body = self._ready.popleft()
            self._launch(item, now, body)
            began = True
        if began:
            self._hooks.room()
