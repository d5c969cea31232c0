"""Every crossover of two quantities in every draw at once, as the solver of one draw would find them.

Each draw's range of volume is cut into cells. Where bounds of the difference exclude that the order changes, a cell is
done with; the others are cut again, down to a few steps each. In what remains the kinks of all draws are listed in flat
arrays and the changes read off by the routine that compares two curves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tco.curve.merge import NONE, SAME_COST, Events, Tasks, joint_events
from tco.curve.runs import Runs
from tco.curve.stack import NEVER, TIE, Stack
from tco.curve.window import THIN, TooManyPieces, Window
from tco.quantity import SAME, Array, At, Number, Quantity, Steps, at, linear

DRAWS = 1024
"""Draws worked on at a time: more would leave the cache, fewer cost more calls."""

FIRST, SPLIT, FEW = 8, 4, 8
"""Cells to begin with; into how many one is cut; a cell of so many steps is not cut again."""

NARROW = 1e-6
"""Nor is one so narrow, relatively."""

MOST_KINKS = 200_000
"""Kinks listed at a time, about (of a single draw more)."""

MARGIN = 16 * THIN
"""Cells are bounded with so much on either side that no change lies within a hair of their ends."""


@dataclass(frozen=True, slots=True, eq=False)
class SwapsByDraw:
    """Where the order of a and b swaps, draw by draw.

    `volume` (tokens per day), `draw`, `above` (the cheaper one just above: -1 a, 1 b): (swap,) each, by draw and
    volume. `opening` (draw,): the order at the window's lo: -1 a is cheaper, 1 b, 0 they cost the same, 2 neither is
    feasible. `events`: all changes, equalities over an interval included (`pair` is the draw); `limit` (draw,): the
    volume beyond which neither is feasible.
    """

    lo: float
    hi: float
    volume: Array
    draw: Array
    above: Array
    opening: Array
    events: Events
    limit: Array

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return len(self.opening)

    def counts(self) -> Array:
        """Swaps of each draw, (draw,)."""
        return np.bincount(self.draw, minlength=self.draws)

    def first_cheaper(self) -> Array:
        """The volume above which b is cheaper for the first time, inf{V: B < A}, (draw,).

        The window's lo where it is from the start, inf where nowhere.
        """
        e = self.events
        out = np.full(self.draws, np.inf)
        begins = np.flatnonzero(e.above == 1)[::-1]
        out[e.pair[begins]] = e.volume[begins]  # the first of each draw is written last
        out[self.opening == 1] = self.lo
        return out

    def stays_cheaper(self) -> Array:
        """The volume up to which a is cheaper for the last time, sup{V: A < B}, (draw,).

        The window's lo where it is nowhere, and b somewhere; inf where b is not the cheaper one in the end (of the
        range, or of what is feasible).
        """
        e = self.events
        out = np.full(self.draws, self.lo)
        ends = np.flatnonzero(e.below == -1)
        out[e.pair[ends]] = e.since[ends]
        out[self._closing() != 1] = np.inf
        return out

    def probability(self) -> tuple[Array, Array]:
        """The share of draws in which b is cheaper: (volumes, shares), (n,) each.

        It is shares[i] from just above volumes[i] up to volumes[i + 1], included, and to the end of the window after
        the last. volumes[0] is the window's lo.
        """
        e = self.events
        closing = self._closing()
        last = np.flatnonzero(np.append(e.pair[1:] != e.pair[:-1], True)) if len(e.pair) else e.pair
        closing[e.pair[last[e.above[last] == NONE]]] = NONE  # equal to the end: not cheaper there
        over = (closing == 1) & (self.limit < self.hi)
        begins = [np.full(np.count_nonzero(self.opening == 1), self.lo), e.volume[e.above == 1]]
        ends = [e.since[e.below == 1], self.limit[over]]
        volume = np.concatenate([[self.lo], *begins, *ends])
        change = np.concatenate([[0], *(np.ones(len(x)) for x in begins), *(-np.ones(len(x)) for x in ends)])
        order = np.argsort(volume, kind="stable")
        volume, share = volume[order], np.cumsum(change[order]) / self.draws
        last = np.append(volume[1:] != volume[:-1], True)
        return volume[last], share[last]

    def _closing(self) -> Array:
        """Which is cheaper in the end, equalities aside: like `opening`."""
        e = self.events
        out = self.opening.copy()
        out[e.pair] = np.where(e.above == NONE, e.below, e.above)  # the last of each draw is written last
        return out


def swaps_by_draw(
    a: Quantity,
    b: Quantity,
    window: Window,
    draws: int,
    ends: tuple[Array | None, Array | None] = (None, None),
) -> SwapsByDraw:
    """The swaps of a and b over a window of floats, in each of so many draws.

    The coefficients of a and b have shape (draw,) or (1,). ends: the last volume at which each is feasible, (draw,);
    inf, or None for all, where it is throughout; below the window's lo where it is nowhere. TooManyPieces where one
    draw has more than a million steps that cannot be told apart from the other option's cost.
    """
    if window.exact:
        raise ValueError("draws are floats: give a window of floats")
    feasible = [_ends(e, window, draws) for e in ends]
    common, limit = np.minimum(*feasible), np.maximum(*feasible)
    opening = np.full(draws, NONE, dtype=np.int8)
    alone = (common < window.lo) & (limit > window.lo)
    opening[alone] = np.where(feasible[0] < window.lo, 1, -1)[alone]
    solver = _Solver(a, b, window, common, limit, feasible[0] < feasible[1], opening)
    both = np.flatnonzero(common >= window.lo)
    found = [e for i in range(0, len(both), DRAWS) for e in solver.solve(both[i : i + DRAWS])]
    whole, floats, signs = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.int8)
    found.append(Events(whole, whole, floats, floats, signs, signs))
    events = Events(*(np.concatenate([getattr(e, n) for e in found]) for n in Events.__slots__))
    changes = np.flatnonzero((events.below * events.above == -1) | (events.kind == SAME_COST))
    events = Events(*(getattr(events, n)[changes] for n in Events.__slots__))
    swap = np.flatnonzero(events.below * events.above == -1)
    return SwapsByDraw(
        window.lo,
        window.hi,
        events.volume[swap],
        events.pair[swap],
        events.above[swap],
        opening,
        events,
        np.maximum(limit, window.lo),
    )


def last_within(load: Quantity, most: Number, window: Window, draws: int) -> Array:
    """The last volume inside the window at which a load is at most so much, (draw,).

    inf where it is not exceeded at the window's hi, 0 where it is exceeded from the window's lo on.
    """
    found = swaps_by_draw(load, linear(most), window, draws)
    e = found.events
    first = np.broadcast_to(load.value(at([window.lo])), (1, draws))[0]
    exceeded = first > most + TIE * np.abs(most)  # one that only just is not has its opening from above
    out = np.where(found.opening == 1, np.where(exceeded, 0.0, window.lo), np.inf)
    over = np.flatnonzero(e.above == 1)
    out[e.pair[over]] = e.volume[over]
    out[found._closing() != 1] = np.inf
    return np.asarray(out)


class _Cells(NamedTuple):
    """Cells of volume, (cell,) each, and the draw each belongs to."""

    row: Array
    lo: Array
    hi: Array

    def some(self, index: Array) -> _Cells:
        return _Cells(self.row[index], self.lo[index], self.hi[index])


class _Solver:
    """One pair of quantities; `common` and `limit` (draw,): up to where both, and either, are feasible."""

    def __init__(
        self, a: Quantity, b: Quantity, window: Window, common: Array, limit: Array, a_first: Array, opening: Array
    ) -> None:
        self.a, self.b, self.window, self.opening = a, b, window, opening
        self.common, self.limit, self.a_first = common, limit, a_first
        self.tail = limit > common * (1 + THIN)
        """Where only one of the two is feasible beyond what both are."""
        self.difference = linear(0, (1, a), (-1, b))
        self.stairs = list(_staircases(self.difference, {}, deciding=False))

    def solve(self, rows: Array) -> list[Events]:
        """Everything that happens in these draws, in a few portions. rows: ascending."""
        cells, kinks = self.undecided(rows)
        if len(rows) > 1 and kinks > MOST_KINKS:
            return self._halves(rows)
        if not len(cells.row):
            return []
        try:
            return [self.changes(cells)]
        except TooManyPieces:
            if len(rows) == 1:
                raise
            return self._halves(rows)

    def _halves(self, rows: Array) -> list[Events]:
        half = len(rows) // 2
        return [*self.solve(rows[:half]), *self.solve(rows[half:])]

    def undecided(self, rows: Array) -> tuple[_Cells, float]:
        """The cells in which the order may change, by draw and volume, neighbours joined; and about how many kinks
        lie in them. The opening is noted where the first cell is decided."""
        w = self.window
        seams = np.geomspace(w.lo, w.hi, FIRST + 1)
        seams[0], seams[-1] = w.lo, w.hi
        left, right = (np.tile(x, len(rows)) for x in (seams[:-1], seams[1:]))
        row = np.repeat(rows, FIRST)
        end = self.common[row]
        right = np.where(right * (1 + NARROW) >= end, end, right)
        within = ((left == w.lo) & (end > w.lo)) | (left * (1 + NARROW) < end)
        cells = _Cells(row, left, right).some(np.flatnonzero(within & (right > left)))
        only = rows[(self.common[rows] <= w.lo) & self.tail[rows]]  # both are feasible at the first volume alone
        ready, total = [_Cells(only, self.common[only], self.common[only])], 0.0
        while len(cells.row):
            sign, steps = self.look(cells)
            first = np.flatnonzero((sign != 0) & (cells.lo == w.lo))
            self.opening[cells.row[first]] = sign[first]
            open_ = (sign == 0) | (self.tail[cells.row] & (cells.hi == self.common[cells.row]))
            small = (steps <= FEW) | (cells.hi <= cells.lo * (1 + NARROW * SPLIT))
            done = open_ & small
            ready.append(cells.some(np.flatnonzero(done)))
            total += float((steps[done] + 1).sum())
            cells = _split(cells.some(np.flatnonzero(open_ & ~small)))
        return _joined(ready), total

    def look(self, cells: _Cells) -> tuple[Array, Array]:
        """The order in each cell (0: undecided), and about how many steps it holds."""
        low, high = cells.lo * (1 - MARGIN), cells.hi * (1 + MARGIN)
        lo, hi = At(low, low * (1 - SAME), cells.row), At(high, high * (1 + SAME), cells.row)
        bounds = [np.broadcast_to(x, low.shape) for x in self.difference.bounds(lo, hi)]
        gross = 0.0
        for q in (self.a, self.b):
            gross = gross + np.maximum(*np.abs(np.broadcast_arrays(*q.bounds(lo, hi))))
        slack = 4 * TIE * gross
        sign = (bounds[0] > slack).astype(np.int8) - (bounds[1] < -slack).astype(np.int8)
        steps = np.zeros(len(low))
        for stairs, deciding in self.stairs:
            least, most = stairs.bounds(lo.decision, hi.decision) if deciding else stairs.bounds(lo, hi)
            steps += most - least
        return sign, steps

    def changes(self, cells: _Cells) -> Events:
        """Everything that happens in these cells."""
        runs = Runs(*cells)
        tail = np.flatnonzero(self.tail[cells.row] & (cells.hi == self.common[cells.row]))
        beyond = self.limit[cells.row[tail]]
        edges = runs.edges(self.difference.kinks(runs), (tail, beyond) if len(tail) else None)
        (a_above, a_at), (b_above, b_at) = runs.sides(edges, self.a, self.b)
        above, at_ = np.concatenate([a_above, b_above]), np.concatenate([a_at, b_at])
        n = len(edges.left)
        count = np.bincount(edges.owner, minlength=len(cells.row))
        end = np.cumsum(count)
        if len(tail):  # the one that is no longer feasible costs more than any number, the other what it costs
            last = end[tail] - 1
            ended = np.where(self.a_first[cells.row[tail]], last, last + n)
            above[ended] = at_[ended] = NEVER
        left, right = np.concatenate([edges.left] * 2), np.concatenate([edges.right] * 2)
        lo, hi = self.window.lo, self.window.hi
        pieces = np.arange(2 * n)
        s = Stack(
            lo, hi, np.array([0, n, 2 * n]), above[:0], left, right, above, at_, (at_ - above) / (right - left), pieces
        )
        begin = end - count
        first = s.sign(above[begin], above[n + begin])
        at_lo = np.flatnonzero(cells.lo == lo)
        if len(at_lo):
            rows = cells.row[at_lo]
            here = At(np.full(len(rows), lo), np.full(len(rows), lo * (1 - SAME)), rows)
            first[at_lo] = s.sign(self.a.value(here), self.b.value(here))
            self.opening[rows] = first[at_lo]
        none = np.zeros_like(begin)
        tasks = Tasks(cells.row, none, none, begin, end - 1, begin + n, end - 1 + n, cells.lo, cells.hi)
        return joint_events(s, tasks, first, self.opening)


def _ends(end: Array | None, window: Window, draws: int) -> Array:
    """Ends by draw: the window's hi where it does not end inside, 0 where it is infeasible throughout."""
    if end is None:
        return np.full(draws, window.hi)
    out = np.array(np.broadcast_to(end, draws), dtype=np.float64)
    out[out >= window.hi * (1 - THIN)] = window.hi
    never = out < window.lo
    out[out * (1 - THIN) <= window.lo] = window.lo
    out[never] = 0.0
    return out


