"""The order of two curves, volume by volume: merge their edges, compare both sides of each, read off every change.

Between two neighbouring edges of a pair both curves are affine, so their order there is known from the two ends. The
signs of A - B are laid out as one sequence per pair, two to a cell of the merged edges:

    first, R0, L0, R1, L1, ..., Rn, Ln          R: just above the cell's left end; L: at its right end

so that an odd place and the next are one cell, and an even place and the next are the two sides of an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tco.curve.stack import NEVER, Stack, ranges
from tco.quantity import Array

MEET, STEP, SAME_COST, TOUCH, END = range(5)
NONE = 2  # the "sign" beyond the ends of a range: there is no order there

CHUNK = 1 << 15  # edges merged at a time: more would leave the cache


class Tasks(NamedTuple):
    """Stretches of pairs to be merged, (task,) each; `pair` ascending, the tasks of one pair by volume.

    a, b: curves. a0, a1 (b0, b1): the piece at the stretch's left and right end. left, right: its ends.
    """

    pair: Array
    a: Array
    b: Array
    a0: Array
    a1: Array
    b0: Array
    b1: Array
    left: Array
    right: Array

    def part(self, i: int, j: int) -> Tasks:
        """Tasks i to j - 1."""
        return Tasks(*(column[i:j] for column in self))


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What happens between the two curves of each pair, (event,) each, by pair and volume.

    `kind`: MEET, STEP, SAME_COST, TOUCH, END. From `since` to `volume` (equal but for SAME_COST). `below`, `above`: the
    sign of A - B on either side, or NONE where the range of volume begins or ends.
    """

    pair: Array
    kind: Array
    since: Array
    volume: Array
    below: Array
    above: Array


class _Changes(NamedTuple):
    """Neighbouring places of unlike sign: `place` is the first of the two. a_left..b_right: the pieces on either side
    of the last edge at or before it."""

    pair: Array
    place: Array
    before: Array
    after: Array
    a_left: Array
    a_right: Array
    b_left: Array
    b_right: Array


def joint_edges(s: Stack, pieces: Array) -> Array:
    """For the right ends of these pieces (ascending within each curve): the number of the distinct edge that it is,
    over all curves. Edges nearer than THIN are one, but never two of the same curve."""
    volume = s.right[pieces]
    order = np.argsort(volume, kind="stable")
    ordered = volume[order]
    apart = np.empty(len(order), dtype=bool)
    apart[:1] = False
    np.greater(ordered[1:], ordered[:-1] * (1 + s.thin), out=apart[1:])
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(apart)
    curve = np.searchsorted(s.start, pieces, side="right")
    if np.any((number[1:] == number[:-1]) & (curve[1:] == curve[:-1])):
        seen: set[int] = set()
        for i in range(len(order)):  # a chain of near edges holds two of one curve: cut it there (never in earnest)
            owner = int(curve[order[i]])
            if apart[i]:
                seen.clear()
            elif owner in seen:
                apart[i] = True
                seen.clear()
            seen.add(owner)
        number[order] = np.cumsum(apart)
    return number


def events(s: Stack, tasks: Tasks, opening: Array) -> Events:
    """Every change in every task.

    `opening` (pair,) is filled, where it is NONE, with each pair's sign at the start of its first task: the sign at lo,
    or the one above where they only touch there.
    """
    sizes = (tasks.a1 - tasks.a0) + (tasks.b1 - tasks.b0)
    joint = _Joint(s)
    found: list[Events] = []
    i = 0
    cumulative = np.cumsum(sizes)
    while i < len(sizes):
        done = cumulative[i] - sizes[i]
        j = max(i + 1, int(np.searchsorted(cumulative, done + CHUNK, side="right")))
        found.append(_events(s, _changes(s, tasks.part(i, j), joint, opening)))
        i = j
    if not found:
        return _nothing(s)
    return _opened(s, Events(*(np.concatenate([getattr(e, n) for e in found]) for n in Events.__slots__)), opening)


