"""What a trace holds, in figures: exact, from one pass and in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np

from tco.traffic.batch import SECOND, UNKNOWN, Batch, Ints
from tco.traffic.distinct import Distinct
from tco.traffic.prefixes import Prefixes
from tco.traffic.tally import Tally
from tco.traffic.trace import NotInOrderError, Trace

QUANTILES = (0.5, 0.9, 0.99)
MINUTE = 60 * SECOND
DAY_S = 86_400
MOST_MODELS = 1000
"""Models that are told apart; others are counted together."""


class Lengths(NamedTuple):
    """How long something was over the rows that say so."""

    known: int
    total: int
    counts: tuple[tuple[int, int], ...]
    """Each length and how many rows have it, ascending."""

    @property
    def mean(self) -> float | None:
        """None where no row says."""
        return self.total / self.known if self.known else None

    def quantile(self, share: float) -> int | None:
        """The least length that at least so large a share of the rows does not exceed (nearest rank)."""
        rank, below = ceil(share * self.known - 1e-9), 0
        for length, count in self.counts:
            below += count
            if below >= max(1, rank):
                return length
        return None

    @property
    def longest(self) -> int | None:
        """None where no row says."""
        return self.counts[-1][0] if self.counts else None


class Minute(NamedTuple):
    """What came within a minute; tokens that are not known count as none."""

    minute: int
    """From the first request on."""
    requests: int
    input_tokens: int
    output_tokens: int


class Arrivals(NamedTuple):
    """When requests came."""

    span_s: float
    """From the first to the last."""
    per_s: float | None
    """Mean rate: requests after the first, by the span. None where the span is nothing."""
    minutes: tuple[Minute, ...]
    """Those with requests."""
    peak: Minute
    gap_cv: float | None
    """Standard deviation of the times between requests over their mean: 1 for a Poisson process."""
    dispersion: float | None
    """Variance of the requests of a whole minute over their mean: 1 for a Poisson process. None below two minutes."""
    tied: int
    """Requests that share their time stamp with another."""
    most_on_a_stamp: int


class Sessions(NamedTuple):
    """Conversations of several requests."""

    sessions: int
    turns: Lengths
    """Requests of a session, over the sessions."""
    without: int
    """Requests that have none."""
    waiting: int
    """Requests that wait for an earlier one."""


class Statistics(NamedTuple):
    """A trace in figures."""

    tally: Tally
    input_tokens: Lengths
    output_tokens: Lengths
    arrivals: Arrivals | None
    """None where the log has no times."""
    tokens_per_day: float | None
    """Input and output at the mean rate; None where any of it is not known."""
    prefix_served: int | None
    """Input tokens that a prefix cache without bounds would serve; None where prompts are not known by blocks."""
    cached_tokens: Lengths | None
    """Input tokens that a cache did serve when it was recorded; None where the log does not say."""
    sessions: Sessions | None
    models: dict[str, int]
    """Requests by model, the commonest first; empty where the log does not say."""
    prompts: int | None = None

    @property
    def hit_rate(self) -> float | None:
        """The share of all input tokens that a prefix cache without bounds would serve."""
        if self.prefix_served is None or not self.input_tokens.total:
            return None
        return self.prefix_served / self.input_tokens.total


def statistics(trace: Trace) -> Statistics:
    """The figures of a trace. Reads it once, and again where its rows turn out not to be in order. Raises `Faults`."""
    try:
        return _counted(trace, trace.batches(trusting=True))
    except NotInOrderError:
        return _counted(trace, trace.batches())


def _counted(trace: Trace, batches: Iterator[Batch]) -> Statistics:
    tokens, output, cached = _Counts(), _Counts(), _Counts()
    times = _Times()
    prefixes = None if trace.block_tokens is None else Prefixes(trace.block_tokens)
    names = Distinct(counted=True)
    models: dict[str, int] = {}
    with_session = waiting = 0
    says_cached = False
    for batch in batches:
        tokens.add(batch.input_tokens)
        output.add(batch.output_tokens)
        if batch.cached_tokens is not None:
            says_cached = True
            cached.add(batch.cached_tokens)
        if batch.at is not None:
            times.add(batch)
        if prefixes is not None:
            prefixes.add(batch)
        if batch.session is not None:
            named = [s for s in batch.session if s is not None]
            with_session += len(named)
            names.texts(named)
        if batch.after is not None:
            waiting += batch.rows - batch.after.count(None)
        if batch.model is not None:
            _count_models(models, batch.model)
    rows = trace.tally.kept
    arrivals = times.found() if trace.timed else None
    known = tokens.found(), output.found()
    all_known = all(lengths.known == rows for lengths in known)
    per_day = None
    if arrivals is not None and arrivals.per_s is not None and all_known:
        per_day = arrivals.per_s * DAY_S * sum(lengths.total for lengths in known) / rows
    sessions = None
    if with_session:
        turns = sorted(names.found().times.items())
        lengths = Lengths(sum(n for _, n in turns), sum(t * n for t, n in turns), tuple(turns))
        sessions = Sessions(lengths.known, lengths, rows - with_session, waiting)
    return Statistics(
        trace.tally,
        *known,
        arrivals,
        per_day,
        prefixes.served() if prefixes is not None and prefixes.blocks else None,
        cached.found() if says_cached else None,
        sessions,
        dict(sorted(models.items(), key=lambda item: (-item[1], item[0]))),
    )


def _count_models(models: dict[str, int], names: list[str | None]) -> None:
    for name in set(names):
        if name is not None:
            known = name if name in models or len(models) < MOST_MODELS else "other models"
            models[known] = models.get(known, 0) + names.count(name)


class _Counts:
    """How many rows have each length."""

    AT_ONCE = 1 << 16

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._waiting: list[Ints] = []
        self._size = 0

    def add(self, values: Ints) -> None:
        self._waiting.append(values)
        self._size += len(values)
        if self._size >= self.AT_ONCE:
            self._count()

    def _count(self) -> None:
        if self._waiting:
            lengths, counts = np.unique(np.concatenate(self._waiting), return_counts=True)
            self._waiting, self._size, mine = [], 0, self._counts
            for length, count in zip(lengths.tolist(), counts.tolist(), strict=True):
                mine[length] = mine.get(length, 0) + count

    def found(self) -> Lengths:
        self._count()
        self._counts.pop(UNKNOWN, None)
        counts = tuple(sorted(self._counts.items()))
        return Lengths(sum(n for _, n in counts), sum(length * n for length, n in counts), counts)


class _Times:
    """Arrivals, from times in order that count from the first."""

    def __init__(self) -> None:
        self._rows, self._squares, self._last = 0, 0.0, 0
        self._minutes: dict[int, tuple[int, int, int]] = {}
        self._on_stamp, self._tied, self._most = 0, 0, 0

    def add(self, batch: Batch) -> None:
        at = batch.at
        assert at is not None
        if not self._rows:
            self._last = int(at[0])
        gaps = np.diff(at, prepend=self._last) / SECOND
        self._squares += float(np.dot(gaps, gaps))
        minutes, starts = np.unique(at // MINUTE, return_index=True)
        ends = np.append(starts[1:], len(at))
        sums = [np.add.reduceat(np.maximum(c, 0), starts) for c in (batch.input_tokens, batch.output_tokens)]
        found = zip(minutes.tolist(), (ends - starts).tolist(), *(s.tolist() for s in sums), strict=True)
        for minute, *more in found:
            old = self._minutes.get(minute, (0, 0, 0))
            self._minutes[minute] = (old[0] + more[0], old[1] + more[1], old[2] + more[2])
        self._ties(at)
        self._rows += batch.rows
        self._last = int(at[-1])

    def _ties(self, at: Ints) -> None:
        starts = np.flatnonzero(np.diff(at, prepend=at[0] - 1))
        sizes = np.diff(starts, append=len(at))
        if self._rows and at[0] == self._last:  # the first stamp goes on from the batch before
            before, sizes[0] = self._on_stamp, sizes[0] + self._on_stamp
            self._tied -= before if before > 1 else 0
        self._tied += int(sizes[sizes > 1].sum())
        self._most = max(self._most, int(sizes.max()))
        self._on_stamp = int(sizes[-1])

    def found(self) -> Arrivals:
        span = self._last / SECOND
        gaps = self._rows - 1
        mean = span / gaps if gaps else 0.0
        variance = self._squares / gaps - mean * mean if gaps else 0.0
        minutes = tuple(Minute(m, *self._minutes[m]) for m in sorted(self._minutes))
        whole = self._last // MINUTE
        dispersion = None
        if whole >= 2:
            counts = [m.requests for m in minutes if m.minute < whole]
            each = sum(counts) / whole
            dispersion = (sum(c * c for c in counts) / whole - each * each) / each
        return Arrivals(
            span,
            gaps / span if span else None,
            minutes,
            max(minutes, key=lambda m: (m.requests, -m.minute)),
            sqrt(max(0.0, variance)) / mean if mean else None,
            dispersion,
            self._tied,
            self._most,
        )
