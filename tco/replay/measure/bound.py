"""How many requests prove a percentile: the binomial bound."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np

CONFIDENCE = Fraction(99, 100)
_DOUBT = 1e-6
"""Relative error that the sum in floats may have; nearer to the limit than that, whole numbers decide."""


def proven(share: Fraction, requests: int, misses: int) -> bool:
    """Whether so many misses of so many requests prove, at 99 % confidence, that `share` of all requests meet a limit.

    Proven where a server that missed more than 1 − share of its requests would show so few misses with a chance of
    1 % at most: the one-sided bound of Clopper and Pearson (1934), Σ_{k ≤ misses} C(n, k) (1 − share)^k share^(n − k)
    ≤ 1 %. As if misses were independent: where they come in bunches, as in a queue, the chance is greater.
    """
    if misses >= requests:
        return False
    chance = _chance(float(share), requests, misses)
    allowed = float(1 - CONFIDENCE)
    if abs(chance - allowed) > _DOUBT * allowed:
        return chance < allowed
    return _chance_exactly(share, requests, misses) <= 1 - CONFIDENCE


@lru_cache(maxsize=4096)
def fewest(share: Fraction, misses: int) -> int:
    """The fewest requests with so many misses that prove `share` at 99 % confidence: for p95, 90 with none."""
    low, high = misses, max(2 * misses, 1)
    while not proven(share, high, misses):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if proven(share, middle, misses):
            high = middle
        else:
            low = middle
    return high


def _chance(share: float, requests: int, misses: int) -> float:
    """P(X ≤ misses) of a binomial X of `requests` and 1 − share, summed from logarithms."""
    k = np.arange(1, misses + 1, dtype=np.float64)
    steps = np.log((requests - k + 1) / k) + np.log1p(-share) - np.log(share)
    terms = requests * np.log(share) + np.concatenate(([0.0], np.cumsum(steps)))
    top = terms.max()
    return float(np.exp(top) * np.exp(terms - top).sum())


def _chance_exactly(share: Fraction, requests: int, misses: int) -> Fraction:
    met, missed, of = share.numerator, share.denominator - share.numerator, share.denominator
    ways = sum(comb(requests, k) * missed**k * met ** (requests - k) for k in range(misses + 1))
    return Fraction(ways, of**requests)
