"""Draws: every draw gets what it would get alone, whatever is worked off together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tco.curve import (
    MOST_PIECES,
    TooManyPieces,
    Window,
    all_pairs,
    by_draw,
    last_within,
    merge,
    pair,
    percentiles,
    pieces,
    swaps_by_draw,
    sweep,
)
from tco.quantity import SAME, VOLUME, Cheapest, Highest, Part, Quantity, Steps, at, just_above, linear

Array = np.ndarray[Any, Any]
Number = tuple[float, ...]
Pick = Callable[[Number], Array]
"""Turns a number, of one or of every draw, into coefficients."""
Make = Callable[[Pick], Quantity]

DRAWS = 7
WINDOW = Window(1.0, 200.0)
SEEDS = st.integers(0, 2**32 - 1)
MANY = settings(derandomize=True, database=None, deadline=None, max_examples=150, phases=[Phase.generate])


def every(number: Number) -> Array:
    return np.array(number)


def alone(d: int) -> Pick:
    return lambda number: np.array([number[d % len(number)]])


# -- quantities of drawn numbers, on a lattice so that steps and costs often coincide ---------------------------------


class Drawn:
    """Random quantities: each a function of how its numbers are picked."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)

    def number(self, choices: list[float], certain: float = 0.4) -> Number:
        if self.r.random() < certain:
            return (self.r.choice(choices),)
        if self.r.random() < 0.5:
            return tuple(self.r.choice(choices) for _ in range(DRAWS))
        return tuple(self.r.choice(choices) * self.r.uniform(0.9, 1.1) for _ in range(DRAWS))

    def load(self) -> Make:
        scale = self.number([1, 1, 2, 0.5, 1 / 3, 0.7])
        shape = self.r.random()
        if shape < 0.15:
            return lambda n: VOLUME
        if shape < 0.5:
            return lambda n: linear(0.0, (n(scale), VOLUME))
        above = self.number([0, 5, 10, 12, 20, 40])
        width = None if shape < 0.75 else self.number([5, 10, 20, 60, 35 / 3])
        return lambda n: Part(
            linear(n((0.0,)), (n(scale), VOLUME)), n(above), None if width is None else n(above) + n(width)
        )

    def steps(self, load: Make | None = None) -> Make:
        r = self.r
        load = load or self.load()
        size = self.number([1, 2, 3, 5, 7, 10, 20, 1.5, 10 / 3, 12, 60])
        spare = self.number([0, 0, 1, 2], 1.0) if r.random() < 0.8 else (0.0, 1.0) * (DRAWS // 2) + (2.0,)
        least = (float(r.choice([0, 0, 0, 1, 2, 3])),)
        most = None if r.random() < 0.6 else (least[0] + r.choice([1, 4, 9]),)
        return lambda n: Steps(load(n), n(size), n(spare), n(least), None if most is None else n(most))

    def item(self) -> Make:
        r = self.r
        price = self.number([1, 2, 3, 0.5, 1 / 3, 0.1, 0.3, 5, 0.7])
        kind = r.random()
        if kind < 0.25:
            basis = self.load()
        elif kind < 0.55:
            basis = self.steps()
        elif kind < 0.65:  # all units repriced above a threshold: a jump down
            level = self.number([10, 20, 60, 100])
            return lambda n: linear(
                n(price) * 3, (-n(price), Steps(VOLUME, n(level), n((-1.0,)), n((0.0,)), n((1.0,))))
            )
        elif kind < 0.75:  # starts of a fleet: what the peak has more than the trough
            high, size = self.number([2, 3, 1.5]), self.number([5, 7, 10])

            def starts(n: Pick) -> Quantity:
                peak, trough = (Steps(linear(0.0, (f, VOLUME)), n(size)) for f in (n(high), n((1.0,))))
                return linear(0.0, (n(price), peak), (-n(price), trough))

            return starts
        elif kind < 0.85:
            one, other = self.steps(), self.steps()
            basis = lambda n: Highest((one(n), other(n)))  # noqa: E731
        elif kind < 0.93:  # people for so many replicas
            basis = self.steps(self.steps())
        else:
            one, other = self.steps(), self.steps()
            dear, cheap, named = self.number([3, 5]), self.number([1, 2]), r.choice(["costs", "counts", "labels"])

            def mix(n: Pick) -> Quantity:
                counts = one(n), other(n)
                costs = tuple(linear(0.0, (c, q)) for c, q in zip((n(dear), n(cheap)), counts, strict=True))
                labels = linear(n((4.0,))), linear(n((9.0,)))
                return Cheapest(costs, {"costs": costs, "counts": counts, "labels": labels}[named])

            basis = mix
        return lambda n: linear(0.0, (n(price), basis(n)))

    def option(self) -> Make:
        fixed = self.number([5, 10, 20, 30, 50])
        items = [self.item() for _ in range(self.r.choice([1, 1, 2, 3]))]
        return lambda n: linear(n(fixed), *((1, i(n)) for i in items))

    def floored(self, option: Make) -> Make:
        floor = self.number([20, 40, 60])

        def make(n: Pick) -> Quantity:
            spend = option(n)
            return linear(n(floor), (1.0, spend), (-1.0, Part(spend, n((0.0,)), n(floor))))

        return make

    def two(self) -> tuple[Make, Make]:
        a = self.option()
        mood = self.r.random()
        if mood < 0.2:
            return a, self.floored(self.option())
        if mood < 0.35:  # partly the same, down to the nodes: they coincide over intervals
            more = self.item()
            both: dict[Pick, Quantity] = {}

            def shared(n: Pick) -> Quantity:
                if n not in both:
                    both[n] = a(n)
                return both[n]

            return shared, lambda n: linear(0.0, (1, shared(n)), (1, more(n)), (-1, linear(n((2.0,)))))
        if mood < 0.6:
            price, fixed = self.number([1, 0.5, 0.3, 2]), self.number([0, 1, 5, 10, 20, 30])
            return a, lambda n: linear(n(fixed), (n(price), VOLUME))
        return a, self.option()

    def end(self) -> Number | None:
        return None if self.r.random() < 0.75 else self.number([5, 10, 20, 60, 100, 0.5, 1, 200, np.inf], 0.1)

    def volumes(self, count: int) -> Array:
        on = [float(self.r.choice([1, 2, 3, 5, 7, 10, 12, 20, 30, 35, 40, 60, 100, 120, 200])) for _ in range(count)]
        between = [self.r.uniform(1, 200) for _ in range(count)]
        return np.array(on + between)


def whole(end: Number | None) -> Array | None:
    return None if end is None else np.broadcast_to(np.array(end), DRAWS).copy()


def test_the_strategy_makes_every_shape() -> None:
    made = " ".join(repr(Drawn(seed).item()(every)) for seed in range(60))
    assert all(name in made for name in ("Part", "Steps", "Highest", "Cheapest", "Volume"))


# -- crossovers -------------------------------------------------------------------------------------------------------


def check_pair(seed: int) -> int:
    drawn = Drawn(seed)
    a, b = drawn.two()
    ends = drawn.end(), drawn.end()
    found = swaps_by_draw(a(every), b(every), WINDOW, DRAWS, (whole(ends[0]), whole(ends[1])))
    assert (np.diff(found.draw) >= 0).all()
    first, stays, counts = found.first_cheaper(), found.stays_cheaper(), found.counts()
    signs: list[list[Any]] = []
    for d in range(DRAWS):
        window = Window(WINDOW.lo, WINDOW.hi)
        curves = [
            pieces(make(alone(d)), window, None if end is None else end[d % len(end)])
            for make, end in zip((a, b), ends, strict=True)
        ]
        true = pair(curves[0], curves[1])
        mine = found.draw == d
        assert counts[d] == len(true.crossovers), (seed, d)
        assert found.above[mine].tolist() == [-1 if c.cheaper_above == "a" else 1 for c in true.crossovers], (seed, d)
        assert found.volume[mine] == pytest.approx([c.volume for c in true.crossovers], rel=1e-9), (seed, d)
        assert found.opening[d] == all_pairs(curves).opening[0], (seed, d)
        cheaper = [c for c in true.cells if c.sign == 1]
        dearer = [c for c in true.cells if c.sign == -1]
        ordered = [c.sign for c in true.cells if c.sign in (-1, 1)]
        assert first[d] == pytest.approx(cheaper[0].lo if cheaper else np.inf, rel=1e-9), (seed, d)
        if not ordered or ordered[-1] == -1:
            assert stays[d] == np.inf, (seed, d)
        else:
            assert stays[d] == pytest.approx(dearer[-1].hi if dearer else WINDOW.lo, rel=1e-9), (seed, d)
        signs.append(list(true.cells))
    volumes, shares = found.probability()
    assert volumes[0] == WINDOW.lo
    assert (np.diff(volumes) > 0).all()
    for share, (lo, hi) in zip(shares, itertools.pairwise([*volumes.tolist(), WINDOW.hi]), strict=True):
        if hi - lo > 1e-6:
            v = (lo + hi) / 2
            expected = [next(c.sign for c in cells if v <= c.hi) == 1 for cells in signs]
            assert share == pytest.approx(np.mean(expected), abs=1e-12), (seed, v)
    return int(counts.sum())


@MANY
@given(SEEDS)
def test_every_draw_swaps_where_it_would_alone(seed: int) -> None:
    check_pair(seed)


@pytest.mark.parametrize(("first", "split", "few"), [(1, 2, 0), (64, 3, 1), (2, 4, 10**6)])
def test_how_the_range_is_cut_changes_nothing(
    first: int, split: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_draw, "FIRST", first)
    monkeypatch.setattr(by_draw, "SPLIT", split)
    monkeypatch.setattr(by_draw, "FEW", few)
    monkeypatch.setattr(by_draw, "DRAWS", 3)
    monkeypatch.setattr(by_draw, "MOST_KINKS", 40)
    assert sum(check_pair(seed) for seed in range(60)) > 300


def test_a_step_on_a_seam_is_found() -> None:
    seams = np.geomspace(WINDOW.lo, WINDOW.hi, by_draw.FIRST + 1)[1:-1]
    for seam in seams:
        sizes = seam * np.array([1, 1 + SAME, 1 - SAME, 1 + 3 * SAME, 1 - 3 * SAME, 1 + 9 * SAME, 1 - 9 * SAME])
        lump = linear(10.0, (50.0, Steps(VOLUME, sizes, np.array([-1.0]), np.array([0.0]), np.array([1.0]))))
        found = swaps_by_draw(lump, linear(30.0), WINDOW, len(sizes))
        assert found.draw.tolist() == list(range(len(sizes)))
        assert found.volume.tolist() == sizes.tolist()
        assert found.above.tolist() == [1] * len(sizes)


def test_edges_a_hair_apart_are_one_in_every_draw() -> None:
    near = 50.0 * (1 + 2 * SAME * np.array([0, 1, -1]))
    lump = tuple(Steps(VOLUME, size, -1.0, 0.0, 1.0) for size in (50.0, near))
    found = swaps_by_draw(linear(10.0, (10.0, lump[0]), (10.0, lump[1])), linear(25.0), WINDOW, 3)
    assert found.volume.tolist() == np.minimum(50.0, near).tolist()
    assert (found.events.kind == merge.STEP).all()


def test_a_real_range_of_volume() -> None:
    """A fleet of an hour's levels with people against an API with tiers and a floor, and another fleet."""
    rng = np.random.default_rng(3)
    window, draws = Window(1e5, 1e9), 24

    def fleet(n: Pick, x: Array) -> Quantity:
        steps = [Steps(linear(0.0, (n(x[0]) * k, VOLUME)), n(x[1]), n((0.0,)), n((1.0,))) for k in (0.4, 1.0, 1.7)]
        people = Steps(linear(0.0, (2.0, steps[-1])), 8.0)
        return linear(n(x[2]), *((n(x[3]), s) for s in steps), (n(x[4]), people))

    def api(n: Pick, x: Array) -> Quantity:
        tiers = ((n(x[0]), Part(VOLUME, 0.0, 5e6)), (n(x[0]) * 0.8, Part(VOLUME, 5e6)))
        spend = linear(0.0, *tiers)
        return linear(n(x[1]), (1.0, spend), (-1.0, Part(spend, 0.0, n(x[1]))))

    def uniform(*ranges: tuple[float, float]) -> Array:
        return np.array([rng.uniform(*r, draws) for r in ranges])

    fleets = [uniform((1.5e-8, 2.5e-8), (0.6, 0.9), (100, 900), (400, 1200), (500, 1500)) for _ in range(2)]
    prices = uniform((5e-5, 1e-4), (500, 1500))
    total = 0
    for other, numbers in ((api, prices), (fleet, fleets[1])):
        found = swaps_by_draw(fleet(every, fleets[0]), other(every, numbers), window, draws)
        for d in range(draws):
            own = Window(window.lo, window.hi)
            true = pair(pieces(fleet(alone(d), fleets[0]), own), pieces(other(alone(d), numbers), own)).crossovers
            mine = found.draw == d
            assert found.volume[mine] == pytest.approx([c.volume for c in true], rel=1e-11)
            assert found.above[mine].tolist() == [-1 if c.cheaper_above == "a" else 1 for c in true]
        total += len(found.volume)
    assert total > 80


def test_a_draw_may_have_none_one_or_many_swaps() -> None:
    stairs = linear(0.0, (10.0, Steps(VOLUME, 10.0)))
    line = linear(np.array([5.0, 500.0, 0.0, 40.0]), (np.array([1.0, 1.0, 0.5, 0.0]), VOLUME))
    found = swaps_by_draw(stairs, line, Window(1.0, 45.0), 4)
    assert found.volume[found.draw == 0] == pytest.approx([5, 10, 15, 20, 25, 30, 35, 40], rel=1e-14)
    assert found.counts().tolist() == [8, 0, 0, 1]
    assert found.opening.tolist() == [1, -1, 1, -1]
    assert found.first_cheaper().tolist() == [1, np.inf, 1, 40]
    assert found.stays_cheaper().tolist() == [40, np.inf, 1, 30]  # the same from 30 to 40
    volumes, shares = found.probability()
    assert (volumes[0], shares[0]) == (1, 0.5)
    assert (volumes[-1], shares[-1]) == (40, 0.75)


def test_an_equality_counts_for_neither() -> None:
    # a: 10 up to 10, then 1 a token; b: dearer before, the same between 10 and 20, cheaper from there
    a = linear(10.0, (1.0, Part(VOLUME, 10.0)))
    tiers = ((-1.0, Part(VOLUME, 0.0, 10.0)), (1.0, Part(VOLUME, 10.0, 20.0)), (0.5, Part(VOLUME, 20.0)))
    found = swaps_by_draw(a, linear(np.array([20.0, 20.0]), *tiers), Window(1.0, 100.0), 2)
    assert found.volume.tolist() == [20, 20]
    assert found.first_cheaper().tolist() == [20, 20]
    assert found.stays_cheaper().tolist() == [10, 10]
    same = swaps_by_draw(a, linear(0.0, (np.array([1.0, 1.0]), a)), Window(1.0, 100.0), 2)
    assert same.opening.tolist() == [0, 0]
    assert same.counts().tolist() == [0, 0]
    assert same.first_cheaper().tolist() == same.stays_cheaper().tolist() == [np.inf, np.inf]
    assert same.probability()[1].tolist() == [0]


def test_beyond_its_end_an_option_costs_more_than_any_number() -> None:
    a, b = linear(0.0, (1.0, VOLUME)), linear(np.array([10.0] * 5), (1.0, VOLUME))
    ends = np.array([40.0, np.inf, 0.5, 1.0, 90.0]), np.array([70.0, np.inf, 70.0, np.inf, 30.0])
    found = swaps_by_draw(a, b, Window(1.0, 100.0), 5, ends)
    assert list(zip(found.draw.tolist(), found.volume.tolist(), found.above.tolist(), strict=True)) == [
        (0, 40, 1),
        (3, 1, 1),
    ]
    assert found.opening.tolist() == [-1, -1, 1, -1, -1]
    assert found.limit.tolist() == [70, 100, 70, 100, 90]
    assert found.first_cheaper().tolist() == [40, np.inf, 1, 1, np.inf]
    volumes, shares = found.probability()
    assert volumes.tolist() == [1, 40, 70]
    assert shares == pytest.approx([0.4, 0.6, 0.2])


def test_draws_need_floats_and_a_countable_number_of_steps() -> None:
    from fractions import Fraction

    with pytest.raises(ValueError, match="window of floats"):
        swaps_by_draw(VOLUME, VOLUME, Window(Fraction(1), Fraction(2)), 1)
    stairs = linear(0.0, (1.0, Steps(VOLUME, np.array([3.0, 1000.0]))))
    with pytest.raises(TooManyPieces, match="at most 1,000,000"):
        swaps_by_draw(stairs, linear(0.5, (1 / 3, VOLUME)), Window(1.0, 4.0 * MOST_PIECES), 2)
    far = swaps_by_draw(stairs, linear(1e9), Window(1.0, 4.0 * MOST_PIECES), 2)  # bounds tell: nothing is listed
    assert far.counts().tolist() == [0, 0]


@MANY
@given(SEEDS)
def test_the_last_volume_within_a_limit(seed: int) -> None:
    drawn = Drawn(seed)
    load = drawn.load() if drawn.r.random() < 0.5 else drawn.steps()
    most = drawn.number([0, 1, 5, 10, 20, 40, 300])
    found = last_within(load(every), every(most), WINDOW, DRAWS)
    for d in range(DRAWS):
        q, level = load(alone(d)), most[d % len(most)]
        start, stop = q.value(at([WINDOW.lo, WINDOW.hi])).ravel().tolist()
        if stop <= level * (1 + 1e-12):
            assert found[d] == np.inf
        elif start > level * (1 + 1e-12):
            assert found[d] == 0
        else:
            assert q.value(at([found[d] * (1 - 1e-11)])).item() <= level * (1 + 1e-10) + 1e-9
            assert q.value(just_above([found[d] * (1 + 1e-9)])).item() > level


# -- bounds -----------------------------------------------------------------------------------------------------------


@MANY
@given(SEEDS)
def test_bounds_hold_in_the_whole_cell(seed: int) -> None:
    drawn = Drawn(seed)
    option = drawn.option()
    q = linear(0.0, (1, option(every)), (-1, drawn.option()(every)))
    seams = np.unique(drawn.volumes(4))
    lo, hi = at(seams[:-1]), just_above(seams[1:])
    low, high = (np.broadcast_to(x, (len(seams) - 1, DRAWS)) for x in q.bounds(lo, hi))
    for i, (left, right) in enumerate(itertools.pairwise(seams)):
        inside = np.concatenate([drawn.volumes(20), [left, right], np.linspace(left, right, 20)])
        inside = inside[(inside >= left) & (inside <= right)]
        for here in (at(inside), just_above(inside)):
            values = q.value(here)
            assert (low[i] <= values).all(), (seed, i)
            assert (values <= high[i]).all(), (seed, i)
    d = drawn.r.randrange(DRAWS)
    rows = np.full(len(seams) - 1, d)
    flat = q.bounds(at(seams[:-1], rows=rows), just_above(seams[1:], rows=rows))
    assert np.broadcast_to(flat[0], rows.shape).tolist() == low[:, d].tolist()
    assert np.broadcast_to(flat[1], rows.shape).tolist() == high[:, d].tolist()


def test_bounds_are_those_of_one_pair_of_ends() -> None:
    lo = at([10.0])
    assert [x.item() for x in VOLUME.bounds(lo, just_above([20.0]))] == [10, 20]
    assert [x.item() for x in VOLUME.bounds(lo, just_above([30.0]))] == [10, 30]


# -- sweeps -----------------------------------------------------------------------------------------------------------


@MANY
@given(SEEDS, st.sampled_from([1, 20, 10**6]))
def test_a_sweep_is_the_value_everywhere(seed: int, block: int) -> None:
    drawn = Drawn(seed)
    option = drawn.floored(drawn.option()) if seed % 3 == 0 else drawn.option()
    q, volumes = option(every), drawn.volumes(9)
    expected = np.broadcast_to(q.value(at(volumes)), (len(volumes), DRAWS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tco.curve.sweeps.BLOCK", block)
        assert sweep(q, volumes, DRAWS).tolist() == expected.tolist()
        out = np.full((len(volumes), DRAWS), np.nan)
        assert sweep(q, volumes, DRAWS, out=out) is out
        assert out.tolist() == expected.tolist()
        shares = drawn.r.choice([(0.1, 0.9), (0.9, 0.0, 0.5, 1.0), (2 / 7, 0.3), (0.5, 0.5)])
        ranks = np.percentile(expected, [100 * s for s in shares], axis=1, method="inverted_cdf")
        assert percentiles(q, volumes, DRAWS, shares).tolist() == ranks.tolist()
    rows = np.array([drawn.r.randrange(DRAWS) for _ in volumes])
    flat = np.broadcast_to(q.value(at(volumes, rows=rows)), volumes.shape)
    assert flat.tolist() == expected[np.arange(len(volumes)), rows].tolist()
    for d in range(DRAWS):
        one = option(alone(d)).value(at(volumes))
        assert one[:, 0].tolist() == expected[:, d].tolist()


def test_a_node_read_more_than_once_is_not_written_over() -> None:
    draws = np.array([1.0, 2.0, 3.0])
    load = linear(draws, (draws, VOLUME))
    steps = Steps(load, draws)
    twice = Highest((steps, Steps(linear(0.0, (draws, steps)), 3.0), steps, linear(1.0, (1, steps))))
    chosen = Cheapest((steps, twice), (twice, steps))
    q = linear(draws, (draws, steps), (1.0, Part(load, 2.0)), (draws, twice), (1, Part(load, draws)), (2.0, chosen))
    volumes = np.linspace(1, 30, 40)
    assert sweep(q, volumes, 3).tolist() == q.value(at(volumes)).tolist()
    assert sweep(Highest((steps,)), volumes, 3).tolist() == steps.value(at(volumes)).tolist()
    lone = Cheapest((steps,), (steps,))
    only = linear(
        draws, (draws, lone), (draws, Part(VOLUME, draws)), (draws, Part(lone, 1.0)), (draws, Highest((lone,)))
    )
    assert sweep(only, volumes, 3).tolist() == only.value(at(volumes)).tolist()


def test_ranks_of_many_draws_are_values_that_some_draw_had() -> None:
    for draws in (1, 2, 9, 10, 11, 100, 256, 1000, 20_000):
        values = np.random.default_rng(draws).uniform(0, 1, draws)
        q = linear(values, (1.0, VOLUME))
        shares = (0.1, 0.29, 0.5, 0.50005, 0.57, 0.9)
        ranks = np.percentile(
            np.broadcast_to(values + 5.0, (1, draws)), [10, 29, 50, 50.005, 57, 90], axis=1, method="inverted_cdf"
        )
        assert percentiles(q, [5.0], draws, shares).tolist() == ranks.tolist()


def test_percentiles_keep_nothing() -> None:
    import tracemalloc

    draws = 10_000
    size = np.random.default_rng(0).uniform(5, 9, draws)
    q = linear(size, (size, VOLUME), (1.0, Steps(linear(0.0, (size, VOLUME)), size, 1.0)))
    tracemalloc.start()
    percentiles(q, np.linspace(1, 100, 500), draws)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20  # the whole array: 40 MB
    tracemalloc.stop()


def test_what_does_not_fit_is_refused() -> None:
    q = linear(np.ones(3), (1.0, VOLUME))
    with pytest.raises(ValueError, match="3 draws, not 4"):
        sweep(q, [1.0], 4)
    with pytest.raises(ValueError, match=r"shape \(2, 3\), not \(1, 3\)"):
        sweep(q, [1.0], 3, out=np.empty((2, 3)))
    with pytest.raises(ValueError, match="more than 0"):
        sweep(q, [0.0, 1.0], 3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentiles(q, [1.0], 3, (10, 90))


# -- a range that is a point ------------------------------------------------------------------------------------------


@MANY
@given(SEEDS)
def test_a_range_that_is_a_point_gives_the_same_bits(seed: int) -> None:
    drawn = Drawn(seed)
    (a, b), ends, volumes = drawn.two(), (drawn.end(), drawn.end()), drawn.volumes(9)
    d = drawn.r.randrange(DRAWS)

    def constant(number: Number) -> Array:
        return np.full(DRAWS, number[d % len(number)])

    def certain(number: Number) -> Array:
        return np.array([number[d % len(number)]])

    point, drawn_point = a(certain).value(at(volumes)), a(constant).value(at(volumes))
    assert np.broadcast_to(drawn_point, (len(volumes), DRAWS)).tolist() == np.tile(point, DRAWS).tolist()
    assert percentiles(a(constant), volumes, DRAWS).tolist() == np.tile(point.T, (2, 1)).tolist()
    each = tuple(None if e is None else np.full(DRAWS, e[d % len(e)]) for e in ends)
    one = swaps_by_draw(a(certain), b(certain), WINDOW, 1, tuple(None if e is None else e[:1] for e in each))  # type: ignore[arg-type]
    for make_a, make_b in ((constant, constant), (certain, constant), (certain, certain)):
        found = swaps_by_draw(a(make_a), b(make_b), WINDOW, DRAWS, each)  # type: ignore[arg-type]
        assert found.volume.tolist() == one.volume.tolist() * DRAWS
        assert found.opening.tolist() == one.opening.tolist() * DRAWS
        assert found.stays_cheaper().tolist() == one.stays_cheaper().tolist() * DRAWS
