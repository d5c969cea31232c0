"""From a quantity to its curve: the range of volume, where a quantity kinks inside it, and its pieces.

A curve is found from values, never from slopes and piece numbers: list the kinks, sort them, evaluate both sides of
each, join linearly. Superfluous kinks are harmless; a missing one would not be.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tco.quantity import NUDGE, SAME, Array, At, Number, Quantity, Steps, at

THIN = 4 * SAME
"""Edges nearer than this, relatively, are one edge; what lies between them is skipped."""

MOST_PIECES = 1_000_000


class TooManyPieces(ValueError):
    """A quantity has more steps inside the window than can be listed; the caller knows which line it belongs to."""

    def __init__(self, quantity: Quantity, count: int, window: Range) -> None:
        self.quantity, self.count, self.window = quantity, count, window
        size = f" of size {_plain(quantity.size)}" if isinstance(quantity, Steps) else ""
        super().__init__(
            f"{type(quantity).__name__}{size} has {count:,} steps between {float(np.min(window.lo)):,.6g} and "
            f"{float(np.max(window.hi)):,.6g} tokens/day: at most {MOST_PIECES:,} can be listed"
        )


class Segments(NamedTuple):
    """Affine pieces end to end, (piece,) each: ends, the value just above the left one, the value at the right one.

    owner: which of many ranges each piece lies in, ascending; None where there is but one.
    """

    left: Array
    right: Array
    above: Array
    at: Array
    owner: Array | None


class Found(NamedTuple):
    """Volumes, (volume,), and which of many ranges each was found in (None where there is but one)."""

    volume: Array
    owner: Array | None


class Range:
    """Where quantities are drawn: the one home of where a quantity passes a level, and where a staircase steps.

    `Window` is one range for one draw, `curve.runs.Runs` many, each with a draw of its own.
    """

    __slots__ = ()

    exact: bool
    most_pieces: int
    lo: Any
    hi: Any

    def segments(self, q: Quantity) -> Segments:
        """The curve of q in each range."""
        raise NotImplementedError

    def number(self, number: Number, owner: Array | None) -> Any:
        """A coefficient, as a scalar or for each of these ranges."""
        raise NotImplementedError

    def values(self, q: Quantity, volume: Array, owner: Array | None) -> Array:
        """q at these volumes, (volume,), floats."""
        raise NotImplementedError

    def passes(self, q: Quantity, level: Number) -> Found:
        """Every volume at which q passes the level: crossings within a piece, and jumps past it."""
        p = self.segments(q)
        height = self.number(level, p.owner)
        low, high = np.minimum(p.above, p.at), np.maximum(p.above, p.at)
        inside = np.flatnonzero((low < height) & (height < high))
        found = self._solve(q, p, inside, _of(height, inside))
        below, above = p.at[:-1], p.above[1:]
        seam = _of(height, slice(-1))
        jumps = (np.minimum(below, above) <= seam) & (seam <= np.maximum(below, above))
        if p.owner is None:
            return Found(np.concatenate([found, p.right[:-1][jumps]]), None)
        jumps &= p.owner[1:] == p.owner[:-1]
        where = np.concatenate([inside, np.flatnonzero(jumps)])
        return Found(np.concatenate([found, p.right[:-1][jumps]]), p.owner[where])

    def steps(self, steps: Steps) -> Found:
        """The volumes at which a staircase steps: its load passes k x size, for those k that its clamp lets count.

        TooManyPieces where there are more than `most_pieces`.
        """
        p = self.segments(steps.q)
        size, spare, least = (self.number(x, p.owner) for x in (steps.size, steps.spare, steps.least))
        low, high = np.minimum(p.above, p.at), np.maximum(p.above, p.at)
        slack = 0 if self.exact else 2.0**-30  # one multiple too many is harmless, one too few is not
        first = np.maximum(np.ceil(low / size - slack), np.floor(least - spare))
        last = np.floor(high / size + slack)
        if steps.most is not None:
            last = np.minimum(last, np.ceil(self.number(steps.most, p.owner) - spare) - 1)
        counts = np.where(low == high, 0, np.maximum(last - first + 1, 0))  # a flat load passes nothing
        total = int(counts.sum()) if len(counts) else 0
        if total > self.most_pieces:
            raise TooManyPieces(steps, total, self)
        counts = counts.astype(np.int64)
        piece = np.repeat(np.arange(len(counts)), counts)
        nth = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        k = first[piece] + (nth.astype(object) if self.exact else nth)
        return Found(self._solve(steps.q, p, piece, k * _of(size, piece)), None if p.owner is None else p.owner[piece])

    def _solve(self, q: Quantity, p: Segments, piece: Array, levels: Array) -> Array:
        """The volume in each of these pieces at which q reaches its level: interpolated, then one Newton step."""
        if not len(piece):
            return p.left[:0]
        left, right, start, rise = p.left[piece], p.right[piece], p.above[piece], (p.at - p.above)[piece]
        volume = left + (levels - start) * ((right - left) / rise)
        if not self.exact:
            volume = np.clip(volume, left, right)
            reached = self.values(q, volume, None if p.owner is None else p.owner[piece])
            volume = volume + (levels - reached) * ((right - left) / rise)
            volume = np.clip(volume, left, right)
        return np.asarray(volume)


def _of(number: Any, index: Any) -> Any:
    """A scalar, or those of an array."""
    return number[index] if isinstance(number, np.ndarray) else number


class Window(Range):
    """The range of volume, tokens per day, both ends included. 0 < lo < hi < inf, else ValueError.

    Two `Fraction` ends make everything found in it exact (object arrays of `Fraction`); any others are floats.
    """

    __slots__ = ("exact", "hi", "lo", "memo", "most_pieces")

    def __init__(self, lo: Any, hi: Any) -> None:
        exact = isinstance(lo, Fraction) and isinstance(hi, Fraction)
        self.exact = exact
        """Whether both ends are `Fraction`s, and with them everything found inside."""
        self.most_pieces = MOST_PIECES
        self.lo: Any = lo if exact else float(lo)
        self.hi: Any = hi if exact else float(hi)
        self.memo: dict[int, tuple[Quantity, Pieces]] = {}
        """The curves found in it, by the id of their quantity."""
        if not self.lo > 0 or not self.hi < float("inf") or not self.lo * (1 + (0 if self.exact else THIN)) < self.hi:
            raise ValueError(f"a range of volume needs 0 < lo < hi < inf: {self.lo} to {self.hi} tokens/day")

    def array(self, values: list[Any]) -> Array:
        """These numbers in the window's own number system, shape (n,)."""
        if self.exact:
            out = np.empty(len(values), dtype=object)
            out[:] = [Fraction(v) for v in values]
            return out
        return np.array(values, dtype=np.float64)

    def where(self, q: Quantity, level: Number) -> Array:
        """Every volume inside the window at which q passes the level: crossings within a piece, and jumps past it."""
        return self.passes(q, level).volume

    def multiples(self, steps: Steps) -> Array:
        """The volumes at which a staircase steps: its load passes k x size, for those k that its clamp lets count.

        TooManyPieces where there are more than a million.
        """
        return self.steps(steps).volume

    def segments(self, q: Quantity) -> Segments:
        p = pieces(q, self)
        return Segments(p.edges[:-1], p.edges[1:], p.above, p.at, None)

    def number(self, number: Number, owner: Array | None) -> Any:  # noqa: ARG002
        if self.exact:
            return Fraction(number)
        if np.size(number) != 1:
            raise ValueError("a curve is drawn for one draw: give coefficients of shape (1,) or scalars")
        return float(np.asarray(number).reshape(-1)[0])

    def values(self, q: Quantity, volume: Array, owner: Array | None) -> Array:  # noqa: ARG002
        return _flat(q.value(at(volume)))


