"""What a fleet of constant size must carry in a month with a spike for all work to be done within its deadline.

`waiting` does the same for a day or a week. Of the half million intervals of a month few can ask for most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tco.quantity import Array, Number
from tco.workload.model import HOURS_PER_DAY

Asked = tuple[Array, Mapping[int, Array]]
"""Busy replicas per token a day that come in each hour of a month, (hour,) or (hour, draw): those of the hour itself,
and by the hours they may be served in those that can wait."""


def highest_asked(months: Sequence[Asked], mean: Number, rise: int) -> Number:
    """The highest, over all intervals of hours, of the work that must be done inside over its length, and the mean.

    Months of days of two kinds, alike but for a factor: `rise` is the hour at which those of more begin, and `mean`
    that of all months together. Only intervals that begin within a day of that hour can ask for most. One that begins
    before that asks for no more without its first day, which is below the mean; one that begins on a later day of more
    holds at least as many hours of less as one that begins at that time of the first. Busy replicas per token a day, a
    `Fraction` or (draw,).
    """
    highest: Any = mean
    for now, due in months:
        length = len(now)
        first = np.arange(rise - HOURS_PER_DAY, rise + HOURS_PER_DAY) % length
        come = _running(now)
        come_due = {d: _running(later) for d, later in due.items()}
        for hours in range(1, length):
            inside = come[first + hours] - come[first]
            for d, sums in come_due.items():
                if hours >= d:  # what comes in the last hours may be served after them
                    inside = inside + sums[first + hours - d + 1] - sums[first]
            highest = np.maximum(highest, inside.max(axis=0) / hours)
    return highest


def _running(by_hour: Array) -> Array:
    """What has come before each hour of two months."""
    return np.asarray(np.cumsum(np.concatenate([by_hour[:1] * 0, by_hour, by_hour]), axis=0))
