"""Simulated servers for tests: queues whose waiting time and capacity are known, as the outcomes of a run.

Times are seconds; nothing sleeps. A request's first token comes when a server takes it up, its last when it is served:
so the time to first token is the wait, whose mean at a single server of constant service is known.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tco.replay.outcome import OK, Outcomes

Times = NDArray[np.float64]


class Server(NamedTuple):
    """First come, first served, by `slots` equal servers."""

    service: float
    """Seconds that one request holds a slot."""
    slots: int = 1
    slow_first: int = 0
    """Requests after a start that take five times as long."""
    stalls: tuple[tuple[float, float], ...] = ()
    """(from, seconds): nobody is taken up or ends meanwhile, and what is under way ends so much later."""

    @property
    def capacity(self) -> float:
        """Requests a second."""
        return self.slots / self.service


def poisson(rate: float, count: int, rng: np.random.Generator) -> Times:
    """Arrivals, the first at 0."""
    return np.concatenate(([0.0], np.cumsum(rng.exponential(1 / rate, count - 1))))


def mean_wait(rate: float, service: float) -> float:
    """Mean wait in an M/D/1 queue, ρS / (2(1 − ρ)): Pollaczek (1930) and Khinchine (1932)."""
    load = rate * service
    return load * service / (2 * (1 - load))


def served(server: Server, arrivals: Times, hold: Times | None = None) -> tuple[Times, Times]:
    """When each request is taken up and when it is done; `hold` is how long each takes, else the server's own."""
    count, slots = len(arrivals), server.slots
    if hold is None and not server.slow_first:  # constant service: every slot takes each `slots`-th request
        taken = np.empty(count)
        for slot in range(min(slots, count)):
            due = arrivals[slot::slots]
            held = server.service * np.arange(len(due))
            taken[slot::slots] = held + np.maximum.accumulate(due - held)
        done = taken + server.service
    else:
        hold = np.full(count, server.service) if hold is None else hold.copy()
        hold[: server.slow_first] *= 5
        free = [0.0] * slots
        taken = np.empty(count)
        for i, due in enumerate(arrivals):
            taken[i] = max(due, free[0])
            heapq.heapreplace(free, taken[i] + hold[i])
        done = taken + hold
    return stalled(server, arrivals, taken, done) if server.stalls else (taken, done)


def stalled(server: Server, arrivals: Times, taken: Times, done: Times) -> tuple[Times, Times]:
    """The same with a server that stands still at times: its own clock stops, those of the clients do not."""
    holes = sorted(server.stalls)

    def own(time: Times) -> Times:  # seconds worked until then
        return time - sum((np.clip(time - start, 0, length) for start, length in holes), np.zeros(len(time)))

    def shown(worked: Times) -> Times:  # the moment at which so much is done
        time = worked.copy()
        for start, length in holes:
            time += np.where(time >= start, length, 0.0)
        return time

    calm = Server(server.service, server.slots, server.slow_first)
    begun, ended = served(calm, own(arrivals), done - taken)
    return np.maximum(shown(begun), arrivals), shown(ended)


def closed(server: Server, concurrency: int, count: int, *, uneven: float = 0.0) -> Outcomes:
    """A closed loop: each of `concurrency` clients sends its next request when its last one is done.

    uneven: how much longer or shorter than the server's own a request takes at most, as a share.
    """
    holds = server.service * (1 + np.random.default_rng(0).uniform(-uneven, uneven, count))
    holds[: server.slow_first] *= 5
    clients = [0.0] * concurrency
    free = [0.0] * server.slots
    sent, taken, done = np.empty(count), np.empty(count), np.empty(count)
    for i in range(count):
        sent[i] = clients[0]
        taken[i] = max(sent[i], free[0])
        done[i] = taken[i] + holds[i]
        heapq.heapreplace(free, done[i])
        heapq.heapreplace(clients, done[i])
    return outcomes(sent, taken, done)


def outcomes(
    scheduled: Times,
    first: Times,
    end: Times,
    *,
    sent: Times | None = None,
    ok: NDArray[np.bool_] | None = None,
    output_tokens: int = 2,
) -> Outcomes:
    """What a client would have written down of requests of `output_tokens` tokens, one a chunk."""
    count = len(scheduled)
    good = np.ones(count, dtype=np.bool_) if ok is None else ok
    gap = (end - first) / max(output_tokens - 1, 1)
    return Outcomes(
        index=np.arange(count, dtype=np.int64),
        scheduled=scheduled,
        sent=scheduled if sent is None else sent,
        first=first,
        last=end if output_tokens > 1 else first,
        end=end,
        input_tokens=np.full(count, 100.0),
        output_tokens=np.full(count, float(output_tokens)),
        cached_tokens=np.full(count, np.nan),
        ok=good,
        status=tuple(OK if g else "reset" for g in good),
        chunks=np.full(count, output_tokens, dtype=np.int64),
        gaps=np.repeat(gap, output_tokens - 1),
    )


def replayed(server: Server, rate: float, count: int, seed: int) -> Outcomes:
    """An open loop of Poisson arrivals."""
    arrivals = poisson(rate, count, np.random.default_rng(seed))
    return outcomes(arrivals, *served(server, arrivals))
