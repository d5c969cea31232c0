"""The requests of one client process: under way, and those that wait for one of them."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tco.replay.load.chains import Chains, Item
from tco.replay.load.pace import Pace
from tco.replay.load.punctual import Punctual
from tco.replay.outcome import OK, Outcome

if TYPE_CHECKING:
    from tco.replay.http.client import Client
    from tco.replay.http.prompts import Bodies, Body

AHEAD_US = 1_000_000
"""How long before its time a request is read and its body made."""
GONE_S = 5.0
"""How long what was let go may take to end."""
MOST_WAITING = 4096
"""Requests that may wait for their session before no more are taken."""


class Hooks(NamedTuple):
    """What is called when something happens."""

    ended: Callable[[Outcome], None]
    room: Callable[[], None]
    """Something was sent, so that more may be taken."""
    idle: Callable[[], None]
    """Once, after `finish` or `stop`: nothing is left to send and nothing under way."""
    failed: Callable[[BaseException], None]
    """Something that no server can be blamed for."""


class Sending(ABC):
    """Sends what it is given, and says what became of each. Everything happens in the event loop it was made in.

    An open and a closed loop are its kinds.
    """

    def __init__(self, client: Client, bodies: Bodies, pace: Pace, zero_ns: int, hooks: Hooks) -> None:
        self._client = client
        self._bodies = bodies
        self._pace = pace
        self._zero_ns = zero_ns
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[asyncio.Task[Outcome], Item] = {}
        self.chains = Chains(pace.factor)
        self.punctual = Punctual(self._loop)
        self.sent = 0
        self._hooks = hooks
        self._finishing = False
        self._told = False

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return len(self._tasks)

    def now(self) -> int:
        """Microseconds since the run's zero."""
        return (time.monotonic_ns() - self._zero_ns) // 1000

    @abstractmethod
    def take(self, item: Item) -> None:
        """A request to be sent in its turn."""

    @abstractmethod
    def room(self) -> int:
        """How many more may be taken now."""

    @abstractmethod
    def overdue(self) -> int:
        """Requests that should have been sent and were not."""

    @abstractmethod
    def held(self) -> int:
        """Requests that were taken and neither wait for their session nor were sent."""

    @abstractmethod
    def _drop(self) -> None:
        """Forget all that was not sent."""

    @abstractmethod
    def _released(self, item: Item, due: int) -> None:
        """What it waited for has ended: it is due at `due`."""

    def finish(self) -> None:
        """Nothing more will be given."""
        self._finishing = True
        self._check()

    def stop(self) -> None:
        """Send nothing more; what is under way goes on."""
        self._drop()
        self.chains.clear()
        self.finish()

    def cancel(self) -> None:
        """Stop, and let go what is under way: each of it is said to be cancelled."""
        self.stop()
        for task in tuple(self._tasks):
            task.cancel()

    async def close(self) -> None:
        """Cancel, and wait until all of it has ended. No timer is left behind."""
        self.cancel()
        self.punctual.stop()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=GONE_S)
            await asyncio.sleep(0)  # each is told to have ended

    def _prepare(self, item: Item) -> Body:
        return self._bodies.of(item.row, item.request)

    def _launch(self, item: Item, scheduled: int, body: Body) -> None:
        task = self._loop.create_task(self._client.send(item.row, scheduled, body, self._zero_ns))
        self._tasks[task] = item
        task.add_done_callback(self._over)
        self.sent += 1

    def _over(self, task: asyncio.Task[Outcome]) -> None:
        item = self._tasks.pop(task)
        if task.cancelled():  # before its first step: it was never sent
            due = item.own or 0
            outcome = Outcome(item.row, due, None, None, None, None, (), None, None, None, "cancelled")
        else:
            error = task.exception()
            if error is not None:
                self._hooks.failed(error)
                return
            outcome = task.result()
        self._hooks.ended(outcome)
        if item.request.session is not None:
            end = self.now() if outcome.end is None else outcome.end
            for due, waiter in self.chains.end(item.request, end, outcome.status == OK):
                self._released(waiter, due)
        self._after()
        self._check()

    def _finished_sending(self, due: int) -> bool:
        return self._pace.until is not None and due >= self._pace.until

    def _after(self) -> None:  # noqa: B027  (an open loop does nothing when a request ends)
        """A request ended."""

    def _check(self) -> None:
        """Whether it is over. Who still waits then, waits for what will never be sent."""
        if self._finishing and not self._told and not self._tasks and not self.held():
            self._told = True
            self._hooks.idle()
