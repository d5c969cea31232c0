"""The steady part of a run: where the warm-up is over, and whether the server falls behind from there on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tco.replay.measure.trend import slope, upward
from tco.replay.outcome import Outcomes
from tco.replay.results import Window

Values = NDArray[np.float64]

FEWEST = 40
"""Requests: of fewer no steady part is looked for."""
_BINS = (20, 400)
"""Fewest and most intervals in which the warm-up is looked for: five requests each between these."""
_FILLING = 3
"""Of these intervals, with which any run begins."""
_LEVEL = 0.5
"""Requests: what differs by less than half of one is on one level."""
_SURGE = 2.0
"""Standard deviations of Poisson arrivals: requests that come faster at first than later, by more than that, are the
trace's own load and no warm-up."""
_QUICK = 0.1
"""Quantile of the first requests: so long one takes that hardly waits."""
_TREND_BINS = 20
"""Intervals over which a trend is tested: averages over them are much less alike from one to the next than
moments are, and what is left is corrected for."""


def window(outcomes: Outcomes, closed: bool = False) -> Window | None:
    """The part of a run that counts; None where there are too few requests to tell.

    It begins where the warm-up ends (`warm_up`), no sooner than the first requests take to be served: until then the
    server fills up. Where it is the arrivals that came faster at first, what they piled up is the trace's own load, and
    nothing but the filling is cut (`_surged`): no rate counts requests whose latencies do not count. It ends with the
    last request due (sent, in a closed loop), a mean gap later: what follows is run-down. In a closed loop, whose
    backlog is what the client makes it, throughput takes the place of backlog.

    Completions / arrivals is (arrivals − failed − growth) / arrivals, where growth is that of the trend line of what is
    behind (`_behind`): two moments at the edges would count requests that are merely under way.
    """
    o = outcomes
    if len(o) < FEWEST or o.scheduled[-1] <= o.scheduled[0]:
        return None
    return _closed(o) if closed else _open(o)


def _open(o: Outcomes) -> Window:
    due, ends = o.scheduled, np.sort(o.end[~np.isnan(o.end)])
    last = float(due[-1] + (due[-1] - due[0]) / (len(due) - 1))
    edges = np.linspace(due[0], last, _bins(len(o)) + 1)
    early = due <= due[0] + (last - due[0]) / 4
    usual = _usual(o, early)
    start = _start(edges, _mean_level(due, edges) - _mean_level(ends, edges), usual)
    if _surged(due, start, last):
        start = min(start, float(due[0]) + _quick(o, early))
    within = (due >= start) & (due <= last)
    done = o.ok & (o.end > start) & (o.end <= last)
    behind = _behind(o, start, last, usual)
    arrivals, failed = int(within.sum()), int((within & ~o.ok & (o.end <= last)).sum())  # later ones are in the growth
    growth = max(slope(behind), 0.0) * _TREND_BINS
    completed = (arrivals - failed - growth) / arrivals if arrivals else None
    return Window(start, last, arrivals, int(done.sum()), upward(behind), completed, usual)


def _closed(o: Outcomes) -> Window | None:
    sent = np.where(np.isnan(o.sent), o.scheduled, o.sent)
    edges = np.linspace(o.scheduled[0], sent.max(), _bins(len(o)) + 1)
    ends = np.sort(o.end[o.ok & (o.end > edges[0])])
    usual = _usual(o, np.ones(len(o), dtype=np.bool_))
    start = _start(edges, np.histogram(ends, edges)[0].astype(np.float64), usual)
    start, last = _between_lulls(ends, start, float(edges[-1]))
    if last <= start:
        return None
    trends = np.histogram(ends, np.linspace(start, last, _TREND_BINS + 1))[0]
    within = (sent > start) & (sent <= last)
    done = (ends > start) & (ends <= last)
    trend = upward(trends.astype(np.float64))
    return Window(start, last, int(within.sum()), int(done.sum()), trend, usual=usual)


def _usual(o: Outcomes, rows: NDArray[np.bool_]) -> float | None:
    """The median time from due to end; None where most never ended."""
    took = np.where(np.isnan(o.end), np.inf, o.end)[rows] - o.scheduled[rows]
    median = float(np.median(took)) if len(took) else np.inf
    return median if np.isfinite(median) else None


