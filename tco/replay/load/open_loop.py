"""An open loop: each request is sent when it is due, whatever the server does."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import TYPE_CHECKING

from tco.replay.load.chains import Item
from tco.replay.load.sending import AHEAD_US, MOST_WAITING, Hooks, Sending

if TYPE_CHECKING:
    from tco.replay.http.client import Client
    from tco.replay.http.prompts import Bodies, Body
    from tco.replay.load.pace import Pace

READY = 512
"""Bodies made ahead."""
READY_BYTES = 16 * 2**20
EARLY_US = 20
"""A timer may fire so early: less than it takes to send."""
SLICE_S = 0.0005
"""How long the event loop is kept by making bodies, about."""


class OpenLoop(Sending):
    """Requests by when they are due, each with its body, and one timer for the first of them.

    One whose think time lasts has no body yet, and takes nobody's room: else a thousand sessions that think would
    keep the rest of the trace from being read.
    """

    def __init__(self, client: Client, bodies: Bodies, pace: Pace, zero_ns: int, hooks: Hooks) -> None:
        super().__init__(client, bodies, pace, zero_ns, hooks)
        self._timer: asyncio.TimerHandle | None = None
        self._heap: list[tuple[int, int, Item, Body]] = []
        self._bytes = 0
        self._later: list[tuple[int, int, Item]] = []
        """Those due later than `AHEAD_US` from now."""
        self._armed: int | None = None

    def take(self, item: Item) -> None:
        due = self.chains.take(item)
        if due is not None:
            self._released(item, due)

    def room(self) -> int:
        if self._bytes > READY_BYTES or self.chains.waiting >= MOST_WAITING:
            return 0
        return READY - len(self._heap)

    def overdue(self) -> int:
        now = self.now()
        return sum(entry[0] < now for entry in self._heap) + sum(entry[0] < now for entry in self._later)

    def held(self) -> int:
        return len(self._heap) + len(self._later)

    async def close(self) -> None:
        await super().close()
        if self._timer is not None:
            self._timer.cancel()

    def _drop(self) -> None:
        self._heap.clear()
        self._later.clear()
        self._bytes = 0

    def _released(self, item: Item, due: int) -> None:
        if self._finished_sending(due):
            self._hooks.room()
            return
        if due - AHEAD_US > self.now():
            heapq.heappush(self._later, (due, item.row, item))
        else:
            self._make(item, due)
        self._arm()

    def _make(self, item: Item, due: int) -> None:
        body = self._prepare(item)
        self._bytes += len(body.payload)
        heapq.heappush(self._heap, (due, item.row, item, body))

    def _arm(self) -> None:
        """The timer stands at the first that is due or needs a body. From zero each time: no error adds up."""
        times = [heap[0][0] - early for heap, early in ((self._heap, 0), (self._later, AHEAD_US)) if heap]
        if not times:
            return
        due = min(times)
        if self._armed is not None and self._armed <= due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed = due
        self._timer = self._loop.call_at((self._zero_ns + due * 1000) / 1e9, self._fire)

    def _fire(self) -> None:
        self._armed = self._timer = None
        heap, count = self._heap, self.punctual.count
        now = self.now()
        while heap and heap[0][0] <= now + EARLY_US:
            due, _, item, body = heapq.heappop(heap)
            self._bytes -= len(body.payload)
            count(now - due)
            self._launch(item, due, body)
            now = self.now()
        began = time.monotonic()
        while self._later and self._later[0][0] - AHEAD_US <= now and time.monotonic() - began < SLICE_S:
            due, _, item = heapq.heappop(self._later)
            self._make(item, due)
        self._arm()
        self._hooks.room()
