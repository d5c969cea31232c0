"""Curves: named cases, and the fast path against the plain one."""

from __future__ import annotations

import dataclasses
import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tco.curve import (
    Band,
    Crossovers,
    Pieces,
    TooManyPieces,
    Window,
    all_pairs,
    bands,
    cells,
    exact,
    grid,
    merge,
    pair,
    pieces,
    swaps,
)
from tco.quantity import SAME, VOLUME, Highest, Part, Quantity, Steps, at, linear

F = Fraction


def line(fixed: Any, price: Any) -> Quantity:
    return linear(fixed, (price, VOLUME))


def stairs(size: Any, price: Any, fixed: Any = 0) -> Quantity:
    return linear(fixed, (price, Steps(VOLUME, size)))


# -- VALIDATION.md case 6: more than one crossing ---------------------------------------------------------------------


@pytest.mark.parametrize(("times", "last_step"), [(3, 2), (5, 3), (9, 5)])
def test_a_staircase_meets_a_line_3_5_and_9_times(times: int, last_step: int) -> None:
    # replicas of 10.49 $/h x 0.67 x 730 h, 1200 tok/s x 0.75 all day; a line that meets the middle of each step
    size, price = F(1200) * F(3, 4) * 86400, F("10.49") * F("0.67") * 730
    fixed = price / 2
    slope = price / size
    hi = last_step * size - size / 4  # on the last step the line has met it already, and the step is not left again
    exact_a, exact_b = stairs(size, price, F(0)), line(fixed, slope)
    window = Window(1.0, float(hi))
    a = pieces(stairs(float(size), float(price), 0.0), window)
    b = pieces(line(float(fixed), float(slope)), window)
    found = swaps(a, b)
    expected = [v for k in range(1, last_step + 1) for v in (k * size - size / 2, k * size)][:-1]
    assert len(found) == len(expected) == times
    assert [exact(c, exact_a, exact_b) for c in found] == expected
    assert [float(exact(c, exact_a, exact_b)) for c in found] == [float(v) for v in expected]
    for c, v in zip(found, expected, strict=True):
        assert abs(F(c.volume) - v) <= 3 * F(math.ulp(float(v)))
    assert [c.kind for c in found] == ["meet" if k % 2 == 0 else "step" for k in range(times)]
    assert [b.leaders for b in bands([a, b])] == [(1,) if k % 2 == 0 else (0,) for k in range(times + 1)]
    assert [x.hi for x in bands([a, b])][:-1] == [c.volume for c in found]


def test_a_lone_crossover_of_two_lines() -> None:
    window = Window(1.0, 1e9)
    found = pair(pieces(line(100.0, 1e-6), window), pieces(line(0.0, 3e-6), window))
    assert found.outcome == "crosses"
    assert [(c.volume, c.kind, c.cheaper_below, c.cheaper_above) for c in found.crossovers] == [(5e7, "meet", "b", "a")]


# -- outcomes ---------------------------------------------------------------------------------------------------------

W = Window(F(1), F(100))


def test_outcomes() -> None:
    cheap, dear = pieces(line(F(0), F(1)), W), pieces(line(F(1), F(1)), W)
    assert pair(cheap, dear).outcome == "always_a"
    assert pair(dear, cheap).outcome == "always_b"
    assert pair(cheap, pieces(line(F(0), F(1)), W)).outcome == "identical"
    never = pieces(line(F(0), F(1)), W, end=F(1, 2))
    assert pair(never, never).outcome == "neither"
    assert pair(never, dear).outcome == "always_b"
    assert cells(never, never)[0].sign is None


def test_an_option_never_crosses_itself() -> None:
    window = Window(1.0, 1e6)
    load = linear(0.0, (0.1, VOLUME))
    q = linear(
        3.0,
        (7.3, Steps(load, 0.7, 1.0, 2.0)),
        (0.1, Part(VOLUME, 1e3, 1e5)),
        (-2.0, Steps(VOLUME, 1e4, -1.0, 0.0, 1.0)),
    )
    again = linear(
        3.0,
        (-2.0, Steps(VOLUME, 1e4, -1.0, 0.0, 1.0)),
        (0.1, Part(VOLUME, 1e3, 1e5)),
        (7.3, Steps(load, 0.7, 1.0, 2.0)),
    )
    a, b = pieces(q, window), pieces(again, window)  # the same lines in another order
    assert pair(a, a).outcome == "identical"
    assert pair(a, b).outcome == "identical"
    assert bands([a, b, a]) == [Band(1.0, 1e6, (0, 1, 2))]


