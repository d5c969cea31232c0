"""One run: a trace sent to a server, each request written into the journal as it ends."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tco.replay.http.client import Client
from tco.replay.load.crew import Crew, most_of
from tco.replay.load.event_loop import callbacks_fail_to, precise_loop, undisturbed
from tco.replay.load.feed import Feed, first_due
from tco.replay.load.order import Order
from tco.replay.load.processes import started
from tco.replay.load.sending import Hooks
from tco.replay.load.watch import Watch
from tco.replay.outcome import OK, Outcome
from tco.replay.record.journal import Journal, RecordedRun, outcomes_of

__all__ = ["Beside", "Ended", "Order", "Run", "replay", "resume_us", "resumed"]

LEAD_NS = 100_000_000
"""From the first row read to the zero of the run: bodies are made ahead meanwhile."""
TOGETHER_NS = 500_000_000
"""The same where further processes are told first."""
LOOK_S = 0.25
"""Between two looks at the counters."""
GONE_S = 5.0
"""How long what was let go may take to leave."""

Beside = Callable[[Client], Coroutine[Any, Any, None]]
"""Something that runs in the event loop as long as the run does, and must not block it."""


class Ended(NamedTuple):
    """How a run ended."""

    reason: str
    """`done`; `duration`, where it was not all sent; `interrupted`."""
    processes: int
    outcomes: list[Outcome]
    """Of the whole run, parts before it was resumed included."""
    late: bool = False
    """Client processes could not keep up, and no further one was allowed."""


def resume_us(recorded: RecordedRun) -> int:
    """Where the clock of a cut run stood: the last time that is in its journal."""
    kept = (o for o in recorded.outcomes if o.index not in recorded.lost)
    return max((max(o.scheduled, o.sent or 0, o.end or 0) for o in kept), default=0)


def resumed(order: Order, recorded: RecordedRun) -> Order:
    """The order of what is missing from a run that was cut."""
    done = recorded.done
    ends = {o.index: (o.scheduled if o.end is None else o.end, o.status == OK) for o in recorded.outcomes}
    return order._replace(done={row: ends[row] for row in done}, resume_us=resume_us(recorded))


def replay(order: Order, journal: Journal, watch: Watch, beside: Sequence[Beside] = ()) -> Ended:
    """Make a run and wait for its end. Begins it in the journal if its caller has not; always ends it there.

    SIGINT or SIGTERM stop it: what is under way may take `drain_s`, a second signal lets it go at once. Raises Faults
    for a trace that cannot be replayed so, OSError where the journal cannot be written (disk full) or a client process
    died (ChildProcessError); what had ended before is in the journal.
    """
    order.source.check(order.pace)
    if journal.run != order.run:
        journal.begin(order.run, {})
    loop = precise_loop()
    try:
        with undisturbed():
            run = Run(order, journal, watch)
            with _signals(loop, run.interrupt):
                try:
                    reason = loop.run_until_complete(run.go(beside))
                finally:
                    run.end()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    gc.collect()
    latest: dict[int, Outcome] = {}
    for outcome in outcomes_of(journal.path, order.run):
        latest[outcome.index] = outcome
    return Ended(reason, watch.processes, list(latest.values()), watch.late)


class Run:
    """A run under way."""

    def __init__(self, order: Order, journal: Journal, watch: Watch) -> None:
        self._order = order
        self._journal = journal
        self._watch = watch
        self._reason = "done"
        self._error: BaseException | None = None
        self._full = False
        """The journal cannot be written."""
        self._whole = False
        """It came to its end, whatever the reason."""
        self._ended = 0
        self._crew: Crew | None = None
        self._feed: Feed | None = None
        self._over: asyncio.Event | None = None

    async def go(self, beside: Sequence[Beside]) -> str:
        """From the first request to the last. Returns why it ended."""
        order = self._order
        loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        callbacks_fail_to(self._failed)
        feed = self._feed = Feed(order.source, order.pace, order.done)
        due = first_due(order.source, order.pace, order.done) if order.done else None
        first = feed.peek()  # now: what is skipped at the beginning takes its time before the zero
        if not order.done and first is not None:
            due = first.own
        begins = order.resume_us if due is None else due
        workers = await started(min(order.begin_with, most_of(order)) - 1)
        zero_ns = time.monotonic_ns() + (TOGETHER_NS if workers else LEAD_NS) - begins * 1000
        self._watch.zero = zero_ns / 1e9
        self._watch.began = self._watch.zero + begins / 1e6
        async with Client(order.target, timeout_s=order.timeout_s, first_byte_s=order.headers_s) as client:
            hooks = Hooks(self._request_ended, feed.wake, self._over.set, self._failed)
            crew = self._crew = Crew(order, client, zero_ns, self._watch, self._note, hooks, workers)
            others = [loop.create_task(self._beside(one, client)) for one in beside]
            until = order.pace.until
            if order.pace.closed and until is not None:
                loop.call_at((zero_ns + until * 1000) / 1e9, self._time_over)
            try:
                await crew.ready()
                feed.start(crew, loop, zero_ns, self._failed)
                crew.start()
                if self._reason == "interrupted":  # while the trace was opened
                    crew.stop()
                await self._wait(crew)
                crew.look(False)
            finally:
                feed.close()
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)
                await crew.close()
        if self._reason == "done" and not (feed.exhausted and self._ended == feed.given):
            self._reason = "duration"
        if self._error is not None:
            raise self._error
        self._whole = True
        return self._reason

    async def _wait(self, crew: Crew) -> None:
        """Until all has ended."""
        assert self._over is not None
        while not self._over.is_set():
            try:
                await asyncio.wait_for(self._over.wait(), LOOK_S)
            except TimeoutError:
                crew.look(self._feed is not None and not self._feed.over)

    def interrupt(self) -> None:
        """Stop sending and wait for what is under way; the second time, let it go."""
        if self._reason in ("interrupted", "failed"):
            self._let_go()
        else:
            self._reason = "interrupted"
            self._stop(self._order.drain_s)

    def _time_over(self) -> None:
        if self._reason == "done":
            self._stop(None)

    def _stop(self, drain_s: float | None) -> None:
        self._watch.stopping = True
        if self._feed is not None:
            self._feed.stop()
        if self._crew is not None:
            self._crew.stop()
        if drain_s is not None:
            asyncio.get_running_loop().call_later(drain_s, self._let_go)

    def _let_go(self) -> None:
        if self._crew is not None:
            self._crew.cancel()
        if self._over is not None:
            asyncio.get_running_loop().call_later(GONE_S, self._over.set)

    def _request_ended(self, outcome: Outcome) -> None:
        self._ended += 1
        self._watch.take(outcome)
        if not self._full:
            try:
                self._journal.add(outcome)
            except OSError as error:
                self._full = True
                self._failed(error)

    def _note(self, kind: str, about: dict[str, Any]) -> None:
        if not self._full:
            try:
                self._journal.note(kind, about)
            except OSError as error:
                self._full = True
                self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Something other than the server failed. Where a process died, the others may bring home what they have."""
        first, self._error = self._error is None, self._error or error
        self._reason = "failed"
        if isinstance(error, ChildProcessError) and first:
            self._stop(self._order.drain_s)
        else:
            self._stop(None)
            self._let_go()

    async def _beside(self, one: Beside, client: Client) -> None:
        try:
            await one(client)
        except Exception as error:
            self._failed(error)

    def end(self) -> None:
        """Say in the journal how it ended, whatever `go` raised. Nothing where the journal is what failed."""
        crew, feed = self._crew, self._feed
        about = {
            "reason": self._reason if self._whole else "failed",
            "processes": self._watch.processes,
            "late": self._watch.late,
            "forgotten": (0 if crew is None else crew.forgotten) + (0 if feed is None else feed.forgotten),
            "requests": self._ended,
            "sent": [] if crew is None else crew.sent,
        }
        if not self._full:
            try:
                self._journal.end(self._order.run, about)
            except OSError:
                if self._whole:  # else there is an error already, and this is no news
                    raise


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, interrupt: Callable[[], None]) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP go to the run while it lasts, unless ignored. Only the main thread has any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP"))
    before = {number: signal.getsignal(number) for number in known if number is not None}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