def joint_events(s: Stack, t: Tasks, first: Array, opening: Array) -> Events:
    """Every change in every task, of two curves with the same edges: piece p of one lies beside p + n of the other.

    The stack holds n pieces of the one and n of the other, by task. first (task,): the sign at a task's left end.
    `opening` (pair,) is filled, but where the curves only touch at lo, by the caller.
    """
    n, tasks = len(s.left) // 2, np.arange(len(t.pair))
    place = np.arange(n) + np.repeat(tasks, t.a1 - t.a0 + 1)  # of what lies above a piece's left end
    base = np.append(t.a0 + tasks, n + len(tasks))
    signs = np.empty((n + len(tasks), 2), dtype=np.int8)
    signs[place, 1] = s.sign(s.above[:n], s.above[n:])
    signs[place + 1, 0] = s.sign(s.at[:n], s.at[n:])
    signs[base[:-1], 0], signs[base[1:] - 1, 1] = first, signs[base[1:] - 1, 0]

    flat = signs.reshape(-1)
    where = np.flatnonzero(flat[1:] != flat[:-1])
    task = np.searchsorted(2 * base, where, side="right") - 1
    inside = where + 1 < 2 * base[task + 1]
    where, task = where[inside], task[inside]
    cell = where // 2 - base[task]
    right = t.a0[task] + cell
    left = right - (cell > 0)
    place, before, after = where - 2 * base[task], flat[where], flat[where + 1]
    changes = _Changes(t.pair[task], place, before, after, left, right, left + n, right + n)
    changes = _with_ends(t, changes, task, first, signs[base[1:] - 1, 0], 2 * (base[1:] - base[:-1]) - 1)
    return _opened(s, _events(s, changes), opening)


def _opened(s: Stack, e: Events, opening: Array) -> Events:
    """Where two curves are equal at the first volume alone, their order there is the one above."""
    at_lo = (e.kind == TOUCH) & (e.volume <= s.lo)
    opening[e.pair[at_lo]] = e.above[at_lo]
    return e


class _Joint:
    """The edges of all curves together: which piece of one curve an edge of another meets, by table, not by search."""

    def __init__(self, s: Stack) -> None:
        inner = np.ones(len(s.left), dtype=bool)
        inner[s.start[1:] - 1] = False
        pieces = np.flatnonzero(inner)
        number = joint_edges(s, pieces)
        width = (int(number.max()) if len(pieces) else 0) + 1
        self.number = np.zeros(len(s.left), dtype=np.int64)
        self.number[pieces] = number
        self.piece = np.empty((len(s.start) - 1, width), dtype=np.int32)  # of each curve, just left of each joint edge
        self.own = np.zeros((len(s.start) - 1, width), dtype=bool)  # whether the edge is one of the curve's own
        runs = np.diff(number, prepend=-1)
        for o in range(len(s.start) - 1):
            i, j = int(s.start[o]), int(s.start[o + 1])
            edges = number[i - o : j - o - 1]
            self.own[o, edges] = True
            counts = np.empty(j - i, dtype=np.int64)
            counts[:-1] = runs[i - o : j - o - 1]
            if len(edges):
                counts[0] = edges[0] + 1
            counts[-1] = width - 1 - (edges[-1] if len(edges) else -1)
            self.piece[o] = np.repeat(np.arange(i, j, dtype=np.int32), counts)

    def meets(self, edge: Array | slice, curve: Array) -> tuple[Array, Array]:
        """Of another curve (one, or one for each edge): the piece left of these edges, and whether it has the edge."""
        k = self.number[edge]
        if len(curve) == 1:
            return self.piece[curve[0]].take(k).astype(np.intp), self.own[curve[0]].take(k)
        k = k + curve * self.piece.shape[1]
        return self.piece.reshape(-1).take(k).astype(np.intp), self.own.reshape(-1).take(k)


class _Side(NamedTuple):
    """The edges of one curve of each task: pieces they end, (edge,), and how many each task has.

    other: the piece of the other curve left of each edge, shared: whether that is an edge of the other curve as well.
    cell: its place among all merged cells of the tasks, the one that it ends (counted from 1 within a task).
    """

    edge: Array
    view: Array | slice
    following: Array | slice
    counts: Array
    other: Array
    shared: Array
    cell: Array