def test_an_equality_is_one_swap_at_its_end() -> None:
    # a: 10 up to 10, then 1 a token; b: a tenth a token more, from 20 on: before 10 dearer, between them equal
    a = linear(F(10), (F(1), Part(VOLUME, F(10))))
    b = linear(
        F(20), (F(-1), Part(VOLUME, F(0), F(10))), (F(1), Part(VOLUME, F(10), F(20))), (F(1, 2), Part(VOLUME, F(20)))
    )
    found = pair(pieces(a, W), pieces(b, W))
    assert [(c.kind, c.since, c.volume, c.cheaper_below, c.cheaper_above) for c in found.events] == [
        ("same", 10, 20, "a", "b")
    ]
    assert [(c.lo, c.hi, c.sign) for c in found.cells] == [(1, 10, -1), (10, 20, 0), (20, 100, 1)]
    assert bands([pieces(a, W), pieces(b, W)]) == [Band(1, 10, (0,)), Band(10, 20, (0, 1)), Band(20, 100, (1,))]


def test_a_touch_is_recorded_but_is_no_crossover() -> None:
    found = pair(pieces(stairs(F(10), F(10)), W), pieces(line(F(0), F(1)), W))  # they meet at every step
    assert found.crossovers == ()
    assert found.outcome == "always_b"
    assert [(c.kind, c.volume) for c in found.events] == [("touch", 10 * k) for k in range(1, 11)]


def test_the_end_of_an_option_is_a_swap_named_so() -> None:
    a, b = pieces(line(F(0), F(1)), W, end=F(40)), pieces(line(F(10), F(1)), W, end=F(70))
    found = pair(a, b)
    assert [(c.kind, c.volume, c.cheaper_below, c.cheaper_above) for c in found.crossovers] == [("end", 40, "a", "b")]
    assert bands([a, b]) == [Band(1, 40, (0,)), Band(40, 70, (1,)), Band(70, 100, ())]
    assert [c.sign for c in found.cells] == [-1, 1, None]


def test_a_step_at_the_first_volume_is_a_swap_there() -> None:
    w = Window(F(10), F(100))
    a, b = pieces(stairs(F(10), F(10)), w), pieces(line(F(25, 2), F(1, 4)), w)
    assert swaps(a, b)[0].volume == 10
    assert bands([a, b]) == [Band(10, 10, (0,)), Band(10, 100, (1,))]
    assert cells(a, b)[0] == dataclasses.replace(cells(a, b)[0], lo=10, hi=10, sign=-1)


def test_a_step_to_the_same_cost_at_the_first_volume() -> None:
    w = Window(F(10), F(100))
    a, b = pieces(line(F(20), F(0)), w), pieces(stairs(F(10), F(10)), w)  # 10 at 10, 20 up to 20, then more
    found = pair(a, b)
    assert [(c.lo, c.hi, c.sign) for c in found.cells] == [(10, 10, 1), (10, 20, 0), (20, 100, -1)]
    assert [(c.kind, c.since, c.volume) for c in found.crossovers] == [("same", 10, 20)]
    assert found.outcome == "crosses"


def test_a_swap_outside_the_range_only() -> None:
    a, b = line(F(100), F(1)), line(F(0), F(2))
    narrow, wide = Window(F(1), F(50)), Window(F(1), F(1000))
    here = pair(pieces(a, narrow), pieces(b, narrow))
    assert (here.outcome, here.outside) == ("always_b", ())
    there = pair(pieces(a, narrow), pieces(b, narrow), wide)
    assert there.outcome == "outside"
    assert [c.volume for c in there.outside] == [100]
    assert pair(pieces(a, wide), pieces(b, wide), wide).outcome == "crosses"
    above = Window(F(200), F(300))
    assert [c.volume for c in pair(pieces(a, above), pieces(b, above), wide).outside] == [100]
    with pytest.raises(ValueError, match="must contain"):
        pair(pieces(a, narrow), pieces(b, narrow), Window(F(2), F(1000)))
    bare = Pieces(*(getattr(pieces(a, narrow), name) for name in ("edges", "above", "at", "first", "window")))
    with pytest.raises(ValueError, match="drawn from a quantity"):
        pair(bare, bare, wide)


