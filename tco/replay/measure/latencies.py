"""The latencies of each request, and which of them miss an objective."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from tco.replay.objective import Objective
from tco.replay.outcome import Outcomes

Values = NDArray[np.float64]
_SLACK = 1e-9
"""Of a request: what a sum of shares in floats may be off by."""


def by_request(outcomes: Outcomes) -> dict[str, Values]:
    """Seconds of each request, by metric; NaN where it has none. A failed request has no latency but its lateness.

    Time to first token and end-to-end latency count from when a request was *due*; `service` is the time to first token
    from when it was sent, `lateness` what lies between. Time per output token is
    (last − first) / (output tokens − 1), tokens as the server counts them; an answer of one token has none.
    """
    o = outcomes
    tpot = np.full(len(o), np.nan)
    several = o.output_tokens > 1
    tpot[several] = (o.last - o.first)[several] / (o.output_tokens[several] - 1)
    answered = {
        "ttft": o.first - o.scheduled,
        "e2e": o.last - o.scheduled,
        "tpot": tpot,
        "service": o.first - o.sent,
    }
    times = {name: np.where(o.ok, seconds, np.nan) for name, seconds in answered.items()}
    return {**times, "lateness": o.sent - o.scheduled}


def gaps_of_answers(outcomes: Outcomes) -> tuple[Values, NDArray[np.int64]]:
    """Seconds between the chunks of all that were answered, and the row that each belongs to."""
    rows = np.repeat(np.arange(len(outcomes)), np.maximum(outcomes.chunks - 1, 0))
    answered = outcomes.ok[rows]
    return outcomes.gaps[answered], rows[answered]


def quantile(values: Values, share: Fraction) -> float | None:
    """The least value that at least `share` of the values do not exceed; None of no values.

    The nearest rank, upward and without interpolation (type 1 of Hyndman and Fan, 1996): it is within a limit exactly
    where no more than 1 − share of the values exceed it. Values must have no NaN.
    """
    if not len(values):
        return None
    rank = max(ceil(share * len(values)), 1) - 1
    return float(np.partition(values, rank)[rank])


def missed(outcomes: Outcomes, objective: Objective) -> Values:
    """How far each request missed an objective: 0 where it met it, 1 where it missed it or failed.

    An answer of one token meets every objective on the time between tokens. For `itl` it is the share of the request's
    own gaps above the limit: so each request is one observation however long its answer, and with answers of one length
    the sum is the percentile over all gaps that is usual. A value between 0 and 1 varies less than a miss or none with
    the same mean, so that the binomial bound is on the safe side.

    Compared in whole microseconds, which is what a journal has: exactly at the limit is within it.
    """
    o, limit = outcomes, float(objective.limit * 10**6)
    if objective.metric == "itl":
        gaps, rows = gaps_of_answers(o)
        over = np.bincount(rows, weights=np.rint(gaps * 1e6) > limit, minlength=len(o))
        share = over / np.maximum(o.chunks - 1, 1)
        return np.where(o.ok, share, 1.0)
    if objective.metric == "tpot":
        met = (o.output_tokens <= 1) | (_us(o.last, o.first) <= limit * (o.output_tokens - 1))
    else:
        met = _us(o.first if objective.metric == "ttft" else o.last, o.scheduled) <= limit
    return np.where(o.ok & met, 0.0, 1.0)


def whole_misses(shares: Values) -> int:
    """The misses of requests, upward to a whole one."""
    return ceil(float(shares.sum()) - _SLACK * max(len(shares), 1))


def met_alone(outcomes: Outcomes, objective: Objective) -> NDArray[np.bool_]:
    """Whether each request meets an objective for itself; of `itl`, whether the objective's share of its gaps do."""
    allowed = float(1 - objective.share) + _SLACK if objective.metric == "itl" else 0.0
    return missed(outcomes, objective) <= allowed


def judged(outcomes: Outcomes, objective: Objective, rows: NDArray[np.bool_]) -> float | None:
    """The percentile that an objective is about, of some requests: a failed one as infinitely late. None of none.

    An answer of one token counts as 0 between tokens.
    """
    if objective.metric == "itl":
        return _judged_gaps(outcomes, objective.share, rows)
    values = by_request(outcomes)[objective.metric]
    if objective.metric == "tpot":
        values = np.where(outcomes.ok & (outcomes.output_tokens <= 1), 0.0, values)
    return quantile(np.where(np.isnan(values), np.inf, values)[rows], objective.share)


def _judged_gaps(outcomes: Outcomes, share: Fraction, rows: NDArray[np.bool_]) -> float | None:
    """Over all gaps, those of one request weighing together as much as those of another."""
    if not rows.any():
        return None
    gaps, owner = gaps_of_answers(outcomes)
    here = rows[owner]
    gaps, owner = gaps[here], owner[here]
    without = np.where(outcomes.ok, 0.0, np.inf)[rows & (~outcomes.ok | (outcomes.chunks < 2))]
    values = np.concatenate((gaps, without))
    weights = np.concatenate((1.0 / np.maximum(outcomes.chunks - 1, 1)[owner], np.ones(len(without))))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = float(share) * int(rows.sum()) - _SLACK * len(values)
    return float(values[order][min(int(np.searchsorted(reached, wanted)), len(values) - 1)])


def _us(later: Values, earlier: Values) -> Values:
    return np.rint((later - earlier) * 1e6)
