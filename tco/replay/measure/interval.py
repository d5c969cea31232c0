"""How well a capacity is known: a 95 % interval from all runs of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tco.replay.measure.latencies import missed
from tco.replay.measure.verdict import due_within, falls_behind
from tco.replay.objective import Objective
from tco.replay.outcome import Outcomes
from tco.replay.results import Window

Values = NDArray[np.float64]

_BATCHES = 10
"""Pieces of a run, one after the other."""
_JOINED = (1, 2, 5)
"""So many batches taken as one, for misses that come in bunches of any length."""
_JUMP = 3.0
"""Log-odds: where the misses rise by more from one rate to the next, nothing says where they did."""
_DRAWS = 4000
_ENDS = (0.025, 0.975)


class Score(NamedTuple):
    """What a run says of the misses at its rate."""

    speedup: float
    requests: Values
    """In each of the run's batches."""
    misses: Values
    """(objectives, batches)."""
    steady: bool
    """The server did not fall behind."""


def score(outcomes: Outcomes, window: Window, objectives: tuple[Objective, ...], speedup: float) -> Score:
    """The misses of each objective among the requests due in the window, in batches of the same number."""
    rows = np.flatnonzero(due_within(outcomes, window))
    starts = np.linspace(0, len(rows), min(_BATCHES, len(rows)) + 1).astype(np.int64)[:-1]
    shares = [np.add.reduceat(missed(outcomes, objective)[rows], starts) for objective in objectives]
    requests = np.diff(np.append(starts, len(rows))).astype(np.float64)
    return Score(speedup, requests, np.array(shares), not falls_behind(window))


def interval(
    scores: Sequence[Score],
    objectives: tuple[Objective, ...],
    *,
    proven: float,
    ceiling: float,
    floor: float | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Bounds of the speed-up at which the allowed share of requests misses its objective, at 95 %.

    The miss share at each rate is drawn from the posterior of Jeffreys (Brown, Cai and DasGupta, 2001), the requests
    divided by the design effect of their batches (Kish, 1965), for misses come in bunches. Each draw is made to rise
    with the rate (isotonic regression: Barlow et al., 1972) and crosses the allowed share between two rates, on a scale
    of log-odds against the logarithm of the rate, or anywhere between them where the misses jump; with several
    objectives, the first to be crossed. Where the runs say nothing of the misses, as where the server fell behind with
    none, a draw ends at `ceiling`. Without an objective there is nothing to draw: it goes from `floor`, what the server
    was seen to serve, to there. The interval holds `proven`. Rates are speed-ups of one trace.
    """
    if not objectives or not scores:
        return min(proven, proven if floor is None else floor), max(proven, ceiling)
    rng = np.random.default_rng(seed)
    rates = np.array(sorted({s.speedup for s in scores}))
    crossings = np.full(_DRAWS, ceiling)
    for k, objective in enumerate(objectives):
        effect = _design_effect(scores, k)
        pooled = [[s for s in scores if s.speedup == r] for r in rates]
        requests = np.array([sum(float(s.requests.sum()) for s in at) for at in pooled]) / effect
        misses = np.array([sum(float(s.misses[k].sum()) for s in at) for at in pooled]) / effect
        drawn = rng.beta(misses + 0.5, requests - misses + 0.5, (_DRAWS, len(rates)))
        allowed = float(1 - objective.share)
        crossed = _crossing(rates, _rising(drawn, requests), allowed, ceiling, rng.random(_DRAWS))
        crossings = np.minimum(crossings, crossed)
    low, high = np.quantile(crossings, _ENDS)
    return min(float(low), proven), max(float(high), proven)


def _design_effect(scores: Sequence[Score], objective: int) -> float:
    """How much more the misses of batches vary about those of their rate than independent ones would; at least 1.

    Where the server falls behind, misses only grow, which says nothing of how they come elsewhere.
    """
    largest = 1.0
    steady = [s for s in scores if s.steady]
    for joined in _JOINED:
        seen = expected = 0.0
        for rate in {s.speedup for s in steady}:
            at = [s for s in steady if s.speedup == rate]
            requests = np.concatenate([_joined(s.requests, joined) for s in at])
            misses = np.concatenate([_joined(s.misses[objective], joined) for s in at])
            share = misses.sum() / requests.sum()
            freedom = 1 - requests / requests.sum()  # the share is of the same batches
            seen += float(((misses - share * requests) ** 2).sum())
            expected += float((requests * share * (1 - share) * freedom).sum())
        largest = max(largest, seen / expected) if expected > 0 else largest
    return largest


def _joined(batches: Values, together: int) -> Values:
    return np.add.reduceat(batches, np.arange(0, len(batches), together))


def _rising(drawn: Values, weights: Values) -> Values:
    """The nearest shares of each draw that never fall with the rate: max over i ≤ k of min over j ≥ k of mean i..j."""
    n = drawn.shape[1]
    sums = np.concatenate((np.zeros((len(drawn), 1)), np.cumsum(drawn * weights, axis=1)), axis=1)
    total = np.concatenate(([0.0], np.cumsum(weights)))
    rising = np.empty_like(drawn)
    for k in range(n):
        least = [
            np.min([(sums[:, j + 1] - sums[:, i]) / (total[j + 1] - total[i]) for j in range(k, n)], axis=0)
            for i in range(k + 1)
        ]
        rising[:, k] = np.max(least, axis=0)
    return rising


def _crossing(rates: Values, shares: Values, allowed: float, ceiling: float, chance: Values) -> Values:
    """The rate at which each row of rising shares crosses the allowed one; past the ends, by the slope at that end.

    chance: of each row, from 0 to 1: where between two rates it crosses if the shares jump there.
    """
    odds = np.log(shares / (1 - shares)) - np.log(allowed / (1 - allowed))
    at = np.log(rates)
    if len(rates) == 1:
        return np.where(odds[:, 0] > 0, rates[0], ceiling)
    right = np.clip((odds <= 0).sum(axis=1), 1, len(rates) - 1)
    row = np.arange(len(shares))
    low, high = odds[row, right - 1], odds[row, right]
    rise = high - low
    part = np.where(rise > 0, -low / np.where(rise > 0, rise, 1.0), np.where(low > 0, 0.0, np.inf))
    part = np.where((low <= 0) & (high > 0) & (rise > _JUMP), chance, part)
    found = at[right - 1] + part * (at[right] - at[right - 1])
    crossed: Values = np.exp(np.clip(found, at[0] - np.log(2), np.log(ceiling)))
    return crossed