def test_windows_must_agree_and_make_sense() -> None:
    with pytest.raises(ValueError, match="one window"):
        all_pairs([pieces(VOLUME, W), pieces(VOLUME, Window(F(1), F(99)))])
    for lo, hi in ((0, 1), (2, 1), (1, math.inf), (1, 1)):
        with pytest.raises(ValueError, match="0 < lo < hi"):
            Window(lo, hi)


def test_a_crossover_that_is_not_there_is_an_error() -> None:
    window = Window(1.0, 100.0)
    found = swaps(pieces(line(10.0, 1.0), window), pieces(line(0.0, 2.0), window))[0]
    with pytest.raises(ValueError, match="no meet near 10"):
        exact(found, line(F(10), F(1)), line(F(0), F(1, 2)))


def test_a_crossover_of_nearly_parallel_lines_is_made_exact() -> None:
    window = Window(1.0, 1e9)
    found = swaps(pieces(line(0.1, 1.0000001), window), pieces(line(0.3, 1.0), window))[0]
    assert exact(found, line(F("0.1"), F("1.0000001")), line(F("0.3"), F(1))) == 2_000_000
    assert abs(found.volume - 2_000_000) < 0.01


# -- reordering, scaling ----------------------------------------------------------------------------------------------


def some_quantities(scale: float) -> list[Quantity]:
    load = linear(0.0, (0.25, VOLUME))
    return [
        linear(5.0 * scale, (0.5 * scale, VOLUME)),
        linear(0.0, (16.0 * scale, Steps(load, 8.0, 1.0))),
        linear(2.0 * scale, (scale, Part(VOLUME, 16.0))),
        linear(1.0 * scale, (8.0 * scale, Highest((Steps(load, 4.0), Steps(VOLUME, 32.0, 2.0))))),
        linear(60.0 * scale, (scale, VOLUME), (-32.0 * scale, Steps(VOLUME, 64.0, -1.0, 0.0, 1.0))),
    ]


def test_scaling_prices_scales_nothing_but_costs() -> None:
    window = Window(1.0, 500.0)
    one, four = ([pieces(q, window) for q in some_quantities(s)] for s in (1.0, 4.0))
    for x, y in zip(one, four, strict=True):
        assert (4 * x.at == y.at).all()
        assert (x.edges == y.edges).all()
    assert bands(one) == bands(four)
    a, b = all_pairs(one), all_pairs(four)
    for column in dataclasses.fields(a.events):
        assert (getattr(a.events, column.name) == getattr(b.events, column.name)).all()


def test_reordering_options_reorders_only_names() -> None:
    curves = [pieces(q, Window(1.0, 500.0)) for q in some_quantities(1.0)]
    table, found = all_pairs(curves), bands(curves)
    for order in itertools.permutations(range(5)):
        other = all_pairs([curves[i] for i in order])
        assert len(other) == len(table)
        for i, j in itertools.permutations(range(5), 2):
            assert other.of(i, j).events == table.of(order[i], order[j]).events
            assert other.of(i, j).cells == table.of(order[i], order[j]).cells
        again = bands([curves[i] for i in order])
        assert [(b.lo, b.hi, {order[i] for i in b.leaders}) for b in again] == [
            (b.lo, b.hi, set(b.leaders)) for b in found
        ]


# -- pieces -----------------------------------------------------------------------------------------------------------


def test_overflow_that_feeds_steps() -> None:
    # above 100 a token, per 30 a replica: steps just above 100, 130, 160, 190
    over = Steps(Part(VOLUME, 100.0), 30.0)
    p = pieces(linear(1.0, (5.0, over)), Window(1.0, 200.0))
    assert p.edges.tolist() == [1, 100, 130, 160, 190, 200]
    assert p.above.tolist() == [1, 6, 11, 16, 21]
    assert p.at.tolist() == [1, 6, 11, 16, 21]


