"""Draws: the numbers of a Monte Carlo. Every range is drawn once, the same for all options, spread evenly.

The i-th draw of a range lies in one of as many equal slices of its probability as there are draws, one draw a slice
(stratified, in an order of the range's own): percentiles of a few hundred draws are then as steady as those of many
thousands drawn freely. The bits come from SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), a few lines whose stream will
never change with a library's version, so that the same inputs give the same bytes.
"""

from __future__ import annotations

from fractions import Fraction
from zlib import crc32

import numpy as np

from tco.lineitem import Figure
from tco.quantity import Array, Number
from tco.ranges import Range

DRAWS = 256
MOST_DRAWS = 100_000
SEED = 1


class Draws:
    """float64 arrays of shape (draw,); what is certain has shape (1,). A figure is known by its keys and home: the same
    figure is the same draw wherever it is used."""

    exact = False

    def __init__(self, count: int = DRAWS, seed: int = SEED) -> None:
        self.count, self.seed = count, seed
        self.drawn: dict[tuple[str, str], tuple[Figure, Array]] = {}
        """What has been drawn so far, by key: the ranges that results depend on."""

    def __call__(self, figure: Figure | Fraction | int) -> Number:
        if not isinstance(figure, Figure):
            return np.array([float(figure)])
        if isinstance(figure.value, Range):
            return self._drawn(figure, figure.value)
        if not figure.uncertain:
            return np.array([float(figure.value)])
        certain, result = figure.factor, np.ones(1)
        for part, power in figure.of:
            if part.uncertain:
                result = result * self(part) ** power
            else:
                certain = certain * part.value**power
        return result * float(certain)

    def _drawn(self, figure: Figure, spread: Range) -> Array:
        key = (figure.home.key or figure.home.where, figure.name)
        if key not in self.drawn:
            uniform = stratified(crc32("\n".join(key).encode()) ^ (self.seed << 32), self.count)
            self.drawn[key] = (figure, spread.quantiles(uniform))
        return self.drawn[key][1]


def stratified(seed: int, count: int) -> Array:
    """Numbers between 0 and 1 (count,), one in each of as many equal slices, in an order that follows from the seed."""
    bits = _splitmix(seed, 2 * count)
    order = np.argsort(bits[:count], kind="stable")
    within = ((bits[count:] >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    return np.asarray((order + within) / count)


def _splitmix(seed: int, count: int) -> Array:
    """SplitMix64: 64 random bits (count,) of uint64."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed & (2**64 - 1)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))
