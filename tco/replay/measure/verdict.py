"""Whether a run proves that a server sustains its rate at an objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tco.replay.measure.bound import fewest
from tco.replay.measure.latencies import by_request, judged, missed, quantile, whole_misses
from tco.replay.measure.steady import FEWEST
from tco.replay.objective import Objective
from tco.replay.outcome import CLIENT_LIMIT, Outcomes
from tco.replay.results import LATENESS_LIMIT, Misses, Verdict, Window

Rows = NDArray[np.bool_]

LEAST_COMPLETED = 0.98
"""Completions / arrivals: below it a server falls behind."""
TREND_LIMIT = 0.01
"""P-value below which a trend is one."""
LEAST_LATENCIES = 3
"""Times that a request usually takes: how long a steady window lasts at least."""
_CLEARLY = 6.0
"""Misses come in bunches, so that two standard errors of independent ones are not clear at all."""
_LATE = Fraction(99, 100)


def judge(
    outcomes: Outcomes, window: Window | None, objectives: tuple[Objective, ...], *, closed: bool = False
) -> Verdict:
    """What a run proves, by the requests due in its steady window.

    It passes only if every objective is proven (`bound`), the backlog has no upward trend, completions / arrivals are
    0.98 or more, the window is long beside a request, and the client kept up: where it did not, nothing is said about
    the server. Nor is it where this machine had no connection left, at any time: what it did not send then is load that
    the server did not get, and backlog that it has not later. Without an objective it is the maximum load that is
    judged: of `FEWEST` requests at least, on both sides of a pause that is most of the window, or no rate was held. A
    closed loop, which has no rate of its own, passes with its objectives, once its throughput rises no more and 0.98 of
    what it sent succeeded.
    """
    rows = due_within(outcomes, window, closed)
    held = tuple(_held(outcomes, objective, rows) for objective in objectives)
    limited = outcomes.status.count(CLIENT_LIMIT)
    if limited:
        words = f"this machine could open no connection for {_count(limited)}"
        words += ": allow more files (`ulimit -n`), or send fewer at a time"
        return Verdict(None, (words,), held)
    if window is None:
        words = f"only {_count(len(outcomes))}: too few to find a steady part"
        return Verdict(None, (words,), held)
    late = lateness(outcomes, rows)
    if late is not None and late > LATENESS_LIMIT:
        words = f"the client was late: {_ms(late)} at p99, where {_ms(LATENESS_LIMIT)} is the most"
        return Verdict(None, (words,), held)
    lulls = [] if objectives or closed else _lulls(outcomes.scheduled[rows], window)
    found = Verdict(None, (*_too_short(window), *lulls, *_unproven(held)), held)
    behind = _closed(outcomes, rows, window) if closed else falls_behind(window)
    failed = [*map(_missed, missed_outright(found)), *behind]
    if failed:
        return Verdict(False, tuple(failed), held)
    return found if found.reasons else found._replace(passed=True)


def due_within(outcomes: Outcomes, window: Window | None, closed: bool = False) -> Rows:
    """The requests due in a window, or sent in that of a closed loop; all of them where there is none."""
    if window is None:
        return np.ones(len(outcomes), dtype=np.bool_)
    if closed:
        sent = np.where(np.isnan(outcomes.sent), outcomes.scheduled, outcomes.sent)
        return (sent > window.start) & (sent <= window.end)
    return (outcomes.scheduled >= window.start) & (outcomes.scheduled <= window.end)


def too_short(window: Window | None) -> bool:
    """Whether a run is too short to say how it would go on: the first requests of any run find an idle server."""
    return window is None or (window.usual is not None and window.seconds < LEAST_LATENCIES * window.usual)


def kept_up(outcomes: Outcomes, window: Window | None) -> bool:
    """Whether the client sent all, no later than it may."""
    if CLIENT_LIMIT in outcomes.status:
        return False
    late = lateness(outcomes, due_within(outcomes, window))
    return late is None or late <= LATENESS_LIMIT


def lateness(outcomes: Outcomes, rows: Rows) -> float | None:
    """The client's p99 lateness in seconds, of some requests; None of none.

    What was due and stopped before it was sent is infinitely late: it must not vanish from the count. A connection that
    the server refused is not the client's lateness.
    """
    late = by_request(outcomes)["lateness"]
    unsent = np.array([status == "cancelled" for status in outcomes.status], dtype=np.bool_) & np.isnan(late)
    late = np.where(unsent, np.inf, late)[rows]
    p99 = quantile(late[~np.isnan(late)], _LATE)
    return None if p99 is None else round(p99, 6)  # whole microseconds, as a journal has them


def proves(
    offered_per_s: float,
    completed_per_s: float,
    percentiles: Mapping[str, float],
    objectives: tuple[Objective, ...] = (),
    *,
    requests: int | None = None,
) -> Verdict:
    """The same for a published row of figures: rates, and latencies in seconds by name (`ttft_p99`).

    A row says nothing of its requests under way at the end, so its rates are taken as they stand: good latencies of a
    run that completed less than was offered are those of a short run. A percentile says how many requests missed a
    limit at most, which proves one below it: the p99 of 500 requests within a limit is 5 misses at most, and proves the
    p95. Without the number of requests it proves nothing.
    """
    failed, unknown, held = [], [], []
    share = completed_per_s / offered_per_s
    if share < LEAST_COMPLETED:
        failed.append(f"completed {completed_per_s:.4g} of {offered_per_s:.4g} requests/s offered: {_below(share)}")
    for objective in objectives:
        value = percentiles.get(objective.name)
        row = dict(_percentiles_of(objective.metric, percentiles))
        above = {q: seconds for q, seconds in row.items() if q <= objective.share and seconds > objective.limit}
        within = [q for q, seconds in row.items() if q >= objective.share and seconds <= objective.limit]
        misses = int((requests or 0) * (1 - max(within, default=objective.share)))
        held.append(Misses(objective, requests or 0, misses, fewest(objective.share, misses), value))
        if above:
            q = max(above)
            failed.append(f"{objective.metric}_p{float(q * 100):g} was {_ms(above[q])}, where {objective} is asked for")
        elif not within:
            unknown.append(f"{objective} is not proven: the row has no {objective.name}")
        elif requests is None:
            unknown.append(f"{objective} is not proven: the row does not say of how many requests")
        elif requests < held[-1].needed:
            unknown.append(f"{objective} is not proven: up to {misses} of {requests} requests may have missed it")
    return Verdict(False if failed else None if unknown else True, tuple(failed or unknown), tuple(held))


def _percentiles_of(metric: str, percentiles: Mapping[str, float]) -> Iterator[tuple[Fraction, float]]:
    for name, seconds in percentiles.items():
        of, _, percent = name.rpartition("_p")
        if of == metric:
            yield Fraction(percent) / 100, seconds


def missed_outright(verdict: Verdict) -> tuple[Misses, ...]:
    """The objectives that more requests missed than may."""
    return tuple(m for m in verdict.objectives if m.misses > (1 - m.objective.share) * m.requests)


def clearly_missed(verdict: Verdict) -> bool:
    """Whether more requests missed an objective than may by `_CLEARLY` times the standard error of independent ones."""
    excess = ((m, m.misses - float(1 - m.objective.share) * m.requests) for m in verdict.objectives)
    return any(
        over > _CLEARLY * sqrt(m.requests * float(m.objective.share * (1 - m.objective.share))) for m, over in excess
    )


def _held(outcomes: Outcomes, objective: Objective, rows: Rows) -> Misses:
    misses = whole_misses(missed(outcomes, objective)[rows])
    value = judged(outcomes, objective, rows)
    return Misses(objective, int(rows.sum()), misses, fewest(objective.share, misses), value)


def _missed(m: Misses) -> str:
    return (
        f"{m.misses} of {m.requests} requests ({m.misses / m.requests:.2%}) missed {m.objective},"
        f" which {float(1 - m.objective.share) * 100:.4g}% of them may"
    )


def _too_short(window: Window) -> list[str]:
    if not too_short(window):
        return []
    words = f"the steady part lasted {_ms(window.seconds)}, where requests took {_ms(window.usual or 0.0)}"
    return [f"{words}: a rate is held for {LEAST_LATENCIES} times that at least"]


def _unproven(held: tuple[Misses, ...]) -> list[str]:
    return [
        f"{m.objective} is not proven: with {_misses(m.misses)} that takes {_count(m.needed)} in the steady window,"
        f" which had {m.requests}"
        for m in held
        if m.requests < m.needed
    ]


def falls_behind(window: Window) -> list[str]:
    """In words, how a server in an open loop falls behind; empty where it does not."""
    words = []
    if window.completed is not None and window.completed < LEAST_COMPLETED:
        words.append(f"the server fell behind: completions / arrivals {_below(window.completed)}")
    if window.trend is not None and window.trend < TREND_LIMIT:
        words.append(f"the backlog grew: an upward trend at p = {window.trend:.2g} (Mann-Kendall)")
    return words


def _closed(outcomes: Outcomes, rows: Rows, window: Window) -> list[str]:
    """The same of a closed loop. What was stopped as the run ended neither succeeded nor failed."""
    words = []
    ended = rows & np.array([status != "cancelled" for status in outcomes.status], dtype=np.bool_)
    sent, succeeded = int(ended.sum()), int((ended & outcomes.ok).sum())
    if succeeded < LEAST_COMPLETED * sent:
        words.append(f"{sent - succeeded} of {_count(sent)} failed: succeeded / sent {_below(succeeded / sent)}")
    if window.trend is not None and window.trend < TREND_LIMIT:
        words.append(f"the throughput was still rising: an upward trend at p = {window.trend:.2g} (Mann-Kendall)")
    return words


def _lulls(due: NDArray[np.float64], window: Window) -> list[str]:
    """In words, that so few requests at such times hold no rate; empty where they do."""
    if len(due) < FEWEST:
        return [f"the steady part had {_count(len(due))}, and {FEWEST} are the fewest that hold a rate"]
    before = int(np.argmax(np.diff(due))) + 1
    pause, least = float(due[before] - due[before - 1]), min(before, len(due) - before)
    if pause > window.seconds / 2 and least < FEWEST:
        words = f"one pause of {_ms(pause)} is most of the steady part, with {_count(least)} on one side of it"
        return [f"{words}: no rate was held"]
    return []


def _below(share: float) -> str:
    return f"{share:.3f} < {LEAST_COMPLETED}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.4g} ms" if seconds < 1 else f"{seconds:.4g} s"


def _count(requests: int) -> str:
    return f"{requests} request{'' if requests == 1 else 's'}"


def _misses(count: int) -> str:
    return f"{count} miss{'' if count == 1 else 'es'}"
