"""One run in figures."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

from tco.replay.measure.latencies import Values, by_request, gaps_of_answers, met_alone, quantile
from tco.replay.measure.steady import window as steady_window
from tco.replay.measure.verdict import due_within, judge
from tco.replay.objective import Objective
from tco.replay.outcome import OK, Outcomes
from tco.replay.results import QUANTILES, Latency, Summary, Window

_SHARES = tuple(Fraction(str(q)) for q in QUANTILES)


def summary(outcomes: Outcomes, objectives: tuple[Objective, ...], *, gpus: int = 1, closed: bool = False) -> Summary:
    """One run in figures, and what it proves.

    Rates are those of the steady window, tokens counted with the requests that ended in it; where there is none, of the
    whole run from the first request due to the last end. `closed`: a closed loop, where what is offered is what is
    completed.
    """
    o = outcomes
    within = steady_window(o, closed)
    ends = o.end[~np.isnan(o.end)]
    seconds = float(ends.max() - o.scheduled[0]) if len(ends) else 0.0
    rates = _Rates(o, within, seconds)
    completed = rates.completed
    good = o.ok.copy()
    for objective in objectives:
        good &= met_alone(o, objective)
    chunks = int(o.chunks[o.ok].sum())
    return Summary(
        requests=len(o),
        succeeded=int(o.ok.sum()),
        failures=dict(Counter(s for s in o.status if s != OK).most_common()),
        seconds=seconds,
        offered_per_s=completed if closed else rates.offered,
        completed_per_s=completed,
        goodput_per_s=rates.good(good, closed),
        input_tokens_per_s=rates.of_ended(o.input_tokens),
        output_tokens_per_s=rates.of_ended(o.output_tokens),
        gpus=gpus,
        input_tokens=_mean(o.input_tokens[o.ok]),
        output_tokens=_mean(o.output_tokens[o.ok]),
        cached_tokens=_mean(o.cached_tokens[o.ok]),
        latencies=_latencies(o),
        tokens_per_chunk=float(np.nansum(o.output_tokens[o.ok])) / chunks if chunks else None,
        most_in_flight=_most_in_flight(o),
        window=within,
        verdict=judge(o, within, objectives, closed=closed),
    )


def latency(values: Values) -> Latency:
    """How the values that are known are distributed; nothing is 0 for want of one."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return Latency(0, None, (None,) * len(QUANTILES), None)
    return Latency(len(known), float(known.mean()), tuple(quantile(known, q) for q in _SHARES), float(known[-1]))


def _latencies(o: Outcomes) -> dict[str, Latency]:
    times = by_request(o)
    gaps, _ = gaps_of_answers(o)
    times = {**times, "itl": gaps}
    return {name: latency(times[name]) for name in ("ttft", "e2e", "tpot", "itl", "service", "lateness")}


class _Rates:
    """Counts by the seconds they fell in: those of the window, or of the whole run."""

    def __init__(self, outcomes: Outcomes, within: Window | None, seconds: float) -> None:
        self.outcomes = outcomes
        self.seconds = seconds if within is None else within.seconds
        o = outcomes
        self.due = due_within(o, within)
        self.ended = o.ok if within is None else o.ok & (o.end > within.start) & (o.end <= within.end)

    @property
    def offered(self) -> float | None:
        return self._rate(float(self.due.sum()))

    @property
    def completed(self) -> float | None:
        return self._rate(float(self.ended.sum()))

    def good(self, met: np.typing.NDArray[np.bool_], closed: bool) -> float | None:
        """Of those due in the window; of a closed loop, of those that ended in it."""
        return self._rate(float((met & (self.ended if closed else self.due)).sum()))

    def of_ended(self, tokens: Values) -> float | None:
        known = tokens[self.ended]
        return self._rate(float(np.nansum(known))) if len(known) and not np.isnan(known).all() else None

    def _rate(self, count: float) -> float | None:
        return count / self.seconds if self.seconds > 0 else None


def _mean(values: Values) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _most_in_flight(o: Outcomes) -> int:
    """The most requests sent and not ended at one moment; one that ends as another is sent makes room for it."""
    was_sent = ~np.isnan(o.sent)
    sent = np.sort(o.sent[was_sent])
    ended = np.sort(o.end[was_sent & ~np.isnan(o.end)])
    if not len(sent):
        return 0
    return int((np.arange(1, len(sent) + 1) - np.searchsorted(ended, sent, side="right")).max())
