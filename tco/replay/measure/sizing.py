"""How many requests a run of a search needs, so that what passes is proven."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from tco.replay.measure.bound import fewest
from tco.replay.objective import Objective
from tco.replay.record.header import TraceFacts

MISSES = 5
"""Misses that a run is to bear: near the capacity there are some, and a run that bears none finds too little."""
CROPPED = 0.4
"""Share of a run that may count as warm-up and run-down."""
WITHOUT_OBJECTIVE = 400
"""Requests of a run at maximum load: enough for a steady window."""

_LOWER = (Fraction("0.99"), Fraction("0.95"), Fraction("0.9"), Fraction("0.75"), Fraction("0.5"))
"""Percentiles that are proposed in place of one that a trace is too short for."""
_TIED = 0.1
"""Share of requests that come with the one before: more of them make a queue at any rate."""


def rows_of_a_run(objectives: tuple[Objective, ...]) -> int:
    """The fewest requests that prove each objective with a few misses, and what is cropped besides."""
    proving = max((fewest(o.share, MISSES) for o in objectives), default=0)
    return max(ceil(proving / (1 - CROPPED)), WITHOUT_OBJECTIVE)


def too_few(objectives: tuple[Objective, ...], requests: int) -> str:
    """Why runs of so many requests prove nothing, even without a miss; empty where they may."""
    most = max(objectives, key=lambda o: fewest(o.share, 0), default=None)
    if most is None or requests >= fewest(most.share, 0):
        return ""
    needed = fewest(most.share, 0)
    return f"{requests:,} {_requests(requests)} prove no {most.name}: {needed:,} without a miss are the fewest that do"


def no_miss(objectives: tuple[Objective, ...], requests: int) -> str:
    """A warning where runs of so many requests bear no miss; empty where they bear one."""
    most = max(objectives, key=lambda o: fewest(o.share, 1), default=None)
    if most is None or requests >= fewest(most.share, 1):
        return ""
    lower = next((s for s in _LOWER if s < most.share and fewest(s, 1) <= requests), None)
    instead = f"`{most._replace(share=lower).name}` or a longer trace" if lower is not None else "a longer trace"
    return f"a run of {requests:,} {_requests(requests)} proves {most.name} only without a single miss: use {instead}"


def _requests(number: int) -> str:
    return "request" if number == 1 else "requests"


def in_words(objectives: tuple[Objective, ...], trace: TraceFacts, seeds: int = 1) -> str:
    """How many requests a run sends, and why, for the user before a search begins."""
    needed = [f"{o.name} is proven by {fewest(o.share, 0):,} requests without a miss" for o in objectives]
    why = f": {', '.join(needed)}, by more with some" if needed else ", as fast as they are served"
    parts = f"; each of {len(trace.parts)} seeds has another part of the trace" if len(trace.parts) > 1 else ""
    if seeds > 1 and len(trace.parts) == 1:
        parts = "; all seeds replay the same rows, for the trace has no more"
    warnings = "".join(f"; {text}" for text in (no_miss(objectives, trace.rows), ties(trace)) if text)
    return f"each run sends {trace.rows:,} requests{why}{parts}{warnings}"


def ties(trace: TraceFacts) -> str:
    """A warning where so many requests are due at one moment that a search stumbles over them; empty where not."""
    if trace.tied <= _TIED * trace.rows:
        return ""
    remedy = "" if trace.spread is not None else ": `--spread` parts those within one tick of its clock"
    tied = f"{trace.tied:,} of {trace.rows:,} requests are due at the moment of the one before"
    return f"{tied}, which no speed-up parts{remedy}"
