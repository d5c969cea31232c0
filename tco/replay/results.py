"""What a replay found, as records: made by `measures`, `verdict` and `search`, read by the profile and by reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tco.replay.objective import Objective

QUANTILES = (0.5, 0.9, 0.95, 0.99)
"""The percentiles of every latency that a summary has."""
LATENESS_LIMIT = 0.010
"""Seconds: above it at the 99th percentile the client, not the server, was measured."""


class Latency(NamedTuple):
    """How one latency was distributed over the requests that have it. None where none has."""

    count: int  # type: ignore[assignment]  # `tuple.count` is not used
    mean: float | None
    quantiles: tuple[float | None, ...]
    """Seconds, at each of `QUANTILES`."""
    longest: float | None


class Window(NamedTuple):
    """The part of a run that counts: warm-up and run-down cropped."""

    start: float
    """Seconds since the run's zero."""
    end: float
    arrivals: int
    """Requests scheduled within it: the ones that are judged."""
    completions: int
    """Successful ends within it."""
    trend: float | None
    """P-value, one-sided, of an upward trend in the backlog (Mann-Kendall), or in the throughput of a closed loop,
    which then has not reached its most; None where there is too little to tell."""
    completed: float | None = None
    """Completions / arrivals, which an overloaded server has below 1: a failed request is none, and what is merely
    under way at the edges is none missing. None of a closed loop."""
    usual: float | None = None
    """Seconds that a request took from due to end at the beginning, by the median: a window not much longer than that
    says nothing of what goes on. None where most never ended."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


class Misses(NamedTuple):
    """An objective held against the requests of a window."""

    objective: Objective
    requests: int
    misses: int
    """Failed requests among them."""
    needed: int
    """The fewest requests with so many misses that prove the objective at 99 % confidence."""
    value: float | None
    """Seconds: the percentile itself, infinite where it falls on a failed request; None where there is no request."""


class Verdict(NamedTuple):
    """Whether a run proves that the server sustains its rate."""

    passed: bool | None
    """None: inconclusive, as where the client did not keep up or there are too few requests."""
    reasons: tuple[str, ...]
    """What failed, or why nothing can be said, each in words; empty where it passed."""
    objectives: tuple[Misses, ...]


class Summary(NamedTuple):
    """One run in figures."""

    requests: int
    succeeded: int
    failures: dict[str, int]
    """By status, the commonest first."""
    seconds: float
    """From the first request due to the last end."""
    offered_per_s: float | None
    """Requests due a second in the window; the saturated rate where the loop is closed."""
    completed_per_s: float | None
    goodput_per_s: float | None
    """Requests that met every objective, by wall time; of those due in the window."""
    input_tokens_per_s: float | None
    output_tokens_per_s: float | None
    gpus: int
    """What a figure per GPU divides by."""
    input_tokens: float | None
    """Mean of a successful request, as the server counts."""
    output_tokens: float | None
    cached_tokens: float | None
    """Mean cached tokens of a request; None where the server does not say."""
    latencies: dict[str, Latency]
    """Of the whole run, warm-up included, so that nothing cropped is hidden; what is judged is in `verdict`.
    `ttft`, `e2e`, `tpot`, `itl`, and `service` (first token from when it was sent) and `lateness`."""
    tokens_per_chunk: float | None
    """Above 1 the gaps between chunks are not gaps between tokens."""
    most_in_flight: int
    window: Window | None
    verdict: Verdict


class Probe(NamedTuple):
    """A run of the search for the capacity."""

    run: int
    """Its number in the journal."""
    seed: int
    speedup: float | None
    """None for the closed loop that begins the search."""
    concurrency: int | None
    rate: float
    """Requests a second offered over all of the replayed trace."""
    summary: Summary


class Capacity(NamedTuple):
    """The highest rate that every seed proves, and how well it is known."""

    rate: float
    """Requests a second of one replica: the least that a seed was offered over all of its run, or over the steady part
    of it, and no more than a closed loop says that the server can do."""
    low: float
    """Bounds of the 95 % interval."""
    high: float
    speedup: float
    failed_at: float | None
    """The lowest rate above it at which a seed failed, not merely proved nothing; None where none did."""
    seeds: tuple[int, ...]
    probes: tuple[Probe, ...]
    """Every run, in the order they were made."""
    summary: Summary
    """At the capacity: the seed that came nearest to missing an objective, its tokens a request the mean of all."""
    notes: tuple[str, ...] = ()
    """What must be said beside it, each in words: that it is a lower bound, or that a seed passed above a failure."""
    lower_bound: bool = False
    """What stopped the search was not the server: nobody knows how much more there is."""

    @property
    def shown(self) -> Probe | None:
        """The run that latencies, pictures and the server's counts are shown of: the worst of the seeds that proved the
        rate. None where the journal has none of them."""
        proved = {p.seed: p for p in self.probes if p.speedup == self.speedup and p.summary.verdict.passed}
        return worst(list(proved.values())) if proved else None


def worst(runs: Sequence[Probe]) -> Probe:
    """The run whose percentile takes up most of an objective's limit; without objectives, or where they are alike, the
    one with the least completed requests a second."""

    def nearness(p: Probe) -> tuple[float, float]:
        shares = [m.value / float(m.objective.limit) for m in p.summary.verdict.objectives if m.value is not None]
        return max(shares, default=0.0), -(p.summary.completed_per_s or 0.0)

    return max(runs, key=nearness)


class NoCapacity(NamedTuple):
    """No rate could be proven, and why."""

    reason: str
    inconclusive: bool
    """The client or the trace is at fault, not the server."""
    probes: tuple[Probe, ...]