class Pieces(NamedTuple):
    """A piecewise affine, left-continuous curve of the volume.

    `edges` (n + 1,) ascending, tokens per day; edges[0] is the window's lo, edges[-1] its hi, or the `end` where the
    option stops being feasible. `above` (n,) is the value just above each left edge, `at` (n,) the value at each right
    edge, `first` the value at lo itself. An option that is infeasible throughout has no pieces.
    """

    edges: Array
    above: Array
    at: Array
    first: Any
    window: Window
    end: Any = None
    quantity: Quantity | None = None

    def value(self, volumes: Array) -> Array:
        """The value at each volume, by joining the pieces' ends linearly; inf beyond the end (not in exact mode)."""
        v = np.asarray(volumes)
        if not len(self.above):
            return np.full(v.shape, np.inf)
        i = np.clip(np.searchsorted(self.edges, v) - 1, 0, len(self.above) - 1)
        slope = (self.at - self.above) / (self.edges[1:] - self.edges[:-1])
        out = np.where(v == self.edges[i + 1], self.at[i], self.above[i] + slope[i] * (v - self.edges[i]))
        out = np.where(v <= self.edges[0], self.first, out)
        return out if self.end is None else np.where(v > self.edges[-1], np.inf, out)


def pieces(q: Quantity, window: Window, end: Any = None) -> Pieces:
    """The curve of a quantity over a window, of one draw, solved once per quantity and window.

    `end`: beyond this volume the option is infeasible; None, or at or above the window's hi, means nowhere.
    Raises TooManyPieces beyond a million pieces.
    """
    hit = window.memo.get(id(q))
    if hit is None:
        hit = (q, _whole(q, window))  # the node is kept beside its curve so that an id is never reused
        window.memo[id(q)] = hit
    return hit[1] if end is None else _cut(hit[1], end)