def test_a_clamp_lists_no_steps_beyond_it() -> None:
    window = Window(1.0, 1e12)
    p = pieces(Steps(VOLUME, 10.0, 1.0, 3.0, 6.0), window)  # 3 up to 20, 4 up to 30, 5 up to 40, 6 above
    assert p.edges.tolist() == [1, 20, 30, 40, 1e12]
    assert p.at.tolist() == [3, 4, 5, 6]


def test_all_units_repricing_jumps_down() -> None:
    w = Window(F(1), F(200))
    q = linear(F(0), (F(3), VOLUME), (F(-1), Part(VOLUME, F(100))), (F(-100), Steps(VOLUME, F(100), F(-1), F(0), F(1))))
    p = pieces(q, w)
    assert (p.at[0], p.above[1], p.at[1]) == (300, 200, 400)
    assert p.value(np.array([50.0, 100.0, 150.0, 1.0])).tolist() == [150, 300, 300, 3]


def test_a_window_finds_where_a_quantity_passes_a_level() -> None:
    w = Window(1.0, 100.0)
    tent = linear(0.0, (1.0, VOLUME), (-2.0, Part(VOLUME, 50.0)))
    assert sorted(w.where(tent, 40.0).tolist()) == [40, 60]
    assert w.where(Steps(VOLUME, 10.0), 3.5).tolist() == [30]  # a jump past it
    assert w.where(tent, 51.0).tolist() == []


def test_too_many_pieces_names_the_quantity() -> None:
    steps = Steps(VOLUME, 3.0)
    with pytest.raises(
        TooManyPieces, match=r"Steps of size 3 has 333,333,333 steps between 1 and 1e.09 tokens/day"
    ) as caught:
        pieces(linear(0.0, (2.0, steps)), Window(1.0, 1e9))
    assert caught.value.quantity is steps
    assert isinstance(caught.value, ValueError)
    many = linear(0.0, *((1.0, Steps(VOLUME, size)) for size in (1.7, 1.9, 2.3)))
    with pytest.raises(TooManyPieces, match="Linear has 1,"):
        pieces(many, Window(1.0, 1e6))


def test_one_draw_in_arrays_is_a_curve_and_several_are_not() -> None:
    q = linear(np.array([1.0]), (np.array([2.0]), Steps(VOLUME, np.array([10.0]), np.array([1.0]))))
    assert pieces(q, Window(1.0, 25.0)).at.tolist() == [5, 7, 9]
    with pytest.raises(ValueError, match="one draw"):
        pieces(linear(np.array([1.0, 2.0]), (1.0, VOLUME)), Window(1.0, 25.0))


def test_exact_curves_hold_no_float() -> None:
    q = linear(
        F(1), (F(2), Steps(Part(VOLUME, F(1, 3)), F(7), F(1), F(0), F(5))), (F(1, 7), Highest((Steps(VOLUME, F(9)),)))
    )
    p = pieces(q, Window(F(1), F(100)), end=F(60))
    assert all(isinstance(x, Fraction) for x in [*p.edges, *p.above, *p.at, p.first, p.end])
    other = pieces(line(F(5), F(1, 10)), Window(F(1), F(100)))
    for c in pair(p, other).events:
        assert isinstance(c.volume, Fraction)
        assert isinstance(c.since, Fraction)
    assert all(isinstance(x, Fraction) for b in bands([p, other]) for x in (b.lo, b.hi))


def test_edges_a_hair_apart_are_one() -> None:
    near = 50.0 * (1 + 2 * SAME)
    q = linear(0.0, (1.0, Steps(VOLUME, 50.0, -1.0, 0.0, 1.0)), (1.0, Steps(VOLUME, near, -1.0, 0.0, 1.0)))
    p = pieces(q, Window(1.0, 100.0))
    assert p.edges.tolist() == [1, 50, 100]
    assert p.above.tolist() == p.at.tolist() == [0, 2]


def test_two_options_that_step_a_hair_apart_do_not_swap_between() -> None:
    window = Window(1.0, 100.0)
    a = pieces(stairs(10.0, 7.0, 1.0), window)
    b = pieces(stairs(10.0 * (1 + SAME), 7.0, 1.0), window)
    assert pair(a, b).outcome == "identical"
    assert bands([a, b]) == [Band(1.0, 100.0, (0, 1))]


