"""A coarse look first: cells of volume in which the order of two curves is plain from bounds alone.

Bounds come from block minima and maxima (all-units tiers and cold starts fall, so the ends of a stretch bound
nothing), taken of each curve less a common broken line through the cells' ends: curves that rise side by side are then
told apart by their steps, not by how far both rise within a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tco.curve.stack import NEVER, TIE
from tco.curve.window import THIN, Pieces, distinct
from tco.quantity import Array

EDGES_PER_CELL = 16
"""Of one curve, about. Fewer: less to merge around a crossover, but more bounds to compare."""

PLAIN = 16
"""So many times as many in a cell of plain bounds."""

WORTHWHILE = 2048
"""Pieces in all, below which a coarse look costs more than it saves."""


class Grid(NamedTuple):
    """Cells of volume and the bounds of each curve in them.

    seam: (cells + 1,), lo to hi. begin, end: (curve, cell), the number of the curve's piece just above a cell's left
    end, and at its right end. low, high: (curve, cell), the bounds, less what is common to all curves, and widened by
    more than a tie.
    """

    seam: Array
    begin: Array
    end: Array
    low: Array
    high: Array


def grid(curves: Sequence[Pieces], *, plain: bool = False) -> Grid | None:
    """Cells and bounds of solid curves, or None where a coarse look is not worthwhile (or the curves are exact).

    plain: fewer cells, and bounds of the curves themselves: quicker and looser.
    """
    if curves[0].window.exact or sum(len(c.above) for c in curves) < WORTHWHILE:
        return None
    n = len(curves)
    seam = _seams(curves, EDGES_PER_CELL * (PLAIN if plain else 1))
    cells = len(seam) - 1
    begin, end = np.empty((n, cells), dtype=np.int64), np.empty((n, cells), dtype=np.int64)
    left, right = np.empty((n, cells)), np.empty((n, cells))
    after, before = seam[:-1] * (1 + THIN), seam[1:] * (1 - THIN)
    for o, c in enumerate(curves):
        begin[o] = np.searchsorted(c.edges[1:-1], after, side="right")
        end[o] = np.searchsorted(c.edges[1:-1], before, side="left")
        left[o], right[o] = _values(c, begin[o], seam[:-1]), _values(c, end[o], seam[1:])
    middle, middle_right = (np.zeros(cells), np.zeros(cells)) if plain else (_middle(left), _middle(right))
    rise = None if plain else (middle_right - middle) / (seam[1:] - seam[:-1])
    low = np.minimum(left - middle, right - middle_right)
    high = np.maximum(left - middle, right - middle_right)
    for o, c in enumerate(curves):
        low[o, 0], high[o, 0] = min(low[o, 0], c.first - middle[0]), max(high[o, 0], c.first - middle[0])
        if len(c.above) > 1:
            _bound_edges(c, seam, middle, rise, low[o], high[o])
    size = np.maximum(_feasible(low), _feasible(high)) + np.maximum(np.abs(middle), np.abs(middle_right))
    size *= 4 * TIE
    return Grid(seam, begin, end, low - size, high + size)


def undecided(g: Grid, first: Array, second: Array) -> tuple[Array, Array]:
    """For pairs of curves: their sign in each cell as far as the bounds tell it (pair, cell), int8; and where a closer
    look is needed, neighbours of such cells included, so that no change can lie on the edge of what is looked at."""
    more = g.low[first] > g.high[second]
    less = g.low[second] > g.high[first]
    sign = np.subtract(more.view(np.int8), less.view(np.int8))
    return sign, _with_neighbours(sign == 0)


def leading(g: Grid) -> Array:
    """Where each curve may be the lowest, neighbours of such cells included: (curve, cell) of bool."""
    return _with_neighbours(g.low <= g.high.min(axis=0))


def runs(cells: Array) -> tuple[Array, Array, Array]:
    """The runs of True in each row: the row, the first and the last column of each, by row and column."""
    padded = np.zeros((cells.shape[0], cells.shape[1] + 1), dtype=np.int8)
    padded[:, :-1] = cells
    flat = padded.reshape(-1)
    turn = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        turn = np.concatenate([[0], turn])
    begin, end = turn[::2], turn[1::2]
    return begin // padded.shape[1], begin % padded.shape[1], (end - 1) % padded.shape[1]


def _with_neighbours(cells: Array) -> Array:
    wide = cells.copy()
    wide[:, 1:] |= cells[:, :-1]
    wide[:, :-1] |= cells[:, 1:]
    return wide


def _seams(curves: Sequence[Pieces], edges_per_cell: int) -> Array:
    """Every so many edges of all curves together, lo and hi included."""
    w, stride = curves[0].window, edges_per_cell * len(curves)
    inside = distinct(np.concatenate([c.edges[1 + o * edges_per_cell : -1 : stride] for o, c in enumerate(curves)]))
    return np.concatenate([[w.lo], inside[(inside > w.lo) & (inside < w.hi)], [w.hi]])


def _values(c: Pieces, piece: Array, volume: Array) -> Array:
    left = c.edges[piece]
    above = c.above[piece]
    return np.asarray(above + (c.at[piece] - above) * ((volume - left) / (c.edges[piece + 1] - left)))


def _feasible(values: Array) -> Array:
    """Absolute values, of true costs only: a bound that is NEVER needs no widening."""
    size = np.abs(values)
    size[size >= NEVER / 2] = 0
    return size


def _middle(values: Array) -> Array:
    """The mean of the feasible curves' values, (cell,)."""
    feasible = np.abs(values) < NEVER
    if feasible.all():
        return np.asarray(values.mean(axis=0))
    return np.asarray(np.where(feasible, values, 0.0).sum(axis=0) / np.maximum(feasible.sum(axis=0), 1))


def _bound_edges(c: Pieces, seam: Array, middle: Array, rise: Array | None, low: Array, high: Array) -> None:
    """Widen a curve's bounds (cell,) by its values on both sides of the edges in each cell, (left, right].

    Both sides, though the one above an edge at the right end lies in the next cell: a step exactly on a seam is then
    seen whole from one cell, and two neighbours can never both be decided, and differently."""
    x, below, above = c.edges[1:-1], c.at[:-1], c.above[1:]
    cut = np.searchsorted(x, seam, side="right")
    counts = cut[1:] - cut[:-1]
    if rise is not None:
        common = np.repeat(rise, counts)
        common *= x - np.repeat(seam[:-1], counts)
        common += np.repeat(middle, counts)
        below, above = below - common, above - common
    some = np.flatnonzero(counts)
    low[some] = np.minimum(low[some], np.minimum.reduceat(np.minimum(below, above), cut[some]))
    high[some] = np.maximum(high[some], np.maximum.reduceat(np.maximum(below, above), cut[some]))
