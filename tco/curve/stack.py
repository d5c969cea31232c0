"""Many curves laid end to end in flat arrays, so that pairs of them can be worked on without a loop over pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tco.curve.window import THIN, Pieces
from tco.quantity import Array

NEVER = 2.0**1000
"""Stands for the cost of an infeasible option: beyond any cost, and yet a number, so that no inf - inf can arise."""

TIE = 1e-12
"""Two costs nearer than this, relatively, are equal (floats only: in exact mode equal means equal)."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Curves over one common window. Piece s of curve o has start[o] <= s < start[o + 1]; all arrays but `start` and
    `first` are (pieces,).

    `left`, `right`: a piece's ends. `above`: the value just above its left end. `at`: the value at its right end.
    `slope`: its slope. `origin`: which piece of `base` it is a part of (itself, where there is no base).
    """

    lo: Any
    hi: Any
    start: Array
    first: Array
    left: Array
    right: Array
    above: Array
    at: Array
    slope: Array
    origin: Array
    base: Stack | None = None

    @property
    def exact(self) -> bool:
        return self.left.dtype == object

    @property
    def thin(self) -> Any:
        return 0 if self.exact else THIN

    def value(self, piece: Array, volume: Array) -> Array:
        """The value on a piece, at a volume inside it or at its right end."""
        return np.asarray(self.above[piece] + self.slope[piece] * (volume - self.left[piece]))

    def sign(self, a: Array, b: Array) -> Array:
        """The sign of a - b as int8: the one rule of when two costs are equal."""
        d = a - b
        if self.exact:
            return np.subtract((d > 0).view(np.int8), (d < 0).view(np.int8))
        tolerance = np.abs(a)
        tolerance += np.abs(b)
        tolerance *= TIE
        more = d > tolerance
        np.negative(tolerance, out=tolerance)
        return np.subtract(more.view(np.int8), (d < tolerance).view(np.int8))

    def root(self, a: Array, b: Array) -> Array:
        """Where the lines of pieces a and b meet, kept inside what the two pieces share. Always found from the base
        pieces, so that the same two pieces meet at the same float, whoever asks."""
        if self.base is not None:
            return self.base.root(self.origin[a], self.origin[b])
        low = np.maximum(self.left[a], self.left[b])
        high = np.minimum(self.right[a], self.right[b])
        steeper = self.slope[a] - self.slope[b]
        steeper = np.where(steeper == 0, 1, steeper)  # parallel within rounding, after a tie: where they touch is as good
        volume = low - (self.value(a, low) - self.value(b, low)) / steeper
        if self.exact:
            return np.asarray(volume)
        volume = np.clip(volume, low, high)
        volume = volume - (self.value(a, volume) - self.value(b, volume)) / steeper  # one Newton step
        return np.asarray(np.clip(volume, low, high))


def stack(curves: Sequence[Pieces]) -> Stack:
    """Lay curves end to end. ValueError where their windows differ."""
    w = curves[0].window
    if any(c.window.lo != w.lo or c.window.hi != w.hi or c.window.exact != w.exact for c in curves):
        raise ValueError("curves can only be compared over one window")
    never = Fraction(NEVER) if w.exact else NEVER
    tail = w.array([never])
    left, right, above, at_, first = [], [], [], [], []
    for c in curves:
        stops = c.end is not None
        left.append(c.edges if stops else c.edges[:-1])
        right.append(c.edges[1:])
        above.append(c.above)
        at_.append(c.at)
        if stops:  # from its end on, the curve goes on as "never"
            right.append(w.array([w.hi]))
            above.append(tail)
            at_.append(tail)
        first.append(never if stops and c.end < w.lo else c.first)
    start = np.concatenate([[0], np.cumsum([len(x) for x in left])])
    left_, right_, above_, at_all = (np.concatenate(x) for x in (left, right, above, at_))
    slope = (at_all - above_) / (right_ - left_)
    return Stack(w.lo, w.hi, start, w.array(first), left_, right_, above_, at_all, slope, np.arange(len(left_)))


def ranges(begin: Array, end: Array) -> Array:
    """begin[0]..end[0]-1, begin[1]..end[1]-1, ... end to end."""
    if len(begin) == 1:
        return np.arange(begin[0], end[0])
    counts = end - begin
    total = int(counts.sum())
    return np.arange(total) + np.repeat(begin - (np.cumsum(counts) - counts), counts)
