"""Many curves laid end to end in flat arrays, so that pairs of them can be worked on without a loop over pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tco.curve.window import THIN, Pieces
from tco.quantity import Array

NEVER = 2.0**1000
"""Stands for the cost of an infeasible option: beyond any cost, and yet a number, so that no inf - inf can arise."""

TIE = 1e-12
"""Two costs nearer than this, relatively, are equal (floats only: in exact mode equal means equal)."""


class Stack(NamedTuple):
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
        """Whether the numbers are `Fraction`s."""
        return bool(self.left.dtype == object)

    @property
    def thin(self) -> Any:
        """Edges nearer than this, relatively, are one."""
        return 0 if self.exact else THIN

    def value(self, piece: Array, volume: Array) -> Array:
        """The value on a piece, at a volume inside it or at its right end."""
        out = volume - self.left[piece]
        out *= self.slope[piece]
        out += self.above[piece]
        return np.asarray(out)

    def sign(self, a: Array, b: Array) -> Array:
        """The sign of a - b as int8: the one rule of when two costs are equal."""
        d = a - b
        if self.exact:
            return np.subtract((d > 0).view(np.int8), (d < 0).view(np.int8))
        tolerance = np.abs(a)
        tolerance += np.abs(b)
        tolerance *= TIE
        more = d > tolerance
        d += tolerance
        return np.subtract(more.view(np.int8), (d < 0).view(np.int8))

    def root(self, a: Array, b: Array) -> Array:
        """Where the lines of pieces a and b meet, kept inside what the two pieces share. Always found from the base
        pieces, so that the same two pieces meet at the same float, whoever asks."""
        if self.base is not None:
            return self.base.root(self.origin[a], self.origin[b])
        low = np.maximum(self.left[a], self.left[b])
        high = np.minimum(self.right[a], self.right[b])
        steeper = self.slope[a] - self.slope[b]
        steeper = np.where(steeper == 0, 1, steeper)  # parallel but for a rounding: any volume of the two is as good
        volume = low - (self.value(a, low) - self.value(b, low)) / steeper
        if self.exact:
            return np.asarray(volume)
        volume = np.clip(volume, low, high)
        volume = volume - (self.value(a, volume) - self.value(b, volume)) / steeper  # one Newton step
        return np.asarray(np.clip(volume, low, high))


def solid(curves: Sequence[Pieces]) -> list[Pieces]:
    """The same curves without ends: from its end on, a curve goes on as NEVER. ValueError where the windows differ."""
    w = curves[0].window
    if any(c.window.lo != w.lo or c.window.hi != w.hi or c.window.exact != w.exact for c in curves):
        raise ValueError("curves can only be compared over one window")
    tail, hi = w.array([NEVER]), w.array([w.hi])
    out = []
    for c in curves:
        if c.end is None:
            out.append(c)
            continue
        edges, above, at_ = (np.concatenate(x) for x in ((c.edges, hi), (c.above, tail), (c.at, tail)))
        out.append(Pieces(edges, above, at_, tail[0] if c.end < w.lo else c.first, w))
    return out


def thinned(
    curves: Sequence[Pieces], kept: tuple[Array, Array, Array], sole: Array | None = None
) -> tuple[list[Pieces], list[Array]]:
    """Only some runs of the pieces of each (solid) curve, whole, with one piece for every gap; and where each piece
    went. kept: (curve, first piece, last piece) of each run, ascending within each curve.

    A gap costs NEVER, or -NEVER where the curve is the lowest without question: sole (runs + curves,) of bool says so
    of the gap before each run, and of the one after the last run of each curve.
    """
    bounds = np.searchsorted(kept[0], np.arange(len(curves) + 1))
    fill = np.full(len(kept[0]) + len(curves), NEVER)
    if sole is not None:
        fill[sole] = -NEVER
    both = [
        _thinned(c, kept[1][i:j], kept[2][i:j], fill[i + o : j + o + 1])
        for o, (c, i, j) in enumerate(zip(curves, bounds[:-1], bounds[1:], strict=True))
    ]
    return [c for c, _ in both], [place for _, place in both]


def stack(curves: Sequence[Pieces]) -> Stack:
    """Lay (solid) curves end to end."""
    w = curves[0].window
    start = np.concatenate([[0], np.cumsum([len(c.above) for c in curves])])
    left, right = (np.concatenate(x) for x in ([c.edges[:-1] for c in curves], [c.edges[1:] for c in curves]))
    above, at_ = (np.concatenate(x) for x in ([c.above for c in curves], [c.at for c in curves]))
    slope = (at_ - above) / (right - left)
    first = w.array([c.first for c in curves])
    return Stack(w.lo, w.hi, start, first, left, right, above, at_, slope, np.arange(len(left)))


def _thinned(c: Pieces, first: Array, last: Array, fill: Array) -> tuple[Pieces, Array]:
    n = len(c.above)
    if not len(first):
        return Pieces(c.edges[[0, -1]], fill, fill, c.first, c.window), np.zeros(n, dtype=np.int64)
    begin = np.maximum(first, np.concatenate([[0], last[:-1] + 1]))  # neighbouring runs may share a piece
    some = begin <= last
    begin, end = begin[some], last[some] + 1
    # gaps: one before each run that does not begin where the one before it ended, and one after the last
    gap = np.concatenate([[begin[0] > 0], begin[1:] > end[:-1], [end[-1] < n]])
    if not gap.any():
        return c, np.arange(n)
    fill = np.concatenate([fill[:-1][some], fill[-1:]])[gap]
    piece = ranges(begin, end)
    spot = np.repeat(np.cumsum(gap)[:-1], end - begin) + np.arange(len(piece))
    place = np.zeros(n, dtype=np.int64)
    place[piece] = spot
    size = len(piece) + len(fill)
    hole = np.ones(size, dtype=bool)
    hole[spot] = False
    edges, above, at_ = np.empty(size + 1), np.empty(size), np.empty(size)
    edges[spot], above[spot], at_[spot] = c.edges[piece], c.above[piece], c.at[piece]
    edges[:-1][hole], above[hole], at_[hole] = c.edges[np.concatenate([[0], end])[gap]], fill, fill
    edges[-1] = c.edges[-1]
    return Pieces(edges, above, at_, c.first, c.window), place


def ranges(begin: Array, end: Array) -> Array:
    """begin[0]..end[0]-1, begin[1]..end[1]-1, ... end to end."""
    if len(begin) == 1:
        return np.arange(int(begin[0]), int(end[0]))
    counts = end - begin
    total = int(counts.sum())
    return np.asarray(np.arange(total) + np.repeat(begin - (np.cumsum(counts) - counts), counts))