def _staircases(q: Quantity, seen: dict[tuple[int, bool], Quantity], *, deciding: bool) -> list[tuple[Steps, bool]]:
    """The staircases a quantity is made of, each once; with each whether it is read at the deciding volume."""
    if (id(q), deciding) in seen:
        return []
    seen[id(q), deciding] = q
    found = [(q, deciding)] if isinstance(q, Steps) else []
    for inner, decides in q.inner():
        found += _staircases(inner, seen, deciding=deciding or decides)
    return found


def _split(cells: _Cells) -> _Cells:
    """Each cell cut into a few, of equal ratios of their ends; seams are shared to the last bit."""
    ratio = (cells.hi / cells.lo) ** (1 / SPLIT)
    seams = np.empty((len(cells.row), SPLIT + 1))
    seams[:, 0], seams[:, -1] = cells.lo, cells.hi
    for i in range(1, SPLIT):
        seams[:, i] = seams[:, i - 1] * ratio
    return _Cells(np.repeat(cells.row, SPLIT), seams[:, :-1].reshape(-1), seams[:, 1:].reshape(-1))


def _joined(parts: list[_Cells]) -> _Cells:
    """Cells by draw and volume, neighbours joined to one."""
    row, lo, hi = (np.concatenate(x) for x in zip(*parts, strict=True))
    order = np.lexsort((lo, row))
    row, lo, hi = row[order], lo[order], hi[order]
    apart = (row[1:] != row[:-1]) | (lo[1:] != hi[:-1])
    some = np.ones(min(len(row), 1), dtype=bool)
    begin, end = np.concatenate([some, apart]), np.concatenate([apart, some])
    return _Cells(row[begin], lo[begin], hi[end])
