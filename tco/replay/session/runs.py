"""One run from its beginning to its end in the journal: caches emptied, counters read, requests sent, counters read."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple, Protocol

from tco.replay.http import server
from tco.replay.http.client import Client, ServerError
from tco.replay.http.metrics import Metrics
from tco.replay.http.target import Target
from tco.replay.load.pace import Pace
from tco.replay.load.run import Ended, Order, replay, resumed
from tco.replay.load.source import Source
from tco.replay.load.watch import Watch
from tco.replay.record.header import Header
from tco.replay.record.journal import GONE, Journal, RecordedRun
from tco.replay.session import sampler
from tco.replay.session.power import Gpus

SETTLED_S = 3.0
"""How long the server's counters are waited for after a run: they follow the last answer."""
_AGAIN_S = 0.1
ANSWER_S = 10.0
"""How long an answer about the server itself may take."""
TOKEN_IDS = (1000, 4000)
"""Token ids of synthetic prompts: plain ones in every vocabulary that is in use."""


class Display(Protocol):
    """What shows a session while it lasts."""

    def follow(self, watch: Watch, about: str) -> None:
        """Show this run, by its counters."""

    def rest(self) -> None:
        """It is over."""

    def say(self, text: str) -> None:
        """A line that stays."""


class Gone(Exception):
    """The server no longer answers."""


class Step(NamedTuple):
    """What makes a run of a search another one."""

    run: int
    speedup: float | None
    concurrency: int | None
    seed: int
    title: str
    """For the display."""


class Maker:
    """Makes the runs of one session."""

    def __init__(self, header: Header, journal: Journal, target: Target, gpus: Gpus | None, display: Display) -> None:
        self._header, self._journal, self._target, self._gpus, self._display = header, journal, target, gpus, display
        self._needed = 1
        """Client processes that the last run needed: the next one begins with them, or it would begin late."""

    def make(self, step: Step, going_on: RecordedRun | None = None) -> Ended:
        """One run. going_on: what the journal has of it.

        Raises OSError where the disk is full, Gone where the server is no longer there.
        """
        header, journal = self._header, self._journal
        factor = None if step.speedup is None else header.factor(step.speedup, step.seed)
        asked = header.asked
        journal.begin(
            step.run,
            {
                "speedup": step.speedup,
                "factor": factor,
                "concurrency": step.concurrency,
                "seed": step.seed,
                "requests": header.trace.rows,
                "salt": salt(header, step),
            },
        )
        asyncio.run(self._before(going_on is None))
        order = Order(
            run=step.run,
            source=source_of(header, step.seed),
            pace=Pace.of(factor, step.concurrency, asked.duration_s),
            target=self._target,
            model=header.server.model,
            salt=salt(header, step),
            block_tokens=header.trace.block_tokens,
            token_ids=TOKEN_IDS,
            processes=asked.processes,
            begin_with=self._needed,
            drain_s=asked.drain_s,
            timeout_s=asked.timeout_s,
        )
        if going_on is not None:
            order = resumed(order, going_on)
        watch = Watch(header.trace.rows - len(order.done), asked.duration_s)
        beside = []
        if header.server.metrics:
            beside.append(sampler.load(journal.note, watch, header.server.model))
        if self._gpus is not None:
            beside.append(sampler.power(journal.note, watch, self._gpus))
        self._display.follow(watch, step.title)
        try:
            ended = replay(order, journal, watch, beside)
            self._needed = ended.processes
        finally:
            self._display.rest()
        asyncio.run(self._after(step.run))
        return ended

    async def _before(self, fresh: bool) -> None:
        """Empty the cache, then read the counters. A run that goes on keeps what its first part left in the cache."""
        async with _client(self._target) as client:
            if fresh and self._header.server.resets and await server.reset_prefix_cache(client):
                self._journal.note("reset", {})
            found = await self._settled(client)
            if found is not None:
                self._journal.note("metrics", {"when": "before", **found.known()})

    async def _after(self, run: int) -> None:
        async with _client(self._target) as client:
            found = await self._settled(client)
            if found is not None:
                self._journal.note("metrics", {"when": "after", **found.known()})
            try:
                await server.models(client)
            except ServerError as problem:
                self._journal.note(GONE, {})
                self._journal.end(run, {"reason": GONE})  # it is not whole: what failed so says nothing of its rate
                raise Gone(f"{self._target.url}: {problem}") from None

    async def _settled(self, client: Client) -> Metrics | None:
        """The counters once two readings of them agree; the last one where they do not come to rest."""
        if not self._header.server.metrics:
            return None
        found = await server.metrics(client, self._header.server.model)
        until = time.monotonic() + SETTLED_S  # by the clock: a reading itself may take long
        while time.monotonic() < until:
            await asyncio.sleep(_AGAIN_S)
            again = await server.metrics(client, self._header.server.model)
            if again is None or (again == found and not again.running):
                return again
            found = again
        return found


def source_of(header: Header, seed: int) -> Source:
    """The rows of a run."""
    trace = header.trace
    return Source(
        trace.path,
        trace.format,
        trace.time_unit,
        seed if trace.spread is not None else None,
        first=header.part(seed).first,
        limit=trace.rows,
        longest=header.server.max_model_len,
    )


def salt(header: Header, step: Step) -> str:
    """Of a run's synthetic prompts: unlike that of any other run, so that no run finds them in a cache."""
    return f"{header.salt}-{step.run}"


def _client(target: Target) -> Client:
    return Client(target, timeout_s=ANSWER_S, first_byte_s=ANSWER_S)
