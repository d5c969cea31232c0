"""Which of two options is cheaper, at every volume: crossovers, cells and outcomes of pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np

from tco.curve.grid import Grid, grid, runs, undecided
from tco.curve.merge import END, MEET, NONE, SAME_COST, STEP, TOUCH, Events, Tasks, events
from tco.curve.stack import Stack, solid, stack, thinned
from tco.curve.window import THIN, Pieces, Window, pieces
from tco.quantity import Array, Quantity

Kind = Literal["meet", "step", "same", "touch", "end"]
Side = Literal["a", "b"]
Outcome = Literal["crosses", "always_a", "always_b", "identical", "outside", "neither"]

_KINDS: dict[int, Kind] = {MEET: "meet", STEP: "step", SAME_COST: "same", TOUCH: "touch", END: "end"}


class Crossover(NamedTuple):
    """One change between two options a and b, at `volume` tokens per day.

    meet: both cost the same there, and their order differs on either side. step: up to it, included, one is cheaper,
    just above it the other. same: both cost the same from `since` to `volume`. touch: they cost the same there, but
    the order is the same on either side. end: one stops being feasible there (the last volume it serves).
    `cheaper_below`, `cheaper_above`: None where there is no order (an end of the range; neither feasible).
    """

    volume: Any
    kind: Kind
    cheaper_below: Side | None
    cheaper_above: Side | None
    since: Any

    @property
    def swap(self) -> bool:
        """Whether the order differs on the two sides: what counts as a crossover."""
        return None not in (self.cheaper_below, self.cheaper_above) and self.cheaper_below != self.cheaper_above


@dataclass(frozen=True, slots=True)
class Cell:
    """A maximal interval (lo, hi] on which the sign of A - B is constant; the first one includes its lo.

    sign: -1 where A is cheaper, 1 where B is, 0 where they cost the same, None where neither is feasible. A single
    volume of equal cost belongs to the cell below it. A step at the very first volume makes a first cell [lo, lo].
    """

    lo: Any
    hi: Any
    sign: int | None


class Pair(NamedTuple):
    """The order of two options over the whole range.

    crosses: there is a swap inside. always_a, always_b: that one is never dearer and somewhere cheaper. identical:
    the same cost throughout. neither: none is feasible anywhere. outside: no swap inside the range, but `outside`
    has the nearest one below and above it, of a wider range.
    """

    outcome: Outcome
    cells: tuple[Cell, ...]
    events: tuple[Crossover, ...]
    outside: tuple[Crossover, ...] = ()

    @property
    def crossovers(self) -> tuple[Crossover, ...]:
        """The swaps, by volume."""
        return tuple(e for e in self.events if e.swap)


class Crossovers:
    """Everything that happens between every two of n curves; arrays are (event,), by pair and volume.

    Pair p is `pairs[p]` = (a, b), a < b, in the order of the list. See `merge.Events` for the columns.
    """

    __slots__ = ("events", "limit", "opening", "pairs", "window")

    def __init__(self, window: Window, pairs: Array, events: Events, opening: Array, limit: Array) -> None:
        self.window, self.pairs, self.events, self.opening, self.limit = window, pairs, events, opening, limit

    @property
    def swap(self) -> Array:
        """Which events swap the order of their pair, (event,) of bool."""
        return np.asarray(self.events.below * self.events.above == -1)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.swap))

    def of(self, a: int, b: int) -> Pair:
        """What happens between curves a and b of the list (in either order), as objects. `a == b` is an error."""
        low, high = min(a, b), max(a, b)
        p = int(np.flatnonzero((self.pairs[:, 0] == low) & (self.pairs[:, 1] == high))[0])
        e = self.events
        i, j = np.searchsorted(e.pair, [p, p + 1])
        turn = 1 if a < b else -1
        names: dict[int, Side | None] = {-1: "a", 1: "b", 0: None, NONE: None}

        def name(sign: Any) -> Side | None:
            return names[int(sign) if sign == NONE else turn * int(sign)]

        found = tuple(
            Crossover(
                _number(e.volume[k]), _KINDS[int(e.kind[k])], name(e.below[k]), name(e.above[k]), _number(e.since[k])
            )
            for k in range(i, j)
        )
        cells = _cells(self.window, found, turn * int(self.opening[p]), self.limit[p])
        return Pair(_outcome(cells), cells, found)


def all_pairs(curves: Sequence[Pieces]) -> Crossovers:
    """Every change between every two of these curves, all over one window (else ValueError)."""
    first, second = np.triu_indices(len(curves), 1)
    limits = _limits(curves, first, second)
    all_ = solid(curves)
    g = grid(all_)
    if g is None:
        s, opening, tasks = _whole_pairs(all_, first, second, limits)
    else:
        s, opening, tasks = _parts(all_, g, first, second, limits)
    found = events(s, tasks, opening)
    return Crossovers(curves[0].window, np.stack([first, second], axis=1), found, opening, limits)


def pair(a: Pieces, b: Pieces, beyond: Window | None = None) -> Pair:
    """The order of two curves.

    beyond: a wider window to look in where the order never swaps inside the curves' own. It must contain the curves'
    window, and the curves must carry the quantity they were drawn from (else ValueError); then they are drawn again
    over the wider window, and the outcome is `outside` where a swap lies below lo or above hi. A curve's last piece is
    never extended blindly: a staircase has no affine continuation.
    """
    inside = all_pairs([a, b]).of(0, 1)
    if beyond is None or inside.crossovers:
        return inside
    w = a.window
    if beyond.exact != w.exact or beyond.lo > w.lo or beyond.hi < w.hi:
        raise ValueError("the window to look in beyond the range must contain it, in the same kind of numbers")
    if a.quantity is None or b.quantity is None:
        raise ValueError("only curves drawn from a quantity can be followed beyond their window")
    wide = all_pairs([pieces(c.quantity, beyond, c.end) for c in (a, b) if c.quantity is not None]).of(0, 1)
    below = [c for c in wide.crossovers if c.volume <= w.lo]
    above = [c for c in wide.crossovers if c.volume >= w.hi]
    outside = tuple(below[-1:] + above[:1])
    return Pair("outside", inside.cells, inside.events, outside) if outside else inside


def swaps(a: Pieces, b: Pieces) -> tuple[Crossover, ...]:
    """The volumes at which two curves swap order, ascending."""
    return pair(a, b).crossovers


def cells(a: Pieces, b: Pieces) -> tuple[Cell, ...]:
    """The ordered partition of the range into maximal intervals of constant sign of A - B."""
    return pair(a, b).cells


def exact(
    crossover: Crossover, a: Quantity, b: Quantity, *, ends: tuple[Fraction | None, Fraction | None] = (None, None)
) -> Fraction:
    """The same crossover as an exact rational: a and b are the same quantities, built with `Fraction` coefficients.

    They are solved again, exactly, in a narrow window around it. ends: the volumes at which a and b stop being
    feasible. ValueError where no such change is near: the two are then not the same quantities.
    """
    volume = Fraction(crossover.volume)
    for bits in (36, 30, 24, 18, 12, 6):
        reach = volume / 2**bits
        window = Window(volume - reach, volume + reach)
        found_here = pair(pieces(a, window, ends[0]), pieces(b, window, ends[1]))
        near = [c for c in found_here.events if _alike(c, crossover)]
        if near:
            found = min(near, key=lambda c: abs(c.volume - volume))
            return Fraction(found.volume)
    raise ValueError(f"no {crossover.kind} near {float(volume):,.6g} tokens/day in exact arithmetic")


def _alike(found: Crossover, sought: Crossover) -> bool:
    """The same change: the same order above, and below (which a narrow window may not show of a long equality). A touch
    at an end of the range is a meeting in a window that reaches beyond it."""
    if sought.kind == "touch":
        return found.kind in ("touch", "meet", "end")
    if sought.swap != found.swap and found.kind != "same":
        return False
    return found.cheaper_above == sought.cheaper_above and found.cheaper_below in (sought.cheaper_below, None)


def _limits(curves: Sequence[Pieces], first: Array, second: Array) -> Array:
    """Beyond this volume neither curve of the pair is feasible."""
    window = curves[0].window
    ends = window.array([window.hi if c.end is None else max(c.end, window.lo) for c in curves])
    return np.maximum(ends[first], ends[second])


def _whole_pairs(curves: Sequence[Pieces], first: Array, second: Array, limits: Array) -> tuple[Stack, Array, Tasks]:
    """Each pair as one task, over all of the range where either is feasible."""
    s = stack(curves)
    places = [np.arange(i, j) for i, j in itertools.pairwise(s.start.tolist())]
    pair_ = np.flatnonzero(limits > s.lo)
    a, b, right = first[pair_], second[pair_], limits[pair_]
    a1, b1 = (_piece_at(curves, places, c, right) for c in (a, b))
    begin = np.full_like(right, s.lo)
    opening = np.full(len(first), NONE, dtype=np.int8)
    return s, opening, Tasks(pair_, a, b, s.start[a], a1, s.start[b], b1, begin, right)


def _parts(curves: Sequence[Pieces], g: Grid, first: Array, second: Array, limits: Array) -> tuple[Stack, Array, Tasks]:
    """As tasks only the stretches of each pair that a coarse look leaves undecided, and only the pieces they need."""
    sign, look = undecided(g, first, second)
    look &= g.seam[:-1] < limits[:, np.newaxis]
    needed = np.zeros((len(curves), look.shape[1]), dtype=bool)
    for o in range(len(curves)):
        needed[o] = look[(first == o) | (second == o)].any(axis=0)
    row, c0, c1 = runs(needed)
    needed_curves, places = thinned(curves, (row, g.begin[row, c0], g.end[row, c1]))
    s = stack(needed_curves)
    places = [place + i for place, i in zip(places, s.start[:-1], strict=True)]
    size = np.array([len(p) for p in places])
    flat, offset = np.concatenate(places), np.cumsum(size) - size

    pair_, c0, c1 = runs(look)
    a, b = first[pair_], second[pair_]
    right = np.minimum(g.seam[c1 + 1], limits[pair_])
    ends = [flat[offset[c] + g.end[c, c1]] for c in (a, b)]
    short = np.flatnonzero(g.seam[c1 + 1] > right)
    for end, curve in zip(ends, (a, b), strict=True):
        end[short] = _piece_at(curves, places, curve[short], right[short])
    opening = np.full(len(first), NONE, dtype=np.int8)
    known = (limits > s.lo) & ~look[:, 0]
    opening[known] = sign[known, 0]
    begins = [flat[offset[c] + g.begin[c, c0]] for c in (a, b)]
    return s, opening, Tasks(pair_, a, b, begins[0], ends[0], begins[1], ends[1], g.seam[c0], right)


def _piece_at(curves: Sequence[Pieces], places: list[Array], curve: Array, volume: Array) -> Array:
    """Where in the stack the piece of each curve is that ends at, or contains, a volume."""
    out = np.empty(len(curve), dtype=np.int64)
    for i, o in enumerate(curve.tolist()):
        c = curves[o]
        thin = 0 if c.window.exact else THIN
        out[i] = places[o][np.searchsorted(c.edges[1:-1], volume[i] * (1 - thin))]
    return out


def _cells(window: Window, found: tuple[Crossover, ...], opening: int, limit: Any) -> tuple[Cell, ...]:
    signs = {"a": -1, "b": 1}
    out: list[Cell] = []
    lo, sign = window.lo, opening

    def close(hi: Any) -> None:
        nonlocal lo
        if hi > lo or (hi == lo == window.lo and not out):
            if out and out[-1].sign == sign:
                out[-1] = Cell(out[-1].lo, hi, sign)
            else:
                out.append(Cell(lo, hi, sign))
        lo = hi

    limit = _number(limit)
    for e in found:
        if e.kind == "touch":
            continue
        if e.kind == "same":
            if e.since > lo or e.cheaper_below is not None:  # the latter: they step to the same just above lo
                close(e.since)
            sign = 0
        close(e.volume)
        if e.cheaper_above is not None:
            sign = signs[e.cheaper_above]
    if limit > lo:
        close(limit)
    if limit < window.hi:
        out.append(Cell(limit, window.hi, None))
    return tuple(out)


def _outcome(found: tuple[Cell, ...]) -> Outcome:
    signs = {c.sign for c in found if c.sign is not None}
    if {-1, 1} <= signs:
        return "crosses"
    if -1 in signs:
        return "always_a"
    if 1 in signs:
        return "always_b"
    return "identical" if 0 in signs else "neither"


def _number(value: Any) -> Any:
    return value if isinstance(value, Fraction) else float(value)
