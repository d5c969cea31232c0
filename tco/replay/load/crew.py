"""The client processes of a run together: who gets which request, and whether one more is needed."""

from __future__ import annotations

import asyncio
import errno
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tco.replay.http.prompts import Bodies
from tco.replay.load.chains import REMEMBERED, Item
from tco.replay.load.closed_loop import ClosedLoop
from tco.replay.load.open_loop import OpenLoop
from tco.replay.load.processes import Worker, most_processes
from tco.replay.load.punctual import Pulse
from tco.replay.load.sending import Hooks
from tco.replay.load.slots import Slots
from tco.replay.load.watch import Watch
from tco.replay.load.wire import Orders
from tco.replay.outcome import Outcome

if TYPE_CHECKING:
    from tco.replay.http.client import Client
    from tco.replay.load.order import Order

CHECK_S = 1.0
"""Stretch of time over which lateness is judged."""
LATE_STRETCHES = 2
"""So many late ones in a row, and it is no accident."""
SETTLE_S = 3.0
"""What further processes get to start and to take over before lateness is judged again."""
HAND_OVER = 1 / 32
"""What the first process does for a request that another one sends, as a share of sending one."""

Note = Callable[[str, dict[str, Any]], None]


def most_of(order: Order) -> int:
    """Processes that a run may have. In a closed loop each needs something to have under way."""
    most = most_processes(order.processes)
    return most if order.pace.concurrency is None else min(most, order.pace.concurrency)


