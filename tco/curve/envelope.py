"""The cheapest option at every volume: the lower envelope of all curves.

Found by merging the lower envelopes of ever larger groups with the very routine that compares two curves, so that the
edge of a band is the same float as the crossover of the two options that lead on its sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tco.curve.grid import grid, leading, runs
from tco.curve.merge import NONE, SAME_COST, TOUCH, Tasks, events
from tco.curve.stack import NEVER, Stack, ranges, solid, stack, thinned
from tco.curve.window import Pieces
from tco.quantity import Array


class Band(NamedTuple):
    """(lo, hi]: a range of volume, tokens per day, in which the same options are the cheapest feasible ones.

    leaders: their places in the list, ascending; several where they cost the same throughout; none where no option is
    feasible. The first band includes its lo; a step at the very first volume makes a first band [lo, lo].
    """

    lo: Any
    hi: Any
    leaders: tuple[int, ...]


class _Envelope(NamedTuple):
    """The lowest of a group of curves: segments by their right ends, the base piece each lies on, who leads there."""

    right: Array
    piece: Array
    leads: Array
    first: Any


class _Groups:
    """Sets of options that cost the same, by number; a set of one option has that option's number."""

    def __init__(self, n: int) -> None:
        self.members: list[tuple[int, ...]] = [(i,) for i in range(n)]
        self._number = {m: i for i, m in enumerate(self.members)}

    def union(self, a: Array, b: Array) -> Array:
        """The number of the union of each two sets."""
        code, back = np.unique(a * len(self.members) + b, return_inverse=True)
        size = len(self.members)
        numbers = []
        for c in code.tolist():
            joined = tuple(sorted(set(self.members[c // size]) | set(self.members[c % size])))
            if joined not in self._number:
                self._number[joined] = len(self.members)
                self.members.append(joined)
            numbers.append(self._number[joined])
        return np.array(numbers, dtype=np.int64)[back]


def bands(curves: Sequence[Pieces]) -> list[Band]:
    """The cheapest feasible options over the whole window, as ascending bands (lo, hi] that cover it."""
    rest, who = solid(curves), np.arange(len(curves))
    first = rest[0].window.array([c.first for c in rest])
    for plain in (True, False):
        rest, who = _contenders(rest, who, plain)
    s = stack(rest)
    groups = _Groups(len(curves))
    envelopes = _tracks(s, np.repeat(who, s.start[1:] - s.start[:-1]))
    while len(envelopes) > 1:
        envelopes = _merged(s, groups, envelopes)
    return _bands(s, groups, envelopes[0], first)


def _tracks(s: Stack, leads: Array) -> list[_Envelope]:
    """The curves as envelopes to begin with. Stretches that do not overlap share one, NEVER lying between them: where
    few curves contend at any one volume, few envelopes are left to merge."""
    dead = s.above == NEVER
    begins = np.flatnonzero(~dead & np.insert(dead[:-1] | (leads[1:] != leads[:-1]), 0, True))
    ends = np.flatnonzero(~dead & np.append(dead[1:] | (leads[1:] != leads[:-1]), True)) + 1
    nothing = np.flatnonzero(dead)[:1]
    tracks: list[list[Array]] = []
    until: list[Any] = []
    for i in np.argsort(s.left[begins], kind="stable").tolist():
        b, e = int(begins[i]), int(ends[i])
        low = s.left[b]
        track = next((k for k, u in enumerate(until) if u <= low), len(tracks))
        if track == len(tracks):
            tracks.append([])
            until.append(s.lo)
        if until[track] < low:
            tracks[track].append(nothing)
        tracks[track].append(np.arange(b, e))
        until[track] = s.right[e - 1]
    out = []
    for parts, high in zip(tracks, until, strict=True):
        piece = np.concatenate([*parts, nothing] if high < s.hi else parts)
        right = s.right[piece]
        gap = np.flatnonzero(dead[piece])
        right[gap] = np.append(s.left[piece], s.hi)[gap + 1]
        out.append(_Envelope(right, piece, leads[piece], s.first.min()))
    return out or [_Envelope(s.right[-1:], nothing, leads[nothing], s.first.min())]


def _contenders(curves: list[Pieces], who: Array, plain: bool) -> tuple[list[Pieces], Array]:
    """Each curve only where it may be the lowest; those that are so nowhere are left out."""
    g = grid(curves, plain=plain)
    if g is None:
        return curves, who
    may = leading(g)
    some = np.flatnonzero(may.any(axis=1))
    may = may[some]
    alone = may & (may.sum(axis=0) == 1)  # nothing to find out there
    row, c0, c1 = runs(may & ~alone)
    # before each run, and after the last of each curve: does it lead alone there? The cell next to the run tells:
    # where one leader follows another, there is a cell between in which both may lead
    last = np.searchsorted(row, np.arange(len(some)), side="right")
    sole = np.insert(alone[row, np.maximum(c0 - 1, 0)] & (c0 > 0), last, alone[:, -1])
    o = some[row]
    return thinned([curves[i] for i in some], (row, g.begin[o, c0], g.end[o, c1]), sole)[0], who[some]


def _merged(s: Stack, groups: _Groups, envelopes: list[_Envelope]) -> list[_Envelope]:
    """The envelopes of neighbours, two by two; an odd last one is kept."""
    e = _stacked(s, envelopes)
    n = len(envelopes) // 2
    a, b = 2 * np.arange(n), 2 * np.arange(n) + 1
    last = e.start[1:] - 1
    ends = e.left[:1].repeat(n), e.right[-1:].repeat(n)  # lo and hi
    opening = np.full(n, NONE, dtype=np.int8)
    found = events(e, Tasks(np.arange(n), a, b, e.start[a], last[a], e.start[b], last[b], *ends), opening)
    out = []
    bounds = np.searchsorted(found.pair, np.arange(n + 1))
    for p in range(n):
        two = envelopes[2 * p], envelopes[2 * p + 1]
        k = np.arange(bounds[p], bounds[p + 1])
        k = k[found.kind[k] != TOUCH]
        # the order changes at these volumes: a swap at its volume, an equality where it begins and where it ends
        same = found.kind[k] == SAME_COST
        at = np.concatenate([found.since[k][same], found.volume[k]])
        to = np.concatenate([np.zeros(int(same.sum()), dtype=np.int8), found.above[k]])
        order = np.argsort(at, kind="stable")
        at, to = at[order], to[order]
        signs = np.concatenate([opening[p : p + 1], to])
        lows, highs = np.concatenate([e.left[:1], at]), np.concatenate([at, e.right[-1:]])
        keep = highs > lows
        out.append(_spliced(s, groups, two, (lows[keep], highs[keep], signs[keep])))
    return out + envelopes[2 * n :]


def _spliced(
    s: Stack, groups: _Groups, two: tuple[_Envelope, _Envelope], intervals: tuple[Array, Array, Array]
) -> _Envelope:
    """Of each interval (low, high], the segments of the cheaper envelope (sign): of the first where they cost the same,
    and both lead."""
    lows, highs, signs = intervals
    if np.any(signs == 0):  # there the second's leaders may change where the first has no edge
        other = two[1]
        cuts = other.right[:-1][other.leads[1:] != other.leads[:-1]]
        inside = np.searchsorted(highs, cuts, side="left")
        cuts = cuts[(signs[inside] == 0) & (lows[inside] < cuts) & (cuts < highs[inside])]
        signs = np.insert(signs, np.searchsorted(highs, cuts), 0)
        lows, highs = np.sort(np.concatenate([lows, cuts])), np.sort(np.concatenate([highs, cuts]))
    right, piece, leads = [], [], []
    for which, envelope in enumerate(two):
        mine = np.flatnonzero(signs > 0) if which else np.flatnonzero(signs <= 0)
        inner = envelope.right[:-1]
        begin = np.searchsorted(inner, lows[mine] * (1 + s.thin), side="right")
        end = np.searchsorted(inner, highs[mine] * (1 - s.thin), side="left")
        segment = ranges(begin, end + 1)
        ends = envelope.right[segment]
        final = np.cumsum(end + 1 - begin) - 1
        ends[final] = highs[mine]
        right.append(ends)
        piece.append(envelope.piece[segment])
        lead = envelope.leads[segment]
        if not which and np.any(signs == 0):
            other = two[1]
            tied = np.repeat(signs[mine] == 0, end + 1 - begin)
            there = np.searchsorted(other.right[:-1], ends[tied] * (1 - s.thin), side="left")
            lead = lead.copy()
            lead[tied] = groups.union(lead[tied], other.leads[there])
        leads.append(lead)
    joined = np.concatenate(right)
    order = np.argsort(joined, kind="stable")
    first = min(two[0].first, two[1].first)
    return _Envelope(joined[order], np.concatenate(piece)[order], np.concatenate(leads)[order], first)


def _stacked(s: Stack, envelopes: list[_Envelope]) -> Stack:
    """Envelopes as curves of their own."""
    start = np.concatenate([[0], np.cumsum([len(x.right) for x in envelopes])])
    right = np.concatenate([x.right for x in envelopes])
    piece = np.concatenate([x.piece for x in envelopes])
    left = np.empty_like(right)
    left[1:] = right[:-1]
    left[start[:-1]] = s.lo
    at = np.where(right == s.right[piece], s.at[piece], s.value(piece, right))
    first = np.empty(len(envelopes), dtype=s.first.dtype)
    first[:] = [x.first for x in envelopes]
    return Stack(s.lo, s.hi, start, first, left, right, s.value(piece, left), at, s.slope[piece], piece, s)


def _bands(s: Stack, groups: _Groups, e: _Envelope, first: Array) -> list[Band]:
    out: list[Band] = []
    dead = s.above[e.piece] == NEVER
    leads = np.where(dead, -1, e.leads)
    last = np.concatenate([np.flatnonzero(leads[1:] != leads[:-1]), [len(leads) - 1]])
    best = first.min()
    ties = np.flatnonzero(s.sign(first, np.full_like(first, best)) == 0).tolist()
    at_lo = tuple(ties) if best != NEVER else ()
    lo = s.lo
    for i in last.tolist():
        leaders = () if dead[i] else groups.members[e.leads[i]]
        hi = e.right[i]
        hi = hi if s.exact else float(hi)
        if not out and at_lo and (not leaders or not set(leaders) <= set(at_lo)):
            out.append(Band(lo, lo, at_lo))
        out.append(Band(lo, hi, leaders))
        lo = hi
    return out