def _sides(t: Tasks, joint: _Joint) -> tuple[_Side, _Side, Array]:
    """Merge the two curves of each task; and where each task's cells begin, (task + 1,).

    A task of n cells takes n + 1 places: place 0 is for what comes before its first cell."""
    single = len(t.a) == 1

    def spread(values: Array, counts: Array) -> Array:
        return values if single else np.repeat(values, counts)

    sides = []
    for begin, end, other in ((t.a0, t.a1, t.b), (t.b0, t.b1, t.a)):
        count = end - begin
        edge = ranges(begin, end)
        view = slice(int(begin[0]), int(end[0])) if single else edge
        following = slice(int(begin[0]) + 1, int(end[0]) + 1) if single else edge + 1
        sides.append((edge, view, following, count, *joint.meets(view, spread(other, count))))
    size = 1 + (t.a1 - t.a0) + (t.b1 - t.b0)
    common = [np.zeros(len(t.a), dtype=np.int64)] * 2
    before = None
    if sides[0][5].any():  # common edges count once
        before = [np.cumsum(side[5]) - side[5] for side in sides]
        starts = [np.cumsum(side[3]) - side[3] for side in sides]
        common = [np.append(b, side[5].sum())[i] for b, i, side in zip(before, starts, sides, strict=True)]
        size = size - np.diff(common[0], append=sides[0][5].sum())
    base = np.concatenate([[0], np.cumsum(size + 1)])
    out = []
    for k, side in enumerate(sides):
        cell = side[0] + side[4]
        cell += spread(base[:-1] + 1 - t.a0 - t.b0 + common[k], side[3])
        if before is not None:
            cell -= before[k]
        out.append(_Side(*side, cell))
    return out[0], out[1], base


def _signs(s: Stack, t: Tasks, a: _Side, b: _Side, base: Array) -> Array:
    """The sign of A - B in every place, (places, 2): of the n cells of a task, (first, R0), (L0, R1), ... (Ln, Ln)."""
    signs = np.empty((int(base[-1]), 2), dtype=np.int8)
    both = signs.view(np.int16)[:, 0]
    at_edge = np.empty((len(b.edge), 2), dtype=np.int8)
    value = s.value(b.other, s.right[b.view])
    at_edge[:, 0] = s.sign(value, s.at[b.view])
    at_edge[:, 1] = s.sign(value, s.above[b.following])
    both[b.cell] = at_edge.view(np.int16)[:, 0]
    # then side a: at a common edge both curves are known, and nothing is interpolated
    at_edge = np.empty((len(a.edge), 2), dtype=np.int8)
    value = s.value(a.other, s.right[a.view])
    shared = np.flatnonzero(a.shared)
    value[shared] = s.at[a.other[shared]]
    at_edge[:, 0] = s.sign(s.at[a.view], value)
    value[shared] = s.above[a.other[shared] + 1]
    at_edge[:, 1] = s.sign(s.above[a.following], value)
    both[a.cell] = at_edge.view(np.int16)[:, 0]

    begin, end = base[:-1], base[1:] - 1
    start = s.sign(s.value(t.a0, t.left), s.value(t.b0, t.left))
    signs[begin, 1] = start
    signs[begin, 0] = np.where(t.left == s.lo, s.sign(s.first[t.a], s.first[t.b]), start)
    ends = [np.where(t.right == s.right[p], s.at[p], s.value(p, t.right)) for p in (t.a1, t.b1)]
    signs[end] = s.sign(ends[0], ends[1])[:, np.newaxis]
    return signs


def _changes(s: Stack, t: Tasks, joint: _Joint, opening: Array) -> _Changes:
    a, b, base = _sides(t, joint)
    signs = _signs(s, t, a, b, base)
    first = np.flatnonzero(opening[t.pair] == NONE)
    first = first[np.unique(t.pair[first], return_index=True)[1]]
    opening[t.pair[first]] = signs[base[first], 0]

    flat = signs.reshape(-1)
    where = np.flatnonzero(flat[1:] != flat[:-1])
    task = np.searchsorted(2 * base, where, side="right") - 1 if len(t.a) > 1 else np.zeros(len(where), dtype=np.int64)
    if len(t.a) > 1:
        inside = where + 1 < 2 * base[task + 1]
        where, task = where[inside], task[inside]
    cell = where // 2  # the cell that ends at the last edge at or before
    sides = []
    for side, begin in ((a, t.a0), (b, t.b0)):
        count = np.searchsorted(side.cell, cell, side="right")
        offset = np.cumsum(side.counts) - side.counts
        hit = count > offset[task]
        if len(side.cell):
            hit &= side.cell[count - 1] == cell
        right = begin[task] + count - offset[task]
        sides += [right - hit, right]
    changes = _Changes(t.pair[task], where - 2 * base[task], flat[where], flat[where + 1], *sides)
    # the last place of a task holds one sign twice: the sequence ends with the first of the two
    return _with_ends(t, changes, task, signs[base[:-1], 0], signs[base[1:] - 1, 0], 2 * (base[1:] - base[:-1]) - 1)