class Crew:
    """This process, and further ones where it is late."""

    def __init__(
        self,
        order: Order,
        client: Client,
        zero_ns: int,
        watch: Watch,
        note: Note,
        hooks: Hooks,
        workers: Sequence[Worker] = (),
    ) -> None:
        """`workers` have started already."""
        self._order, self._zero_ns, self._watch, self._note = order, zero_ns, watch, note
        self._most = most_of(order)
        bodies = Bodies(order.model, order.salt, order.block_tokens, order.token_ids)
        self._workers: list[Worker] = []
        self._slots: Slots | None = None
        self._hooks = hooks
        self._own: OpenLoop | ClosedLoop
        own_hooks = hooks._replace(idle=self._own_idle)
        slots = order.pace.concurrency
        if slots is not None:
            shared = self._slots = Slots(slots)
            own = self._own = ClosedLoop(
                client, bodies, order.pace, zero_ns, own_hooks, slots, partial(shared.freed, 0)
            )
            shared.join(own.want, slots)
        else:
            self._own = OpenLoop(client, bodies, order.pace, zero_ns, own_hooks)
        self._idle = False
        self._closing = False
        self._given = [0]
        """By process: what it got since the crew last grew."""
        self._owners: OrderedDict[int, Worker] = OrderedDict()
        """Which process has a request of a session, by a hash of both names."""
        self._let_go = 0
        self._judged = time.monotonic()
        self._late = 0
        self._sharing = 1
        """Processes among which the slots of a closed loop were shared out."""
        for worker in workers:
            self._hire(worker)
        self._given = [0] * (1 + len(workers))
        watch.processes = 1 + len(workers)

    async def ready(self) -> None:
        """All processes can take requests."""
        for worker in self._workers:
            await worker.ready.wait()

    def start(self) -> None:
        """The zero of a closed loop: an open one has times."""
        if isinstance(self._own, ClosedLoop):
            asyncio.get_running_loop().call_at(self._zero_ns / 1e9 + self._order.resume_us / 1e6, self._own.start)

    @property
    def forgotten(self) -> int:
        """Requests that were let go from memory while others might have waited for them."""
        return self._let_go + self._own.chains.forgotten + sum(w.forgotten for w in self._workers)

    @property
    def sent(self) -> list[int]:
        """Requests that each process sent, this one first."""
        return [self._own.sent, *(w.sent for w in self._workers)]

    def take(self, item: Item) -> bool:
        """Give it to a process; False where none has room."""
        number = self._who(item)
        if number is None:
            return False
        request = item.request
        self._given[number] += 1
        if number == 0:
            self._own.take(item)
            return True
        worker = self._workers[number - 1]
        if request.session is not None and request.id is not None:
            self._owners[hash((request.session, request.id))] = worker
            if len(self._owners) > REMEMBERED:
                self._owners.popitem(last=False)
                self._let_go += 1
        worker.take(item)
        return True

    def finish(self) -> None:
        """There are no more requests."""
        self._closing = True
        self._own.finish()
        for worker in self._workers:
            worker.finish()

    def stop(self) -> None:
        """Send nothing more."""
        self._closing = True
        self._own.stop()
        for worker in self._workers:
            worker.stop()
        self._check()

    def cancel(self) -> None:
        """Let go what is under way."""
        self._closing = True
        self._own.cancel()
        for worker in self._workers:
            worker.cancel()

    async def close(self) -> None:
        """All further processes leave. Nothing is said any more."""
        await self._own.close()
        await asyncio.gather(*(worker.leave() for worker in self._workers))

    def look(self, reading: bool) -> None:
        """Bring the counters up to date, and judge the lateness now and then."""
        watch, workers = self._watch, self._workers
        watch.sent = sum(self.sent)
        watch.in_flight = self._own.in_flight + sum(w.in_flight for w in workers)
        watch.due = watch.sent + self._own.overdue() + sum(w.overdue for w in workers)
        now = time.monotonic()
        if now - self._judged < CHECK_S:
            return
        pulse = self._own.punctual.take()
        for worker in workers:
            pulse, worker.pulse = pulse.plus(worker.pulse), Pulse()
        self._late = self._late + 1 if pulse.lags else 0
        self._judged = now
        if self._late >= LATE_STRETCHES and reading and not self._closing:
            self._late = 0
            self._grow(pulse)

    def _grow(self, pulse: Pulse) -> None:
        """Twice as many processes; where no more may be, it is said, and the run goes on as it is."""
        have = 1 + len(self._workers)
        want = min(have * 2, self._most)
        about: dict[str, Any] = {
            "at": (time.monotonic_ns() - self._zero_ns) // 1000, "late": pulse.late, "of": pulse.sent,
            "late_ticks": pulse.late_ticks, "of_ticks": pulse.ticks,
        }  # fmt: skip
        try:
            for _ in range(want - have):
                self._hire(Worker())
        except OSError as error:  # no memory, no more processes
            about["refused"] = errno.errorcode.get(error.errno or 0, "OSError")
        have, before = 1 + len(self._workers), have
        if have > before:
            self._given = [0] * have
            self._watch.processes = have
            self._judged = time.monotonic() + SETTLE_S
            self._note("processes", {"processes": have, **about})
        elif not self._watch.late:
            self._watch.late = True
            self._note("late", {"processes": have, **about})

    def _hire(self, worker: Worker) -> None:
        order, target = self._order, self._order.target
        key = None if target.key is None else target.key.header().removeprefix("Bearer ")
        worker.begin(
            Orders(
                target.scheme, target.host, target.port, target.path, target.addresses, target.remote, key,
                order.model, order.salt, order.block_tokens, order.token_ids, order.timeout_s, order.headers_s,
                order.pace, self._zero_ns,
            ),
            self._hooks._replace(room=self._room, idle=self._check),
            self._died,
        )  # fmt: skip
        if self._slots is not None:
            worker.freed = partial(self._slots.freed, self._slots.join(worker.slots))
        self._workers.append(worker)

    def _room(self) -> None:
        """A further process has room. The first time it is up: slots of a closed loop are shared out anew."""
        if self._slots is not None:
            up = (True, *(w.ready.is_set() for w in self._workers))
            if sum(up) > self._sharing:
                self._sharing = sum(up)
                self._slots.share([w if ready else 0.0 for w, ready in zip(self._weights(), up, strict=True)])
        self._hooks.room()

    def _weights(self) -> list[float]:
        """How much each process is to get. The first has the others to look after."""
        others = len(self._workers)
        return [max(1 - others * HAND_OVER, 0.1), *([1.0] * others)]

    def _who(self, item: Item) -> int | None:
        """Number of the process that gets it. What follows in a session goes where its predecessor is or was."""
        if not self._workers:
            return 0 if self._own.room() > 0 else None
        request = item.request
        if request.after is not None and request.session is not None:
            if self._own.chains.knows(request):
                return 0 if self._own.room() > 0 else None
            owner = self._owners.get(hash((request.session, request.after)))
            if owner is not None:
                return 1 + self._workers.index(owner) if owner.room() > 0 else None
        rooms = (self._own.room(), *(w.room() for w in self._workers))
        loads = [
            (given / weight, number)
            for number, (given, weight, room) in enumerate(zip(self._given, self._weights(), rooms, strict=True))
            if room > 0
        ]
        return min(loads)[1] if loads else None

    def _died(self, worker: Worker, error: ChildProcessError) -> None:
        """What it had and did not finish was not answered to anybody."""
        for item in worker.given.values():
            due = item.own or 0
            self._hooks.ended(
                Outcome(item.row, due, None, None, None, None, (), None, None, None, "cancelled", None, "client_died")
            )
        worker.given.clear()
        worker.idle = True
        self._hooks.failed(error)
        self._check()

    def _own_idle(self) -> None:
        self._idle = True
        self._check()

    def _check(self) -> None:
        if self._idle and all(w.idle for w in self._workers):
            self._hooks.idle()
