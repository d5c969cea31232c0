"""Times for a log that has none, at a rate that the user states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from tco.traffic.batch import SECOND, Batch, Ints

KINDS = ("even", "poisson")


def arriving(batches: Iterable[Batch], per_s: Fraction, kind: str, seed: int) -> Iterator[Batch]:
    """Batches with times from zero on: `even`ly apart, or as a `poisson` process (exponential gaps) of a seed."""
    drawn = np.random.default_rng(seed)
    gap = SECOND / per_s  # nanoseconds, exact
    row, last = 0, 0.0
    for batch in batches:
        at: Ints
        if kind == "even":
            numbers = range(row, row + batch.rows)
            at = np.array([n * gap.numerator // gap.denominator for n in numbers], np.int64)
        else:
            gaps = drawn.exponential(float(gap), batch.rows)
            if not row and batch.rows:
                gaps[0] = 0.0
            sums = last + np.cumsum(gaps)
            last = float(sums[-1]) if batch.rows else last
            at = np.rint(sums).astype(np.int64)
        row += batch.rows
        yield batch._replace(at=at)