# -- the fast path ----------------------------------------------------------------------------------------------------


def a_curve(rng: np.random.Generator, window: Window, shape: str) -> Pieces:
    """Hand-made pieces on a lattice of volumes, so that edges often coincide; costs often do too."""
    n = int(rng.integers(1, 60))
    inner = np.unique(rng.integers(2, 1000, n)) if shape == "lattice" else np.unique(rng.uniform(1, 1000, n))
    edges = np.concatenate([[1.0], inner[(inner > 1) & (inner < 1000)], [1000.0]])
    m = len(edges) - 1
    if shape == "lattice":
        above, rise = rng.integers(0, 40, m).astype(float), rng.integers(-3, 8, m).astype(float)
    else:
        drift = np.linspace(0, 60, m) * (shape == "rising")
        above, rise = 20 + drift + rng.uniform(0, 30, m), rng.uniform(-5, 8, m)
    at_ = above + np.where(rng.random(m) < 0.5, 0, np.maximum(rise, -above))
    flat = rng.random(m) < 0.3
    above[1:][flat[1:]] = at_[:-1][flat[1:]]  # some edges without a jump
    end = None
    if rng.random() < 0.2 and m > 2:
        k = int(rng.integers(1, m))
        edges, above, at_, end = edges[: k + 1], above[:k], at_[:k], edges[k]
    return Pieces(edges, above, at_, above[0], window, end)


def same_events(a: Crossovers, b: Crossovers) -> None:
    assert (a.opening == b.opening).all()
    for column in dataclasses.fields(a.events):
        x, y = getattr(a.events, column.name), getattr(b.events, column.name)
        assert x.tolist() == y.tolist(), column.name