def _quick(o: Outcomes, rows: NDArray[np.bool_]) -> float:
    """How long a request took that hardly waited; 0 where hardly any ended."""
    took = np.where(np.isnan(o.end), np.inf, o.end)[rows] - o.scheduled[rows]
    quick = float(np.quantile(took, _QUICK, method="inverted_cdf"))
    return quick if np.isfinite(quick) else 0.0


def _surged(due: Values, start: float, last: float) -> bool:
    """Whether requests due before a moment came faster, for a while, than those after it, by more than chance.

    The largest excess over any stretch (Page, 1954) against the standard deviation of as many Poisson arrivals.
    """
    before = due[due < start]
    if not len(before) or start >= last:
        return False
    expected = (len(due) - len(before)) / (last - start) * (before - due[0])
    excess = np.arange(1, len(before) + 1) - expected
    least = np.minimum.accumulate(np.concatenate(([0.0], excess[:-1])))
    return bool((excess - least).max() > 1 + _SURGE * np.sqrt(expected[-1] + 1))


def _start(edges: Values, series: Values, usual: float | None) -> float:
    """Where the warm-up ends: with the interval in which the first requests are served, or later."""
    filled = int(np.searchsorted(edges, edges[0] + (usual or 0.0), side="right")) - 1
    filled = min(filled, len(series) // 2)
    return float(edges[max(warm_up(series, filled), filled)])


def _between_lulls(ends: Values, start: float, last: float) -> tuple[float, float]:
    """From one long pause between completions to another, near both edges: equal slots that were filled at one moment
    end together for long, and a window must not cut through such a group."""
    inside = np.flatnonzero((ends >= start) & (ends <= last))
    if len(inside) < _BINS[0]:
        return start, start
    pauses = np.diff(ends, append=ends[-1])[inside]
    some = max(len(inside) // 5, 1)
    first, final = int(np.argmax(pauses[:some])), len(inside) - some + int(np.argmax(pauses[-some:]))
    return float(ends[inside[first]]), float(ends[inside[final]])


def warm_up(series: Values, filled: int = 0) -> int:
    """How many averages from the start of a series belong to its warm-up.

    MSER-5 (White, Cobb and Spratt, 2000): the d that minimises the squared standard error of the mean of what is left,
    Σ_{i ≥ d} (y_i − mean)² / (n − d)². Where that is more than half, the run has no such point, and nothing is cut.

    A stall in mid-run is no warm-up, though the rest be calmer: the end is no later than where the series first comes
    within a standard deviation of what is left (after Fishman, 1973: where it crosses that mean), or back to it where
    it went beyond as the server filled up, `filled` averages long, which slow first requests do.
    """
    n = len(series)
    left = n - np.arange(n)
    total, squares = series[::-1].cumsum()[::-1], (series**2)[::-1].cumsum()[::-1]
    spread = np.maximum(squares - total**2 / left, 0.0)
    best = int(np.argmin((spread / left**2)[: n - n // 4]))
    if best > n // 2:
        return 0
    mean, deviation = total[best] / left[best], np.sqrt(spread[best] / left[best])
    off = series - mean
    below, above = off < -deviation - _LEVEL, off > deviation + _LEVEL
    reached = int(np.argmin(below[: best + 1])) if not below[: best + 1].all() else best
    beyond = np.flatnonzero(above[: filled + _FILLING])
    if len(beyond):
        back = np.flatnonzero(~above[beyond[0] :])
        reached = int(beyond[0] + back[0]) if len(back) else best
    return min(best, reached)


def _behind(o: Outcomes, start: float, last: float, usual: float | None) -> Values:
    """Requests that should have ended and have not, on average over each of `_TREND_BINS` intervals.

    Arrivals are counted later by what a request usually took at the beginning: what is under way for no longer is not
    behind, so that a trace whose rate goes up does not look like a server that falls back.
    """
    edges = np.linspace(start, last, _TREND_BINS + 1)
    ends = np.sort(o.end[~np.isnan(o.end)])
    return _mean_level(o.scheduled + (usual or 0.0), edges) - _mean_level(ends, edges)


def _mean_level(times: Values, edges: Values) -> Values:
    """How many of the sorted times have passed, on average over each interval between edges."""
    before = np.searchsorted(times, edges, side="right")
    sums = np.concatenate(([0.0], np.cumsum(times - times[0]))) if len(times) else np.zeros(1)
    origin = times[0] if len(times) else 0.0
    area = before * (edges - origin) - sums[before]
    return np.diff(area) / np.diff(edges)


def _bins(requests: int) -> int:
    return int(np.clip(requests // 5, *_BINS))