def _with_ends(t: Tasks, c: _Changes, task: Array, first: Array, last: Array, length: Array) -> _Changes:
    """Where a task begins or ends with equal costs, say so: a change from NONE, or to it."""
    begins, ends = np.flatnonzero(first == 0), np.flatnonzero(last == 0)
    if not len(begins) and not len(ends):
        return c
    none_b, none_e = np.full(len(begins), NONE, dtype=np.int8), np.full(len(ends), NONE, dtype=np.int8)
    a0, b0, a1, b1 = t.a0[begins], t.b0[begins], t.a1[ends], t.b1[ends]
    rows = [
        np.concatenate([begins, task, ends]),
        np.concatenate([np.full(len(begins), -1), c.place, length[ends] - 1]),
        np.concatenate([none_b, c.before, last[ends]]),
        np.concatenate([first[begins], c.after, none_e]),
        np.concatenate([a0, c.a_left, a1]),
        np.concatenate([a0, c.a_right, a1 + 1]),
        np.concatenate([b0, c.b_left, b1]),
        np.concatenate([b0, c.b_right, b1 + 1]),
    ]
    order = np.lexsort((rows[1], rows[0]))
    rows = [r[order] for r in rows]
    return _Changes(t.pair[rows[0]], *rows[1:])


def _events(s: Stack, c: _Changes) -> Events:
    """Read the events from the changes: the definitions of ENGINE.md section 1.4."""
    direct = np.flatnonzero((c.before != 0) & (c.after != 0))
    opens = np.flatnonzero(c.after == 0)  # each is followed by the change that closes its run of equal costs
    closes = opens + 1

    odd = c.place[direct] % 2 == 1
    stepping, meeting = direct[~odd], direct[odd]
    first, last = c.place[opens] + 1, c.place[closes]
    interval = (first | 1) + 1 <= last
    limit_only = ~interval & (first == last) & (first % 2 == 1)  # equal just above an edge, not at it
    swaps = c.before[opens] == -c.after[closes]
    same = opens[interval]
    tied = opens[~interval & ~limit_only & swaps]
    touching = opens[~interval & ~limit_only & ~swaps]
    limit = opens[limit_only & swaps]

    groups: list[tuple[Array, ...]] = []

    def put(kind: int, opening: Array, closing: Array, since: Array, volume: Array) -> None:
        kinds = np.full(len(opening), kind)
        if kind in (STEP, MEET):  # one of the two ceases to be feasible there
            kinds[(s.above[c.a_right[closing]] == NEVER) | (s.above[c.b_right[closing]] == NEVER)] = END
        groups.append((opening, c.pair[opening], kinds, since, volume, c.before[opening], c.after[closing]))

    if len(meeting):
        a, b = c.a_right[meeting], c.b_right[meeting]
        at_root = _snapped(s, s.root(a, b), a, b)
        put(MEET, meeting, meeting, at_root, at_root)
    if len(tied):
        at_tie = _tie(s, c, tied + 1)
        put(MEET, tied, tied + 1, at_tie, at_tie)
    for kind, opening, closing in (
        (STEP, stepping, stepping),
        (STEP, limit, limit + 1),
        (TOUCH, touching, touching + 1),
    ):
        if len(opening):
            edge = _edge(s, c, closing)
            put(kind, opening, closing, edge, edge)
    if len(same):
        put(SAME_COST, same, same + 1, _beginning(s, c, same), _edge(s, c, same + 1))
    if not groups:
        return _nothing(s)
    joined = [np.concatenate(columns) for columns in zip(*groups, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return _tidy(s, Events(*(column[order] for column in joined[1:])))


def _nothing(s: Stack) -> Events:
    none, signs = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    return Events(none, none, s.left[:0], s.left[:0], signs, signs)


def _beginning(s: Stack, c: _Changes, i: Array) -> Array:
    """Where the runs of equal cost that these changes open begin: at the edge they follow, or, where the costs met in a
    cell, at its right end."""
    virtual = c.place[i] < 0
    in_cell = c.place[i] % 2 == 1
    cell_end = np.minimum(s.right[c.a_right[i]], s.right[c.b_right[i]])
    return np.where(virtual, s.lo, np.where(in_cell, cell_end, _edge(s, c, i)))


def _edge(s: Stack, c: _Changes, i: Array) -> Array:
    """The volume of the last edge at or before these changes: the lower of the two where both curves have it."""
    hit_a, hit_b = c.a_left[i] != c.a_right[i], c.b_left[i] != c.b_right[i]
    xa, xb = s.right[c.a_left[i]], s.right[c.b_left[i]]
    edge = np.where(hit_a & hit_b, np.minimum(xa, xb), np.where(hit_a, xa, xb))
    return np.where(hit_a | hit_b, edge, s.lo)


def _snapped(s: Stack, volume: Array, a: Array, b: Array) -> Array:
    """A meeting nearer than THIN to an end of its cell is at that end."""
    low, high = np.maximum(s.left[a], s.left[b]), np.minimum(s.right[a], s.right[b])
    volume = np.where(volume - low <= s.thin * low, low, volume)
    return np.where(high - volume <= s.thin * high, high, volume)


def _tie(s: Stack, c: _Changes, i: Array) -> Array:
    """Where curves meet that are equal, within TIE, at an edge and change their order there.

    The bare difference tells on which side of the edge they really meet: for nearly parallel lines that may be further
    away than a hair. i: the changes that close the ties, on the right of the edge."""
    edge = _edge(s, c, i)
    if s.exact or not len(i):
        return edge
    al, ar, bl, br = c.a_left[i], c.a_right[i], c.b_left[i], c.b_right[i]
    after = c.after[i]
    left = (edge > s.lo) & (np.sign(s.value(al, edge) - s.value(bl, edge)) == after)
    right = ~left & (c.place[i] % 2 == 1) & (np.sign(s.value(ar, edge) - s.value(br, edge)) == -after)
    for side, a, b in ((left, al, bl), (right, ar, br)):
        k = np.flatnonzero(side)
        if len(k):
            edge[k] = _snapped(s, s.root(a[k], b[k]), a[k], b[k])
    return edge


def _tidy(s: Stack, e: Events) -> Events:
    """Skip cells thinner than THIN, and turn a meeting at the very end of the range into a touch."""
    meets = e.kind == MEET
    at_lo, at_hi = meets & (e.volume <= s.lo), meets & (e.volume >= s.hi)
    if at_lo.any() or at_hi.any():
        e.kind[at_lo | at_hi] = TOUCH
        e.below[at_lo], e.above[at_hi] = e.above[at_lo], e.below[at_hi]
    near = (e.pair[1:] == e.pair[:-1]) & (e.since[1:] - e.volume[:-1] <= s.thin * e.volume[:-1])
    if s.exact or not near.any():
        return e
    chained = np.append(near, False) | np.insert(near, 0, False)
    names = Events.__slots__
    rows: dict[int, tuple[Any, ...]] = {}
    start = -1
    for i in np.flatnonzero(chained).tolist():  # rare: two changes on one edge
        row = tuple(getattr(e, n)[i] for n in names)
        if i and near[i - 1]:
            rows[start] = _joined(rows[start], row)
        else:
            start = i
            rows[start] = row
    out = [getattr(e, n).copy() for n in names]
    for i, row in rows.items():
        for column, value in zip(out, row, strict=True):
            column[i] = value
    kept = np.insert(~near, 0, True)
    return Events(*(column[kept] for column in out))


def _joined(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    """Two events a hair apart as one: from the order before the first to the order after the second."""
    pair, kind, since, volume, below, _ = first
    _, kind2, _, volume2, _, above = second
    if SAME_COST in (kind, kind2):
        return pair, SAME_COST, since, max(volume, volume2), below, above
    if below == above:
        return pair, TOUCH, volume, volume, below, above
    return pair, END if END in (kind, kind2) else kind if kind != TOUCH else kind2, volume, volume, below, above
