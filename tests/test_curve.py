"""Curves against an oracle that does it the slow, obvious way, in rational numbers.

The oracle knows nothing of the nodes: it lists every volume at which something could happen, takes two points strictly
between each two of them, and solves one linear equation.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

from tco.curve import Crossover, Pieces, Window, all_pairs, bands, cells, exact, pair, pieces
from tco.quantity import VOLUME, Highest, Part, Quantity, Steps, linear

F = Fraction
NOTHING = F(0)
LO, HI = F(1), F(120)


# -- options, described by plain numbers --------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """scale x V, the part of it between two levels."""

    scale: Fraction
    above: Fraction = NOTHING
    upto: Fraction | None = None

    def at(self, v: Fraction) -> Fraction:
        x = max(self.scale * v, self.above)
        return (x if self.upto is None else min(x, self.upto)) - self.above

    def kinks(self) -> list[Fraction]:
        return [level / self.scale for level in (self.above, self.upto) if level is not None]

    def multiples(self, size: Fraction) -> list[Fraction]:
        return [(k * size + self.above) / self.scale for k in range(int(self.at(HI) / size) + 2)]

    def build(self, n: Callable[[Any], Any]) -> Quantity:
        scaled = linear(n(0), (n(self.scale), VOLUME))
        if self.above == 0 and self.upto is None:
            return scaled
        return Part(scaled, n(self.above), None if self.upto is None else n(self.upto))


@dataclass(frozen=True)
class Metered:
    """price x load: a tier, a quota, a plain line."""

    price: Fraction
    load: Load

    def at(self, v: Fraction) -> Fraction:
        return self.price * self.load.at(v)

    def kinks(self) -> list[Fraction]:
        return self.load.kinks()

    def build(self, n: Callable[[Any], Any]) -> Quantity:
        return linear(n(0), (n(self.price), self.load.build(n)))


@dataclass(frozen=True)
class Fleet:
    """price x clamp(ceil(load / size) + spare, least, most)."""

    price: Fraction
    load: Load
    size: Fraction
    spare: int = 0
    least: int = 0
    most: int | None = None

    def count(self, v: Fraction) -> int:
        n = max(math.ceil(self.load.at(v) / self.size) + self.spare, self.least)
        return n if self.most is None else min(n, self.most)

    def at(self, v: Fraction) -> Fraction:
        return self.price * self.count(v)

    def kinks(self) -> list[Fraction]:
        return self.load.kinks() + self.load.multiples(self.size)

    def steps(self, n: Callable[[Any], Any]) -> Steps:
        most = None if self.most is None else n(self.most)
        return Steps(self.load.build(n), n(self.size), n(self.spare), n(self.least), most)

    def build(self, n: Callable[[Any], Any]) -> Quantity:
        return linear(n(0), (n(self.price), self.steps(n)))


@dataclass(frozen=True)
class Peak:
    """price x the larger of two fleets."""

    price: Fraction
    fleets: tuple[Fleet, ...]

    def at(self, v: Fraction) -> Fraction:
        return self.price * max(f.count(v) for f in self.fleets)

    def kinks(self) -> list[Fraction]:
        return [k for f in self.fleets for k in f.kinks()]

    def build(self, n: Callable[[Any], Any]) -> Quantity:
        return linear(n(0), (n(self.price), Highest(tuple(f.steps(n) for f in self.fleets))))


@dataclass(frozen=True)
class People:
    """price x ceil(fleet / n): a staircase of a staircase."""

    price: Fraction
    fleet: Fleet
    each: int

    def at(self, v: Fraction) -> Fraction:
        return self.price * math.ceil(F(self.fleet.count(v), self.each))

    def kinks(self) -> list[Fraction]:
        return self.fleet.kinks()

    def build(self, n: Callable[[Any], Any]) -> Quantity:
        return linear(n(0), (n(self.price), Steps(self.fleet.steps(n), n(self.each))))


Item = Metered | Fleet | Peak | People


@dataclass(frozen=True)
class Option:
    fixed: Fraction
    items: tuple[Item, ...]
    end: Fraction | None = None

    def at(self, v: Fraction) -> Fraction | None:
        if self.end is not None and v > self.end:
            return None
        return self.fixed + sum((i.at(v) for i in self.items), F(0))

    def kinks(self) -> list[Fraction]:
        return [k for i in self.items for k in i.kinks()] + ([] if self.end is None else [self.end])

    def build(self, n: Callable[[Any], Any]) -> Quantity:
        return linear(n(self.fixed), *((n(1), i.build(n)) for i in self.items))

    def curve(self, window: Window) -> Pieces:
        n: Callable[[Any], Any] = F if window.exact else float
        return pieces(self.build(n), window, None if self.end is None else n(self.end))


# -- the oracle ---------------------------------------------------------------------------------------------------


def sign(a: Fraction | None, b: Fraction | None) -> int | None:
    if a is None or b is None:
        return None if a is b else (1 if a is None else -1)
    return (a > b) - (a < b)


def atoms(a: Option, b: Option) -> list[tuple[Fraction, Fraction, int | None]]:
    """Points (v, v, sign) and open intervals (v, w, sign), in order, that cover the range."""
    at = sorted({v for v in [LO, HI, *a.kinks(), *b.kinks()] if LO <= v <= HI})
    out: list[tuple[Fraction, Fraction, int | None]] = [(LO, LO, sign(a.at(LO), b.at(LO)))]
    for v, w in itertools.pairwise(at):
        p, q = v + (w - v) / 3, v + 2 * (w - v) / 3
        ap, bp, aq, bq = a.at(p), b.at(p), a.at(q), b.at(q)
        root, turn = None, 0
        if ap is not None and bp is not None and aq is not None and bq is not None and ap - bp != aq - bq:
            dp, dq = ap - bp, aq - bq
            root, turn = p - dp * (q - p) / (dq - dp), 1 if dq > dp else -1
        if root is not None and v < root < w:
            out += [(v, root, -turn), (root, root, 0), (root, w, turn)]
        else:
            out.append((v, w, sign(ap, bp)))
        out.append((w, w, sign(a.at(w), b.at(w))))
    return out


def oracle(a: Option, b: Option) -> list[tuple[str, Fraction, Fraction, int | None, int | None]]:
    """(kind, since, volume, sign below, sign above) of everything that happens, by volume."""
    runs: list[list[Any]] = []  # maximal runs of equal sign: [sign, first atom, last atom, holds an interval]
    for atom in atoms(a, b):
        if runs and runs[-1][0] == atom[2]:
            runs[-1][2] = atom
            runs[-1][3] |= atom[1] > atom[0]
        else:
            runs.append([atom[2], atom, atom, atom[1] > atom[0]])
    ends = [o.end for o in (a, b) if o.end is not None]
    out: list[tuple[str, Fraction, Fraction, int | None, int | None]] = []
    for i, (s, first, last, broad) in enumerate(runs):
        below = runs[i - 1][0] if i else None
        above = runs[i + 1][0] if i + 1 < len(runs) else None
        if s == 0 and broad:
            out.append(("same", first[0], last[1], below, above))
        elif s == 0:
            v = first[0]
            swap = below is not None and above is not None and below == -above
            kind = "touch" if not swap else "end" if v in ends else "meet"
            out.append((kind, v, v, below, above))
        elif s is not None and above in (-1, 1):
            v = last[1]
            out.append(("end" if v in ends else "step", v, v, s, above))
    return out


def signs(c: Crossover) -> tuple[int | None, int | None]:
    code = {"a": -1, "b": 1, None: None}
    return code[c.cheaper_below], code[c.cheaper_above]


def seen(events: Sequence[Crossover]) -> list[tuple[str, Any, Any, int | None, int | None]]:
    return [(c.kind, c.since, c.volume, *signs(c)) for c in events]


# -- generated options --------------------------------------------------------------------------------------------

SIZES = [F(1), F(2), F(3), F(5), F(7), F(10), F(20), F(3, 2), F(10, 3), F(12), F(60)]
PRICES = [F(1), F(2), F(3), F(1, 2), F(1, 3), F(1, 10), F(3, 10), F(5), F(7, 10), F(10)]
LEVELS = [F(5), F(10), F(12), F(20), F(30), F(40), F(60), F(100), F(35, 3)]


def a_load(r: random.Random) -> Load:
    scale = r.choice([F(1), F(1), F(2), F(1, 2), F(1, 3), F(7, 10)])
    shape = r.random()
    if shape < 0.5:
        return Load(scale)
    above = r.choice([F(0), *LEVELS])
    upto = None if shape < 0.7 else above + r.choice(LEVELS)
    return Load(scale, above, upto)


def a_fleet(r: random.Random) -> Fleet:
    price, size = r.choice(PRICES), r.choice(SIZES)
    least = r.choice([0, 0, 0, 1, 2, 3])
    most = r.choice([None, None, least + 1, least + 4])
    return Fleet(price, a_load(r), size, r.choice([0, 0, 1, 2]), least, most)


def an_item(r: random.Random) -> Item:
    kind = r.random()
    if kind < 0.4:
        return Metered(r.choice(PRICES), a_load(r))
    if kind < 0.75:
        return a_fleet(r)
    if kind < 0.85:  # all units repriced above a threshold: a jump, mostly down
        return Fleet(r.choice([F(-5), F(-2), F(-1), F(1)]), Load(F(1)), r.choice(LEVELS), -1, 0, 1)
    if kind < 0.93:
        return Peak(r.choice(PRICES), (a_fleet(r), a_fleet(r)))
    return People(r.choice(PRICES), a_fleet(r), r.choice([2, 3, 4]))


def an_option(r: random.Random) -> Option:
    items = tuple(an_item(r) for _ in range(r.choice([1, 1, 2, 3])))
    credit = sum((-i.price for i in items if i.price < 0), F(0))  # costs are positive: ties are relative to them
    fixed = credit + r.choice([0, 0, 1, 2, 5, 10, 20, 30, 50])
    end = r.choice([*LEVELS, F(0), F(1), HI]) if r.random() < 0.15 else None
    return Option(fixed, items, end)


def a_pair(r: random.Random) -> tuple[Option, Option]:
    a = an_option(r)
    mood = r.random()
    if mood < 0.45:
        return a, an_option(r)
    if mood < 0.55:  # partly the same, so that they coincide over intervals
        b = an_option(r)
        return a, Option(a.fixed, (*a.items[:-1], *b.items[:1]), b.end)
    # a line through a point of a's curve, very often exactly on a step or a tier
    edges = [k for k in a.kinks() if LO <= k <= HI] or [F(10)]
    v = r.choice(edges)
    v = v if r.random() < 0.7 else v + F(1, 3)
    y = a.at(v)
    price = r.choice(PRICES)
    fixed = (F(10) if y is None else y) - price * v
    raised = max(F(0), -fixed)
    return Option(a.fixed + raised, a.items, a.end), Option(fixed + raised, (Metered(price, Load(F(1))),))


EXACT = Window(LO, HI)
FLOAT = Window(float(LO), float(HI))


def ulps(x: float, true: Fraction) -> float:
    return float(abs(F(x) - true) / F(math.ulp(float(true))))


def condition(a: Option, b: Option, v: Fraction) -> float:
    """How many ulps of the volume one ulp of a cost is worth, where two lines meet."""
    h = F(1, 10**9)
    ends = [o.at(v - h) for o in (a, b)], [o.at(v) for o in (a, b)]
    (a0, b0), (a1, b1) = ends
    if a0 is None or b0 is None or a1 is None or b1 is None:
        return 1.0
    slope = abs((a1 - b1) - (a0 - b0)) / h
    gross = abs(a1) + abs(b1) + abs(a.fixed) + abs(b.fixed)
    return 1.0 if slope == 0 else max(1.0, float(gross / (slope * v)))


@pytest.mark.parametrize("seed", range(6))
def test_every_change_of_a_pair(seed: int) -> None:
    r = random.Random(seed)
    swapping = 0
    for _ in range(350):
        a, b = a_pair(r)
        true = oracle(a, b)
        assert seen(pair(a.curve(EXACT), b.curve(EXACT)).events) == true, (a, b)
        found = pair(a.curve(FLOAT), b.curve(FLOAT)).events
        assert [(k, *s) for k, _, _, *s in seen(found)] == [(k, *s) for k, _, _, *s in true], (a, b)
        for c, (_, since, volume, *_) in zip(found, true, strict=True):
            assert ulps(c.volume, volume) <= 3 * condition(a, b, volume), (a, b, c)
            assert ulps(c.since, since) <= 3 * condition(a, b, since), (a, b, c)
        swapping += len(pair(a.curve(FLOAT), b.curve(FLOAT)).crossovers)
    assert swapping > 200


@pytest.mark.parametrize("seed", range(2))
def test_a_float_crossover_is_made_exact(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(40):
        a, b = a_pair(r)
        true = oracle(a, b)
        found = pair(a.curve(FLOAT), b.curve(FLOAT)).events
        for c, (kind, _, volume, *_) in zip(found, true, strict=True):
            if kind == "same" and not c.swap:
                continue
            assert exact(c, a.build(F), b.build(F), ends=(a.end, b.end)) == volume, (a, b, c)


def test_cells_are_the_atoms_of_the_oracle() -> None:
    r = random.Random(99)
    for _ in range(200):
        a, b = a_pair(r)
        found = cells(a.curve(EXACT), b.curve(EXACT))
        assert (found[0].lo, found[-1].hi) == (LO, HI)
        assert all(x.hi == y.lo and x.sign != y.sign for x, y in itertools.pairwise(found))
        for lo, hi, s in atoms(a, b):
            if lo == hi and s == 0:
                continue  # a single volume of equal cost belongs to the cell below it
            v = (lo + hi) / 2
            cell = next(c for c in found if v <= c.hi)
            assert cell.sign == s, (a, b, v)


# -- bands --------------------------------------------------------------------------------------------------------


def check_bands(options: Sequence[Option], window: Window) -> None:
    curves = [o.curve(window) for o in options]
    found = bands(curves)
    assert (found[0].lo, found[-1].hi) == (window.lo, window.hi)
    assert all(x.hi == y.lo and x.leaders != y.leaders for x, y in itertools.pairwise(found))
    critical = {LO, HI} | {k for o in options for k in o.kinks() if LO <= k <= HI}
    for i, a in enumerate(options):
        critical |= {v for b in options[:i] for _, since, volume, *_ in oracle(b, a) for v in (since, volume)}
    at = sorted(critical)
    inside = [p for v, w in itertools.pairwise(at) for p in (v + (w - v) / 10**6, (v + w) / 2)]
    for v in inside:
        costs = [o.at(v) for o in options]
        feasible = [c for c in costs if c is not None]
        leaders = tuple(i for i, c in enumerate(costs) if feasible and c == min(feasible))
        assert next(b for b in found if v <= b.hi).leaders == leaders, (options, float(v))
    hair = 1 if window.exact else 1 - F(1, 10**11)
    for v in at:  # at an edge a band's leaders are among the cheapest
        costs = [o.at(v) for o in options]
        feasible = [c for c in costs if c is not None]
        band = found[0] if v == LO else next(b for b in found if F(b.hi) >= v * hair)
        assert all(costs[i] == min(feasible) for i in band.leaders), (options, float(v))
    table = all_pairs(curves)
    for x, y in itertools.pairwise(found):
        changed = [(i, j) for i in x.leaders for j in y.leaders if i not in y.leaders or j not in x.leaders]
        for i, j in changed:
            if i != j:
                assert any(x.hi in (e.volume, e.since) for e in table.of(i, j).events), (options, x, y)


@pytest.mark.parametrize("exactly", [False, True])
def test_bands_are_the_argmin_everywhere(exactly: bool) -> None:
    r = random.Random(7)
    for _ in range(25 if exactly else 80):
        options = [an_option(r) for _ in range(r.choice([1, 2, 3, 4, 5]))]
        if r.random() < 0.5:
            options.append(r.choice(options))
        if r.random() < 0.5:
            options += a_pair(r)
        check_bands(options, EXACT if exactly else FLOAT)
