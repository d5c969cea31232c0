"""A coarse look first: cells of volume in which the order of two curves is plain from bounds alone.

Bounds come from block minima and maxima (all-units tiers and cold starts fall, so the ends of a stretch bound
nothing), taken of each curve less a common broken line through the cells' ends: curves that rise side by side are then
told apart by their steps, not by how far both rise within a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tco.curve.stack import NEVER, TIE, Stack
from tco.quantity import Array

EDGES_PER_CELL = 12
"""Of one curve, about. Fewer: less to merge around a crossover, but more bounds to compare."""

WORTHWHILE = 2048
"""Pieces in all, below which a coarse look costs more than it saves."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Cells of volume and the bounds of each curve in them.

    seam: (cells + 1,), lo to hi. begin, end: (curve, cell), the piece just above a cell's left end and the one at its
    right end. low, high: (curve, cell), the bounds, less what is common to all curves, and widened by a tie.
    """

    seam: Array
    begin: Array
    end: Array
    low: Array
    high: Array


def grid(s: Stack) -> Grid | None:
    """The cells for a stack of curves, or None where a coarse look is not worthwhile (or exactness was asked for)."""
    n = len(s.start) - 1
    if s.exact or len(s.left) < WORTHWHILE:
        return None
    stride = EDGES_PER_CELL * n
    sample = np.concatenate([s.right[i + o * EDGES_PER_CELL : j - 1 : stride] for o, i, j in _spans(s)])
    sample.sort()
    inside = sample[(sample > s.lo) & (sample < s.hi)]
    seam = np.concatenate([[s.lo], inside[np.concatenate([[True], inside[1:] > inside[:-1]])[: len(inside)]], [s.hi]])
    cells = len(seam) - 1
    begin, end = np.empty((n, cells), dtype=np.int64), np.empty((n, cells), dtype=np.int64)
    just_above, at = np.empty((n, cells)), np.empty((n, cells))
    for o, i, j in _spans(s):
        inner = s.right[i : j - 1]
        begin[o] = i + np.searchsorted(inner, seam[:-1] * (1 + s.thin), side="right")
        end[o] = i + np.searchsorted(inner, seam[1:] * (1 - s.thin), side="left")
        begin[o, 0], end[o, -1] = i, j - 1
        just_above[o] = s.value(begin[o], seam[:-1])
        at[o] = s.value(end[o], seam[1:])
    middle_left, middle_right = _middle(just_above), _middle(at)
    rise = (middle_right - middle_left) / (seam[1:] - seam[:-1])
    low, high = np.empty((n, cells)), np.empty((n, cells))
    for o, i, j in _spans(s):
        low[o] = np.minimum(just_above[o] - middle_left, at[o] - middle_right)
        high[o] = np.maximum(just_above[o] - middle_left, at[o] - middle_right)
        counts = end[o] - begin[o]  # edges strictly inside each cell
        some = np.flatnonzero(counts)
        if not len(some):
            continue
        first, last = begin[o][some[0]], end[o][some[-1]]
        cell = np.repeat(some, counts[some])
        blocks = np.cumsum(counts[some]) - counts[some]
        edge = np.arange(first, last) if len(cell) == last - first else None
        if edge is None:  # an edge on a seam lies in no cell
            edge = np.repeat(begin[o][some] - blocks, counts[some]) + np.arange(len(cell))
        x = s.right[edge]
        common = middle_left[cell] + rise[cell] * (x - seam[cell])
        below, above = s.at[edge] - common, s.above[edge + 1] - common
        low[o, some] = np.minimum(low[o, some], np.minimum.reduceat(np.minimum(below, above), blocks))
        high[o, some] = np.maximum(high[o, some], np.maximum.reduceat(np.maximum(below, above), blocks))
    low[:, 0] = np.minimum(low[:, 0], s.first - middle_left[0])
    high[:, 0] = np.maximum(high[:, 0], s.first - middle_left[0])
    size = np.maximum(np.abs(low), np.abs(high)) + np.maximum(np.abs(middle_left), np.abs(middle_right))
    low -= 4 * TIE * size
    high += 4 * TIE * size
    return Grid(seam, begin, end, low, high)


def undecided(g: Grid, first: Array, second: Array) -> tuple[Array, Array]:
    """For pairs of curves: their sign in each cell as far as the bounds tell it (pair, cell), int8; and where a closer
    look is needed, neighbours of such cells included, so that no change can lie on the edge of what is looked at."""
    more = g.low[first] > g.high[second]
    less = g.low[second] > g.high[first]
    sign = np.subtract(more.view(np.int8), less.view(np.int8))
    look = sign == 0
    turned = sign[:, 1:] * sign[:, :-1] < 0  # a step exactly on a seam
    look[:, 1:] |= turned
    look[:, :-1] |= turned
    wide = look.copy()
    wide[:, 1:] |= look[:, :-1]
    wide[:, :-1] |= look[:, 1:]
    return sign, wide


def _spans(s: Stack) -> list[tuple[int, int, int]]:
    return [(o, int(s.start[o]), int(s.start[o + 1])) for o in range(len(s.start) - 1)]


def _middle(values: Array) -> Array:
    """The mean of the feasible curves' values, (cell,)."""
    feasible = values < NEVER
    total = np.where(feasible, values, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(feasible.sum(axis=0), 1))