@pytest.mark.parametrize("shape", ["lattice", "loose", "rising"])
@pytest.mark.parametrize("per_cell", [1, 3])
def test_a_coarse_look_changes_nothing(shape: str, per_cell: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(per_cell)
    window = Window(1.0, 1000.0)
    for _ in range(25):
        curves = [a_curve(rng, window, shape) for _ in range(int(rng.integers(2, 7)))]
        if rng.random() < 0.3:
            curves.append(curves[0])
        monkeypatch.setattr(grid, "WORTHWHILE", math.inf)
        plain, plain_bands = all_pairs(curves), bands(curves)
        monkeypatch.setattr(grid, "WORTHWHILE", 0)
        monkeypatch.setattr(grid, "EDGES_PER_CELL", per_cell)
        monkeypatch.setattr(grid, "PLAIN", 2)
        monkeypatch.setattr(merge, "CHUNK", 64)
        same_events(all_pairs(curves), plain)
        assert bands(curves) == plain_bands
        for i, j in itertools.combinations(range(len(curves)), 2):
            alone = pair(curves[i], curves[j])
            assert alone.events == plain.of(i, j).events
            assert alone.cells == plain.of(i, j).cells


@pytest.mark.parametrize("shape", ["lattice", "loose", "rising"])
def test_bands_agree_with_the_pairs_to_the_last_bit(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "WORTHWHILE", 0)
    monkeypatch.setattr(grid, "EDGES_PER_CELL", 2)
    rng = np.random.default_rng(5)
    window = Window(1.0, 1000.0)
    for _ in range(60):
        curves = [a_curve(rng, window, shape) for _ in range(int(rng.integers(2, 9)))]
        found, table = bands(curves), all_pairs(curves)
        assert (found[0].lo, found[-1].hi) == (1.0, 1000.0)
        for x, y in itertools.pairwise(found):
            assert x.hi == y.lo
            for i, j in itertools.product(x.leaders, y.leaders):
                if i != j and (i not in y.leaders or j not in x.leaders):
                    assert any(x.hi in (e.volume, e.since) for e in table.of(i, j).events)
        inside = np.sort(rng.uniform(1, 1000, 300))
        costs = np.array([c.value(inside) for c in curves])
        lowest = costs.min(axis=0)
        his = [b.hi for b in found]
        for v, column, low in zip(inside, costs.T, lowest, strict=True):
            leaders = found[int(np.searchsorted(his, v))].leaders
            if not np.isfinite(low):
                assert leaders == ()
            else:
                assert set(np.flatnonzero(column == low)) & set(leaders)
                assert all(column[i] <= low * (1 + 1e-9) + 1e-9 for i in leaders)


def test_a_step_on_a_seam_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # every cell is decided, and the swap lies exactly between two of them: seams are edges
    monkeypatch.setattr(grid, "WORTHWHILE", 0)
    monkeypatch.setattr(grid, "EDGES_PER_CELL", 1)
    window = Window(1.0, 100.0)
    edges = np.array([1.0, 20, 40, 50, 60, 80, 100])
    a = Pieces(edges, np.array([1.0, 1, 1, 9, 9, 9]), np.array([1.0, 1, 1, 9, 9, 9]), 1.0, window)
    b = Pieces(edges, np.full(6, 5.0), np.full(6, 5.0), 5.0, window)
    assert [(c.volume, c.kind) for c in swaps(a, b)] == [(50, "step")]
    assert bands([a, b]) == [Band(1, 50, (0,)), Band(50, 100, (1,))]


def test_long_curves_agree_with_the_plain_path() -> None:
    rng = np.random.default_rng(11)
    window = Window(1.0, 1e9)
    curves = []
    for _ in range(6):
        edges = np.concatenate([[1.0], np.sort(rng.uniform(1, 1e9, 999)), [1e9]])
        values = rng.uniform(0, 5000) + np.cumsum(rng.uniform(0, 20, 1000))
        curves.append(Pieces(edges, values, values, values[0], window))
    assert sum(len(c.above) for c in curves) > grid.WORTHWHILE
    table = all_pairs(curves)
    for i, j in itertools.combinations(range(6), 2):
        x = np.unique(np.concatenate([curves[i].edges, curves[j].edges]))
        sign = np.sign(curves[i].value(x) - curves[j].value(x))
        assert len(table.of(i, j).crossovers) == np.count_nonzero(sign[1:] != sign[:-1])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9), st.integers(0, 60)), min_size=2, max_size=2),
    st.integers(50, 150),
)
def test_two_staircases_by_counting(options: list[tuple[int, int, int]], hi: int) -> None:
    """With whole sizes nothing happens but at whole volumes: walk them all."""
    window = Window(F(1), F(hi))
    (sa, pa, fa), (sb, pb, fb) = options
    a, b = (pieces(stairs(F(s), F(p), F(f)), window) for s, p, f in options)
    costs = [(fa + pa * -(-v // sa), fb + pb * -(-v // sb)) for v in range(2, hi + 1)]  # on (v - 1, v]
    order = [(x > y) - (x < y) for x, y in costs]
    found = [c for c in cells(a, b) if c.hi > c.lo]
    assert [next(c.sign for c in found if v <= c.hi) for v in range(2, hi + 1)] == order
    assert len(found) - 1 == sum(1 for x, y in itertools.pairwise(order) if x != y)


# -- ENGINE.md 1.1, rule 3 --------------------------------------------------------------------------------------------


def test_values_exactly_on_steps_are_never_one_replica_off() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(120):
        # a load of many factors, as in an option: share x requests x seconds x overhead
        factors = [F(int(rng.integers(1, 1000)), int(rng.integers(1, 1000))) for _ in range(4)]
        size = F(int(rng.integers(1, 100)), int(rng.integers(1, 100)))
        above = F(int(rng.integers(0, 50)), 7) * size
        rate = math.prod(factors, start=F(1))
        k = rng.integers(1, 10**6, 100).tolist()
        on_step = [(above + n * size) / rate for n in k[:50]]
        between = [(above + (n + F(1, 3)) * size) / rate for n in k[50:]]
        volumes = on_step + between
        rate_float = float(factors[0]) * float(factors[1]) * float(factors[2]) * float(factors[3])
        q = Steps(Part(linear(0.0, (rate_float, VOLUME)), float(above)), float(size))
        counted = q.value(at([float(v) for v in volumes])).ravel().tolist()
        true = [math.ceil(max(F(0), rate * v - above) / size) for v in volumes]
        wrong += sum(x != y for x, y in zip(counted, true, strict=True))
    assert wrong == 0
