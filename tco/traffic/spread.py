"""Tied time stamps drawn apart: a log with a coarse clock puts requests on one tick that came within it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tco.traffic.batch import Batch, Ints, joined

NEAR = 0.01
"""How far apart, relative to each other, gaps are that count as one tick: clocks jitter."""


def tick_of(batches: Iterable[Batch]) -> int:
    """How far apart the stamps of a clock are, in nanoseconds, from batches in time order; 0 where all are one stamp.

    It is the gap between neighbouring stamps that at least half of them have, give or take a hundredth (a log that is
    written every three seconds); where there is none, what all gaps are a multiple of (a clock of whole seconds).
    """
    counts: dict[int, int] = {}
    sums: dict[int, int] = {}
    step = np.log1p(NEAR)
    common, last, total = 0, None, 0
    for batch in batches:
        if not batch.rows:
            continue
        assert batch.at is not None
        stamps = np.unique(batch.at if last is None else np.append(batch.at, last))
        last = stamps[-1]
        gaps = np.diff(stamps)
        if not len(gaps):
            continue
        common = int(np.gcd.reduce(np.append(gaps, common)))
        total += len(gaps)
        bins, where, sizes = np.unique((np.log(gaps) / step).astype(np.int64), return_inverse=True, return_counts=True)
        of_bins = np.zeros(len(bins), np.int64)
        np.add.at(of_bins, where, gaps)
        for bucket, count, size in zip(bins.tolist(), sizes.tolist(), of_bins.tolist(), strict=True):
            counts[bucket] = counts.get(bucket, 0) + count
            sums[bucket] = sums.get(bucket, 0) + size
    if not counts:
        return 0
    pairs = {b: counts[b] + counts.get(b + 1, 0) for b in counts}  # a tick may lie on the edge of two
    best = max(pairs, key=lambda b: pairs[b])
    if 2 * pairs[best] >= total:
        return (sums[best] + sums.get(best + 1, 0)) // pairs[best]
    return common


def spread(batches: Iterable[Batch], tick: int, seed: int) -> Iterator[Batch]:
    """Batches in time order, the rows of each stamp that has several at uniform times after it, in the order in which
    they stood: within the tick (nanoseconds), and before the next stamp."""
    drawn = np.random.default_rng(seed)
    held: list[Batch] = []
    for batch in batches:
        if not batch.rows:
            continue
        last = _at(batch)[-1]
        if _at(batch)[0] == last and (not held or _at(held[-1])[-1] == last):
            held.append(batch)
            continue
        whole = joined([*held, batch])
        cut = int(np.searchsorted(_at(whole), last, side="left"))
        if cut:
            yield _apart(whole.take(np.arange(cut)), tick, int(last), drawn)
        held = [whole.take(np.arange(cut, whole.rows))]
    if held:
        whole = joined(held)
        yield _apart(whole, tick, int(_at(whole)[-1]) + tick, drawn)


def _apart(batch: Batch, tick: int, following: int, drawn: np.random.Generator) -> Batch:
    """`following` is the next stamp after the batch."""
    at = _at(batch)
    stamps, group, counts = np.unique(at, return_inverse=True, return_counts=True)
    room = np.minimum(np.diff(stamps, append=following), tick)[group]
    tied = np.flatnonzero(counts[group] > 1)
    offsets = (drawn.random(len(tied)) * room[tied]).astype(np.int64)
    offsets = offsets[np.lexsort((offsets, group[tied]))]
    moved = at.copy()
    moved[tied] += offsets
    return batch._replace(at=moved)


def _at(batch: Batch) -> Ints:
    assert batch.at is not None
    return batch.at
