"""How far a search for the capacity has come, for a display."""

from __future__ import annotations

from math import ceil, log, log2
from typing import NamedTuple

CLOSED_LOOPS = 2
"""Runs of a closed loop, about, before the bisection begins."""
BISECTIONS = 6
"""Runs that the bisection takes, about, before anything is known."""


class Stage(NamedTuple):
    """Before each run: what is known, and about how much is left."""

    made: int
    """Runs so far."""
    left: int
    """Runs still to be made, about, this one included."""
    seconds_left: float | None
    """About; None before the first run."""
    concurrency: int | None
    rate: float | None
    """Requests a second of the run that begins now; None of a closed loop."""
    seed: int
    low: float | None
    """The highest rate that passed with a seed so far."""
    high: float | None
    """The lowest that did not."""


def runs_left(low: float, high: float, step: float, seeds: int) -> int:
    """About how many runs are left, of a bracket from low to high that is halved until it is one step wide.

    seeds: those that the rate at its end is still to be held against.
    """
    width = log(max(high / low, 1.0)) / log(step)  # in steps
    return (ceil(log2(width)) if width > 1 else 0) + seeds
