"""Whether a series goes up: the test of Mann and Kendall, for values that are alike from one to the next."""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def slope(series: Values) -> float:
    """The median slope over all pairs, a step: Sen (1968). A stall, which is a spike, does not move it."""
    i, j = np.triu_indices(len(series), 1)
    return float(np.median((series[j] - series[i]) / (j - i)))


def upward(series: Values) -> float | None:
    """One-sided p-value of an upward trend: the chance of one so clear in a series without; None where all are equal.

    Mann (1945) and Kendall (1975): the pairs that rise less those that fall, normal with a variance that ties lessen.
    A queue's length is like the one before it, which alone makes trends: the variance is multiplied by what that takes
    from the sample, n/n* (Yue and Wang, 2004).
    """
    n = len(series)
    i, j = np.triu_indices(n, 1)
    score = float(np.sign(series[j] - series[i]).sum())
    _, ties = np.unique(series, return_counts=True)
    variance = float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    if variance <= 0:
        return None
    z = (score - np.sign(score)) / sqrt(variance * _shrinkage(series))
    return 0.5 * erfc(z / sqrt(2))


def _shrinkage(series: Values) -> float:
    """n/n* = 1 + 2 Σ_k (1 − k/n) ρ_k of Bayley and Hammersley (1946), by the ranks of what lies beside the trend line.

    The sum ends with the first autocorrelation that is not positive, as Geyer (1992) ends his: what follows is noise.
    """
    n = len(series)
    ranks = np.argsort(np.argsort(series - slope(series) * np.arange(n), kind="stable")).astype(np.float64)
    ranks -= ranks.mean()
    products = np.correlate(ranks, ranks, "full")[n - 1 :]
    rho = products[1:] / products[0]
    ends = np.flatnonzero(rho <= 0)
    rho = rho[: ends[0]] if len(ends) else rho
    return 1.0 + 2.0 * float(((1 - np.arange(1, len(rho) + 1) / n) * rho).sum())
