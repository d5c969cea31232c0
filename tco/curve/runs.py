"""Many ranges of volume at once, each with a draw of its own: what `window` does for one draw, for all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tco.curve.window import MOST_PIECES, THIN, Found, Range, Segments
from tco.quantity import SAME, Array, At, Number, Quantity, Steps, at


class Edges(NamedTuple):
    """The pieces between neighbouring edges, (piece,) each, by range and volume.

    Edges within a hair are one: `beyond` is the highest of those at the left end, `below` the lowest of those at the
    right end, so that a jump in between is not smeared over the piece. owner: the range of each piece.
    """

    left: Array
    right: Array
    beyond: Array
    below: Array
    owner: Array


class Runs(Range):
    """Ranges (lo, hi] of volume, tokens per day, each for the draw `row`: (range,) each. Floats only."""

    __slots__ = ("exact", "hi", "lo", "memo", "most_pieces", "row")

    def __init__(self, row: Array, lo: Array, hi: Array) -> None:
        self.row, self.lo, self.hi = row, lo, hi
        self.exact = False
        self.most_pieces = MOST_PIECES
        self.memo: dict[int, tuple[Quantity, Segments]] = {}

    def where(self, q: Quantity, level: Number) -> Found:
        """The volumes at which q passes the level."""
        return self.passes(q, level)

    def multiples(self, steps: Steps) -> Found:
        """The volumes at which a staircase steps."""
        return self.steps(steps)

    def segments(self, q: Quantity) -> Segments:
        hit = self.memo.get(id(q))
        if hit is None:
            e = self.edges(q.kinks(self))
            above, at_ = self.sides(e, q)[0]
            hit = (q, Segments(e.left, e.right, above, at_, e.owner))  # the node is kept so that no id is reused
            self.memo[id(q)] = hit
        return hit[1]

    def number(self, number: Number, owner: Array | None) -> Any:
        if np.size(number) == 1:
            return float(np.asarray(number).reshape(-1)[0])
        return np.asarray(number)[self.row if owner is None else self.row[owner]]

    def values(self, q: Quantity, volume: Array, owner: Array | None) -> Array:
        rows = self.row if owner is None else self.row[owner]
        return np.broadcast_to(q.value(at(volume, rows=rows)), volume.shape)

    def edges(self, kinks: list[Found], tails: tuple[Array, Array] | None = None) -> Edges:
        """The pieces of each range between its kinks. tails: (ranges, volumes): one more piece from hi to there."""
        n = np.arange(len(self.row))
        if not kinks and tails is None:
            return Edges(self.lo, self.hi, self.lo, self.hi, n)
        owners, volumes = [n, n], [self.lo, self.hi]
        for volume, owner in kinks:
            assert owner is not None
            inside = np.flatnonzero((volume > self.lo[owner]) & (volume < self.hi[owner]))
            owners.append(owner[inside])
            volumes.append(volume[inside])
        if tails is not None:
            owners.append(tails[0])
            volumes.append(tails[1])
        # complex numbers sort by their real part, then by the imaginary one: by range, then by volume
        points = np.empty(sum(map(len, owners)), dtype=np.complex128)
        points.real, points.imag = np.concatenate(owners), np.concatenate(volumes)
        points.sort(kind="stable")
        owner, volume = points.real.astype(np.int64), points.imag
        apart = (owner[1:] != owner[:-1]) | (volume[1:] > volume[:-1] * (1 + THIN))
        begins, ends = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
        owner, lowest, highest = owner[begins], volume[begins], volume[ends]
        edge = lowest.copy()
        other = owner[1:] != owner[:-1]
        first, last = np.flatnonzero(np.concatenate([[True], other])), np.flatnonzero(np.concatenate([other, [True]]))
        edge[first], edge[last] = self.lo, self.hi
        if tails is not None:
            edge[last[tails[0]]], edge[last[tails[0]] - 1] = tails[1], self.hi[tails[0]]
        left = np.flatnonzero(~other)
        return Edges(edge[left], edge[left + 1], highest[left], lowest[left + 1], owner[left])

    def sides(self, e: Edges, *quantities: Quantity) -> list[tuple[Array, Array]]:
        """Of each quantity the values just above the left end, and at the right end, of each piece."""
        rows = self.row[e.owner]
        above, at_ = At(e.left, e.beyond * (1 + SAME), rows), At(e.right, e.below * (1 - SAME), rows)
        shape = e.left.shape
        return [(np.broadcast_to(q.value(above), shape), np.broadcast_to(q.value(at_), shape)) for q in quantities]