def _whole(q: Quantity, window: Window) -> Pieces:
    kinks = [np.asarray(k).reshape(-1) for k in q.kinks(window)]
    inner = distinct(np.concatenate([window.array([]), *kinks]))
    inner = inner[(inner > window.lo) & (inner < window.hi)]
    if len(inner) > MOST_PIECES:
        raise TooManyPieces(q, len(inner), window)
    points = np.concatenate([window.array([window.lo]), inner, window.array([window.hi])])
    # neighbours within a hair are one edge: the limit from below is taken below the lowest of them, the limit from
    # above beyond the highest, so that a jump in between is not smeared over the next piece
    apart = points[1:] > points[:-1] * (1 if window.exact else 1 + THIN)
    lowest = points[np.concatenate([[True], apart])]
    highest = points[np.concatenate([apart, [True]])]
    edges = lowest.copy()
    edges[0], edges[-1] = window.lo, window.hi
    if len(edges) < 2:  # pragma: no cover - a million kinks would be needed to chain the whole window
        raise ValueError(f"the range {window.lo} to {window.hi} tokens/day is too narrow")
    back, forth = (1, 1 + NUDGE) if window.exact else (1 - SAME, 1 + SAME)
    at_values = _values(q, edges, lowest * back)
    above = _values(q, edges[:-1], highest[:-1] * forth)
    return Pieces(edges, above, at_values[1:], at_values[0], window, None, q)


def distinct(values: Array) -> Array:
    """The distinct values, ascending. (`np.unique` imports masked arrays: longer than many a comparison takes.)"""
    ordered = np.sort(values)
    keep = np.ones(len(ordered), dtype=bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]


def _values(q: Quantity, volume: Array, decide: Array) -> Array:
    """The quantity with continuous parts at `volume` and steps decided at `decide`, shape (n,)."""
    if volume.dtype == object:
        out = np.empty(len(volume), dtype=object)
        out[:] = [Fraction(v) for v in np.broadcast_to(q.value(At(volume, decide)), volume.shape)]
        return out
    return _flat(q.value(At(volume[:, np.newaxis], decide[:, np.newaxis])))


def _flat(values: Array) -> Array:
    if values.ndim > 1 and values.shape[-1] != 1:
        raise ValueError("a curve is drawn for one draw: give coefficients of shape (1,) or scalars")
    return values.reshape(-1)


def _cut(whole: Pieces, end: Any) -> Pieces:
    """The curve up to the end of what is feasible; that end is the last volume still served."""
    w = whole.window
    end = Fraction(end) if w.exact else float(end)
    thin = 0 if w.exact else THIN
    if end >= w.hi * (1 - thin):
        return whole
    if end < w.lo:
        return Pieces(whole.edges[:1], whole.above[:0], whole.at[:0], whole.first, w, end, whole.quantity)
    end = max(end, w.lo)
    n = int(np.searchsorted(whole.edges, end * (1 - thin)))  # edges before the end
    if n == 0:  # it ends at lo itself
        return Pieces(whole.edges[:1], whole.above[:0], whole.at[:0], whole.first, w, w.lo, whole.quantity)
    i = n - 1
    share = (end - whole.edges[i]) / (whole.edges[i + 1] - whole.edges[i])
    last = whole.above[i] + (whole.at[i] - whole.above[i]) * min(share, 1)
    last_at = whole.window.array([last])
    if whole.edges[i + 1] <= end * (1 + thin):
        last_at = whole.at[i : i + 1]
    return Pieces(
        np.concatenate([whole.edges[:n], w.array([end])]),
        whole.above[:n],
        np.concatenate([whole.at[:i], last_at]),
        whole.first,
        w,
        end,
        whole.quantity,
    )


def _plain(number: Number) -> str:
    return f"{float(np.asarray(number).reshape(-1)[0]):,.6g}"
