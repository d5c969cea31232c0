"""What closed loops say of a server at its most, and whether an open loop has piled up more than that."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tco.replay.measure.verdict import LEAST_COMPLETED
from tco.replay.objective import Objective
from tco.replay.outcome import Outcomes
from tco.replay.results import Window

PLATEAU = 1.10
"""A throughput that four times the concurrency raises by less has reached its most."""
_BATCHES = 10
_STUDENT = 2.262
"""The 97.5 % point of Student's t with one degree of freedom less than there are batches."""
_PILED = 3.0
"""Times that a request takes in the closed loop that just fills the server: what lasts longer than that waits."""
_LAST = 10
"""One part in so many of a run: its last requests."""
_LAG = 1 - LEAST_COMPLETED
"""Of a run's time: a server that ends so little later than the last request is due has kept up over all."""


class Loop(NamedTuple):
    """A closed loop. Rates are requests that succeeded a second."""

    concurrency: int
    rate: float
    low: float
    """Bounds of the throughput, at 95 %, by batches of the run and Student's t."""
    high: float
    usual: float | None
    """Seconds that a request took, by the median."""


class Saturation(NamedTuple):
    """The most of several closed loops."""

    loop: Loop
    """The one of the highest throughput."""
    usual: float | None
    """Seconds that a request takes where the server is just full: in the smallest loop of about that throughput."""
    reached: bool
    """More concurrency raised the throughput no more. Otherwise the server may do better than any of the loops."""


def loop_of(outcomes: Outcomes, window: Window | None, concurrency: int, rate: float) -> Loop:
    """A closed loop in figures; without a steady window its throughput has no bounds but itself."""
    if window is None:
        return Loop(concurrency, rate, rate, rate, None)
    ends = outcomes.end[outcomes.ok & (outcomes.end > window.start) & (outcomes.end <= window.end)]
    counts, edges = np.histogram(ends, np.linspace(window.start, window.end, _BATCHES + 1))
    rates = counts / (edges[1] - edges[0])
    error = _STUDENT * float(rates.std(ddof=1)) / float(np.sqrt(_BATCHES))
    return Loop(concurrency, rate, max(rate - error, 0.0), rate + error, window.usual)


def saturation_of(loops: list[Loop]) -> Saturation:
    """Of loops of growing concurrency, one at least."""
    most = max(loops, key=lambda loop: loop.rate)
    before = max((loop.rate for loop in loops[:-1]), default=0.0)
    full = next(loop for loop in loops if loop.rate * PLATEAU >= most.rate)
    return Saturation(most, full.usual, loops[-1].rate <= PLATEAU * before)


def piled_up(outcomes: Outcomes, objectives: tuple[Objective, ...], usual: float | None) -> str | None:
    """In words, that the last requests of an open loop waited far longer than a full server lets them; None otherwise.

    A backlog that was built at once, before the steady part or early in it, shows no growth. Only where no objective
    bounds the wait: at an objective a queue may be as long as it allows.
    """
    if usual is None or any(objective.metric in ("ttft", "e2e") for objective in objectives):
        return None
    last = max(len(outcomes) // _LAST, 1)
    took = np.where(np.isnan(outcomes.end), np.inf, outcomes.end)[-last:] - outcomes.scheduled[-last:]
    median = float(np.median(took))
    if median <= max(_PILED * usual, _LAG * float(outcomes.scheduled[-1] - outcomes.scheduled[0])):
        return None
    return (
        f"requests had piled up: the last took {median:.3g} s from due to end, and {usual:.3g} s in a closed loop that"
        " fills the server"
    )
